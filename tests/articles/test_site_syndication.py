from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from http import HTTPStatus

import feedparser
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Article
from tests.factories import make_article, make_author, make_topic

pytestmark = pytest.mark.django_db

FEED_QUERIES = 4  # when it last changed; articles, their topics, their authors
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def released(hours_ago: float, **fields: object) -> Article:
    return make_article(released_at=timezone.now() - timedelta(hours=hours_ago), **fields)  # type: ignore[arg-type]


def test_feed_reader_gets_everything_about_an_article(client: Client, settings: Settings) -> None:
    article = released(
        1,
        title="Ferry & more",
        summary="It is back.",
        body="<p>All of <em>it</em>.</p>",
        topics=[make_topic(name="Harbor")],
        authors=[make_author(name="Ada Merrin")],
    )
    article.picture.save("ferry.jpg", ContentFile(b"not really a picture"))

    feed = feedparser.parse(client.get("/feed.xml").content)

    assert not feed.bozo
    assert feed.feed.title == settings.SITE_NAME
    assert {"rel": "self", "href": f"{settings.SITE_URL}/feed.xml"} in [
        {"rel": link.rel, "href": link.href} for link in feed.feed.links
    ]
    (entry,) = feed.entries
    assert entry.title == "Ferry & more"
    assert entry.link == f"{settings.SITE_URL}{article.get_absolute_url()}"
    assert entry.summary == "It is back."
    assert entry.content[0].value == "<p>All of <em>it</em>.</p>"
    assert entry.author == "Ada Merrin"
    assert [tag.term for tag in entry.tags] == ["Harbor"]
    assert entry.enclosures[0].href == f"{settings.SITE_URL}{article.picture.url}"
    assert entry.enclosures[0].type == "image/jpeg"
    assert entry.enclosures[0].length == str(len(b"not really a picture"))


def test_feed_keeps_a_story_whose_picture_file_is_gone(client: Client) -> None:
    released(1, title="Still here", picture="pictures/2026/11/gone.jpg")

    (entry,) = feedparser.parse(client.get("/feed.xml").content).entries

    assert entry.title == "Still here"
    assert not entry.enclosures


def test_feed_takes_the_same_queries_for_any_number_of_articles(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for hours in range(12):
        released(hours + 1, topics=[make_topic()], authors=[make_author()])

    with django_assert_num_queries(FEED_QUERIES):
        client.get("/feed.xml")


def test_unchanged_feed_is_answered_with_304_by_etag_and_by_date(client: Client) -> None:
    released(1)
    first = client.get("/feed.xml")

    by_etag = client.get("/feed.xml", headers={"if-none-match": first["ETag"]})
    by_date = client.get("/feed.xml", headers={"if-modified-since": first["Last-Modified"]})

    assert by_etag.status_code == HTTPStatus.NOT_MODIFIED
    assert by_date.status_code == HTTPStatus.NOT_MODIFIED


def test_withdrawing_an_article_changes_the_feed(client: Client) -> None:
    article = released(1, title="A mistake")
    first = client.get("/feed.xml")
    article.withdraw(timezone.now() + timedelta(seconds=2))

    second = client.get(
        "/feed.xml", headers={"if-none-match": first["ETag"], "if-modified-since": first["Last-Modified"]}
    )

    assert second.status_code == HTTPStatus.OK
    assert parse_http_date(second["Last-Modified"]) > parse_http_date(first["Last-Modified"])
    assert "A mistake" not in second.text


def test_empty_feed_is_well_formed_and_stays_the_same(client: Client) -> None:
    first, second = client.get("/feed.xml"), client.get("/feed.xml")

    assert not feedparser.parse(first.content).bozo
    assert first.content == second.content


def test_feed_addresses_come_from_the_settings_and_not_from_the_request(client: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["evil.example"]
    released(1)

    assert "evil.example" not in client.get("/feed.xml", headers={"host": "evil.example"}).text


def test_sitemap_lists_the_public_pages(client: Client, settings: Settings) -> None:
    topic = make_topic()
    article = released(1, topics=[topic])
    make_article(status=Article.Status.DRAFT, released_at=None)

    sitemap = ET.fromstring(client.get("/sitemap.xml").content)  # noqa: S314 (it is our own)

    assert [element.text for element in sitemap.iter(f"{SITEMAP}loc")] == [
        f"{settings.SITE_URL}{path}" for path in ("/", topic.get_absolute_url(), article.get_absolute_url())
    ]


def test_robots_are_told_where_the_sitemap_is_and_to_leave_personal_links_alone(
    client: Client, settings: Settings
) -> None:
    text = client.get("/robots.txt").text

    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in text
    assert "Disallow: /unsubscribe/" in text
