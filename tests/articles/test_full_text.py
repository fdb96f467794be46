"""Feeds with teasers only: the text comes from the article's own page, with its pictures, under the same rules."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from time import monotonic
from typing import Any

import pytest
from pytest_django import Settings

from articles import body_pictures
from articles.feeds import full_text, illustrating
from articles.feeds.importing import poll
from articles.models import Article, BodyPicture, FeedEntry
from tests.articles.documents import item, picture, rss
from tests.factories import NOW, make_article, make_feed
from tests.servers.http import HttpServer

LATER = NOW + timedelta(hours=4)
SENTENCE = "The ferry between the two quays is running again after a pause of three long winters, the harbor said. "
PAGE = (
    "<!DOCTYPE html><html><head><title>Ferry</title></head><body><nav><a href='/'>Home</a> <a href='/a'>Politics</a>"
    "</nav><main><article><h1>Ferry returns</h1>{}<p>- Advertisement -</p></article></main>"
    "<aside><p>Most read: ten other stories that are not this one.</p></aside><footer>Imprint</footer></body></html>"
)


def page(*, picture_url: str = "") -> bytes:
    shown = f"<p><img src='{picture_url}' alt='A quay'></p>" if picture_url else ""
    paragraphs = "".join(f"<p>In year {number}: {SENTENCE * 3}</p>" for number in range(2020, 2024))
    return PAGE.format(paragraphs + shown).encode()


def teaser_feed(server: HttpServer, link: str, **fields: Any) -> Any:
    url = server.serve("/feed.xml", rss(item(link=link, description="Only a teaser.")))
    return make_feed(url=url, **{"extracts_full_text": True, **fields})


@pytest.mark.django_db(transaction=True)
def test_text_and_its_pictures_come_from_the_page(http_server: HttpServer) -> None:
    photo = http_server.serve("/quay.jpg", picture(1000, 600), content_type="image/jpeg")
    feed = teaser_feed(http_server, http_server.serve("/1", page(picture_url=photo), content_type="text/html"))

    poll(feed=feed, now=NOW)

    article = Article.objects.get()
    assert article.body.count("three long winters") == 12
    assert not {"Politics", "Most read", "Advertisement", "Imprint"} & set(article.body.split())
    assert article.summary == "Only a teaser."
    shown = body_pictures.html_for_page(article)
    copy = BodyPicture.objects.get()
    assert f'src="{copy.picture.url}" alt="A quay" width="1000" height="600" srcset="' in shown
    assert photo not in shown


@pytest.mark.django_db(transaction=True)
def test_page_that_fails_leaves_the_teaser_and_is_tried_again(http_server: HttpServer) -> None:
    link = http_server.serve("/1", status=503)
    poll(feed=teaser_feed(http_server, link), now=NOW)
    assert Article.objects.get().body == "Only a teaser."

    http_server.serve("/1", page(), content_type="text/html")
    came = [full_text.fetch_due(now=NOW), full_text.fetch_due(now=LATER), full_text.fetch_due(now=LATER)]

    assert came == [0, 1, 0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("body", [b"\x89PNG\r\n", b"<html><body><p>Short.</p>", b"", b"<div>" * 200_000], ids=range(4))
def test_page_without_a_text_leaves_the_teaser(http_server: HttpServer, body: bytes) -> None:
    feed = teaser_feed(http_server, http_server.serve("/1", body, content_type="text/html"))
    started = monotonic()

    assert poll(feed=feed, now=NOW).new == 1

    assert Article.objects.get().body == "Only a teaser."
    assert FeedEntry.objects.get().extract_at is None
    assert monotonic() - started < 2 * full_text.READ_SECONDS


@pytest.mark.django_db(transaction=True)
def test_editor_s_text_is_not_replaced(http_server: HttpServer) -> None:
    link = http_server.serve("/1", status=503)
    poll(feed=teaser_feed(http_server, link), now=NOW)
    Article.objects.update(body="<p>An editor's.</p>")
    http_server.serve("/1", page(), content_type="text/html")

    assert full_text.fetch_due(now=LATER) == 0
    assert Article.objects.get().body == "<p>An editor's.</p>"


@pytest.mark.django_db(transaction=True)
def test_page_in_a_private_network_is_not_asked(http_server: HttpServer) -> None:
    with HttpServer() as inner:
        poll(feed=teaser_feed(http_server, inner.serve("/1", page(), content_type="text/html")), now=NOW)

        assert inner.requests == []


# --- pictures inside texts --------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_picture_elsewhere_is_left_out_until_it_is_here_and_forgotten_if_it_is_none(
    http_server: HttpServer, settings: Settings
) -> None:
    good = http_server.serve("/good.jpg", picture(300, 200))
    bad = http_server.serve("/bad.jpg", b"<svg onload=alert(1)/>")
    down = http_server.serve("/down.jpg", status=503)
    figures = "".join(
        f'<figure><img src="{url}" alt="A"><figcaption>C</figcaption></figure>' for url in (good, bad, down)
    )
    article = make_article(body=f"<p>Text</p>{figures}")

    refused = body_pictures.note(article, now=NOW), illustrating.fetch_body_pictures(now=NOW)
    before = body_pictures.html_for_page(article)
    BodyPicture.objects.update(next_try_at=NOW)
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    came = illustrating.fetch_body_pictures(now=NOW)
    article = Article.objects.get()

    assert refused == (3, 0)  # a typed text does not open private networks
    assert before == "<p>Text</p><p>C</p><p>C</p><p>C</p>"
    assert came == 1
    assert body_pictures.html_for_page(article).count("<img") == 1
    assert body_pictures.html_for_others(article).count(f'src="{settings.SITE_URL}/media/') == 1
    assert list(BodyPicture.objects.order_by("pk").values_list("next_try_at", flat=True)) == [
        None, None, NOW + timedelta(hours=1),
    ]  # fmt: skip
