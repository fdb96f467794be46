"""Threat 21: a file that is a picture and something else as well, or a picture that is larger than it looks.

What is kept is always encoded anew: nothing of the file that came is ever served.
"""

from __future__ import annotations

import io
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from PIL import Image, ImageSequence, PngImagePlugin

from articles import logos, pictures
from articles.models import Article
from articles.pictures import PictureError, render, store_picture
from articles.writing import illustrating
from tests.articles.documents import item, picture
from tests.articles.polling import served
from tests.factories import make_article
from tests.servers.http import HttpServer

SCRIPT = b"<script>alert('polyglot')</script>"
MARKS = (b"<script", b"alert(", b"PK\x03\x04", b"%PDF", b"<?php", b"META-INF")


def gif_that_is_javascript() -> bytes:
    """``GIF89a/*…*/=1;alert(1)``: the picture's width spells the start of a comment."""
    data = bytearray(picture(100, 100, format="GIF", mode="P"))
    data[6:10] = b"/*" + struct.pack("<H", 100)
    return bytes(data) + b"*/=1;alert('polyglot');//"


def gif_with_a_comment() -> bytes:
    return picture(100, 100, format="GIF", mode="P", comment=SCRIPT)


def png_that_is_a_jar() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil")
    return picture(100, 100, format="PNG") + buffer.getvalue()


def png_with_words() -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", SCRIPT.decode())
    words.add_itxt("XML:com.adobe.xmp", SCRIPT.decode())
    return picture(100, 100, format="PNG", pnginfo=words)


def jpeg_that_is_a_page_and_a_program() -> bytes:
    exif = Image.Exif()
    exif[0x013B] = SCRIPT.decode()
    return picture(100, 100, exif=exif, comment=b"%PDF-1.7 <?php system(1); ?>") + b"<html>" + SCRIPT


def webp_with_words() -> bytes:
    return picture(100, 100, format="WEBP", xmp=SCRIPT)


def jpeg_with_a_profile() -> bytes:
    return picture(100, 100, icc_profile=SCRIPT * 20)


def moving_gif() -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("P", (100, 100), number % 255) for number in range(300)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], comment=SCRIPT)
    return buffer.getvalue()


POLYGLOTS = [
    gif_that_is_javascript, gif_with_a_comment, png_that_is_a_jar, png_with_words, jpeg_that_is_a_page_and_a_program,
    webp_with_words, jpeg_with_a_profile, moving_gif,
]  # fmt: skip


def assert_harmless(data: bytes) -> None:
    """One JPEG from the first byte to the last, of one frame, with nothing but the picture in it."""
    assert data.startswith(b"\xff\xd8\xff")
    assert data.endswith(b"\xff\xd9")
    assert not [mark for mark in MARKS if mark in data]
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == "JPEG"
        assert len(list(ImageSequence.Iterator(opened))) == 1
        assert not opened.getexif()
        assert not {"comment", "icc_profile", "xmp"} & opened.info.keys()


@pytest.mark.parametrize("make", POLYGLOTS)
def test_polyglot_is_one_picture_and_nothing_else_afterwards(make: Callable[[], bytes]) -> None:
    data = make()
    assert any(mark in data for mark in MARKS), "it is one"

    rendition = render(data)

    for kept in (rendition.picture, rendition.thumbnail, *rendition.smaller.values()):
        assert_harmless(kept)


@pytest.mark.django_db
@pytest.mark.parametrize("make", POLYGLOTS)
def test_what_is_served_is_a_picture_whatever_was_uploaded(make: Callable[[], bytes], client: Client) -> None:
    article = make_article()
    store_picture(article, make())
    within = illustrating.store(make(), file_name="../../evil.php\0.html")

    for url in (article.picture.url, article.thumbnail.url, within.url):
        answer = client.get(url.removeprefix("http://localhost:8000"))
        assert_harmless(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert not answer.cookies


@pytest.mark.parametrize("make", POLYGLOTS)
def test_logo_is_encoded_anew_as_well(make: Callable[[], bytes]) -> None:
    data, _size = logos.render(make())

    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xae\x42\x60\x82")
    assert not [mark for mark in MARKS if mark in data]


@pytest.mark.django_db(transaction=True)
def test_feed_that_calls_a_program_a_picture_gives_the_article_none(http_server: HttpServer) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="http://169.254.169.254/"/></svg>'
    before = set(default_storage.listdir("")[0])
    http_server.serve("/p.jpg", svg, content_type="image/jpeg")
    served(http_server, item(more='<enclosure url="/p.jpg" type="image/jpeg" length="1"/>'))

    article = Article.objects.get()
    assert (article.picture.name, article.has_lost_picture) == ("", True)
    assert set(default_storage.listdir("")[0]) == before


# --- larger than they look --------------------------------------------------------------------------------------------
def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes((width // 8 + 2) * height)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + rows + chunk(b"IEND", b"")


FLOOD = zlib.compress(bytes(200_000_000))
BOMBS = {
    "pixels": lambda: png(6400, 6400),
    "a flood of rows": lambda: png(40, 1_100_000),
    "a packed comment": lambda: png(100, 100, chunk(b"zTXt", b"Comment\0\0" + FLOOD)),
    "a packed profile": lambda: png(100, 100, chunk(b"iCCP", b"icc\0\0" + FLOOD)),
    "many comments": lambda: png(100, 100, *[chunk(b"tEXt", b"Comment\0" + b"x" * 1000)] * 5000),
    "a wide GIF": lambda: b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + b"\0" * 6 + b",",
    "a wide WebP": lambda: picture(16_383, 2_500, format="WEBP"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_costs_little_time_and_memory(name: str) -> None:
    data = BOMBS[name]()
    assert len(data) < pictures.MAX_BYTES
    started, before = monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with suppress(PictureError):
        assert_harmless(render(data).picture)

    assert monotonic() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 600_000
