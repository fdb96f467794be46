"""Pictures: fetched under the same rules as feeds, decoded under limits, stored in two sizes."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from articles.feeds.importing import poll
from articles.models import Article
from articles.pictures import MAX_BYTES, PictureError, make_thumbnail, render, store_picture
from tests.articles.documents import item, picture, rss
from tests.factories import NOW, make_article, make_feed
from tests.servers.http import HttpServer

LATER = NOW + timedelta(hours=1)
ORIENTATION, ARTIST = 0x0112, 0x013B


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (picture(3000, 1500), (1200, 600)),
        (picture(600, 900), (600, 900)),
        (picture(100, 100, format="PNG", mode="RGBA"), (100, 100)),
        (picture(100, 100, format="GIF", mode="P"), (100, 100)),
        (picture(100, 100, format="WEBP"), (100, 100)),
        (picture(100, 100, mode="CMYK"), (100, 100)),
        (picture(100, 100, mode="L"), (100, 100)),
        (picture(100, 100, format="PNG", mode="I;16"), (100, 100)),
        (picture(100, 20_000, format="PNG", mode="1"), (18, 3600)),
    ],
)
def test_picture_is_encoded_anew_in_two_sizes(data: bytes, size: tuple[int, int]) -> None:
    rendition = render(data)

    large, small = opened(rendition.picture), opened(rendition.thumbnail)
    assert (large.format, large.mode, large.size) == ("JPEG", "RGB", size)
    assert (small.format, small.mode, small.size) == ("JPEG", "RGB", (352, 235))


def test_picture_is_turned_upright_and_says_nothing_about_who_took_it() -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[ARTIST] = 6, "Jane Doe"

    rendition = render(picture(400, 200, exif=exif, comment=b"Jane Doe"))

    assert opened(rendition.picture).size == (200, 400)
    assert not opened(rendition.picture).getexif()
    assert b"Jane Doe" not in rendition.picture + rendition.thumbnail


def test_transparent_parts_become_white() -> None:
    buffer = io.BytesIO()
    Image.new("RGBA", (100, 100), (255, 0, 0, 0)).save(buffer, "PNG")

    assert opened(render(buffer.getvalue()).picture).getpixel((50, 50)) == (255, 255, 255)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a JPEG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "not a JPEG"),
        (b"<html>not found</html>", "not a JPEG"),
        (picture(100, 100, format="BMP"), "not a JPEG"),
        (picture(100, 100, format="TIFF"), "not a JPEG"),
        (picture(100, 100)[:400], "damaged"),
        (picture(1, 1, format="GIF", mode="P"), "too small"),
        (png_that_claims(8000, 5001), "million pixels"),
        (png_that_claims(20_000, 20_000), "million pixels"),
        (png_that_claims(1000, 1000), "damaged"),
        (b"\xff\xd8\xff" + bytes(MAX_BYTES), "larger than"),
    ],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_picture_is_refused_in_words(data: bytes, sentence: str) -> None:
    with pytest.raises(PictureError, match=sentence):
        render(data)


# --- stored with articles ---------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_picture_is_stored_with_its_description() -> None:
    article = make_article(slug="ferry")

    store_picture(article, picture(), alt="A ferry", credit="Ann Lee")

    article.refresh_from_db()
    assert (article.picture_alt, article.picture_credit) == ("A ferry", "Ann Lee")
    assert (article.picture.width, article.picture.height) == (1200, 750)
    assert (article.thumbnail.width, article.thumbnail.height) == (352, 235)


@pytest.mark.django_db
def test_uploaded_picture_is_encoded_anew_and_the_original_removed() -> None:
    article = make_article(picture_url="https://feed.example/p.jpg")
    exif = Image.Exif()
    exif[ARTIST] = "Jane Doe"
    article.picture.save("upload.png", ContentFile(picture(1600, 1000, exif=exif)))
    storage, uploaded_name = article.picture.storage, str(article.picture.name)

    make_thumbnail(article)

    article.refresh_from_db()
    assert article.picture.width == 1200
    assert article.thumbnail.width == 352
    assert article.picture_url == ""
    assert not storage.exists(uploaded_name)


@pytest.mark.django_db
def test_removed_picture_takes_its_thumbnail_along() -> None:
    article = make_article(picture_url="https://feed.example/p.jpg")
    store_picture(article, picture())
    article.picture = ""

    make_thumbnail(article)

    article.refresh_from_db()
    assert (article.picture.name, article.thumbnail.name, article.picture_url) == ("", "", "")


# --- fetched with feeds -----------------------------------------------------------------------------------------------
def feed_with_picture(server: HttpServer, url: str) -> Any:
    enclosure = f'<enclosure url="{url}" type="image/jpeg" length="1"/>'
    return make_feed(url=server.serve("/feed.xml", rss(item(more=enclosure))))


@pytest.mark.django_db(transaction=True)
def test_picture_of_a_feed_is_fetched_once(http_server: HttpServer) -> None:
    feed = feed_with_picture(http_server, http_server.serve("/p.jpg", picture(), content_type="image/jpeg"))

    reports = [poll(feed=feed, now=NOW), poll(feed=feed, now=LATER)]

    assert [report.pictures for report in reports] == [1, 0]
    assert Article.objects.get().thumbnail.width == 352
    assert [request.path for request in http_server.requests].count("/p.jpg") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "details",
    [
        {"status": 404}, {"status": 500}, {"body": b"<svg/>"}, {"body": picture()[:500]}, {"body": bytes(50_000_000)},
        {"status": 302, "headers": {"Location": "http://169.254.169.254/"}},
    ],
    ids=range(6),
)  # fmt: skip
def test_picture_that_fails_does_not_fail_the_article(http_server: HttpServer, details: dict[str, Any]) -> None:
    feed = feed_with_picture(http_server, http_server.serve("/p.jpg", **details))

    report = poll(feed=feed, now=NOW)

    assert (report.new, report.pictures) == (1, 0)
    assert not Article.objects.get().picture


@pytest.mark.django_db(transaction=True)
def test_picture_whose_server_is_down_is_tried_again_and_one_that_is_none_is_not(http_server: HttpServer) -> None:
    feed = feed_with_picture(http_server, http_server.serve("/p.jpg", status=503))
    poll(feed=feed, now=NOW)
    http_server.serve("/p.jpg", picture())

    assert poll(feed=feed, now=LATER).pictures == 1

    Article.objects.update(picture="")
    http_server.serve("/p.jpg", b"no picture")
    before = len(http_server.requests)
    reports = [poll(feed=feed, now=LATER), poll(feed=feed, now=LATER)]
    assert [report.pictures for report in reports] == [0, 0]
    assert [request.path for request in http_server.requests[before:]].count("/p.jpg") == 1


@pytest.mark.django_db(transaction=True)
def test_picture_on_a_private_machine_is_not_asked_for(http_server: HttpServer) -> None:
    with HttpServer() as inner:
        feed = feed_with_picture(http_server, inner.serve("/secret.jpg", picture()))

        report = poll(feed=feed, now=NOW)

        assert (report.new, report.pictures) == (1, 0)
        assert inner.requests == []


@pytest.mark.django_db(transaction=True)
def test_picture_that_the_feed_changes_replaces_the_old_one_but_not_an_editor_s(http_server: HttpServer) -> None:
    feed = feed_with_picture(http_server, http_server.serve("/p.jpg", picture()))
    poll(feed=feed, now=NOW)
    feed_with = '<enclosure url="/{}.jpg" type="image/jpeg" length="1"/>'
    http_server.serve("/tall.jpg", picture(300, 600))
    http_server.serve("/wide.jpg", picture(600, 300))

    http_server.serve("/feed.xml", rss(item(more=feed_with.format("tall"))))
    assert poll(feed=feed, now=LATER).pictures == 1
    assert Article.objects.get().picture.height == 600

    make_thumbnail(Article.objects.get())
    http_server.serve("/feed.xml", rss(item(more=feed_with.format("wide"))))
    assert poll(feed=feed, now=LATER).pictures == 0
    assert Article.objects.get().picture.height == 600
