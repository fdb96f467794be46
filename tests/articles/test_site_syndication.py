from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from html import unescape
from http import HTTPStatus

import feedparser
import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone
from django.utils.http import parse_http_date
from pytest_django import DjangoAssertNumQueries, Settings

from articles import sitemaps
from articles.models import Article
from tests.factories import make_article, make_author, make_topic

pytestmark = pytest.mark.django_db

FEED_QUERIES = (
    6  # when something last vanished; articles, their topics, authors and pictures inside texts; the publication
)
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
ATOM = "{http://www.w3.org/2005/Atom}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


def locations(client: Client, path: str) -> list[str]:
    document = ET.fromstring(client.get(path).content)  # noqa: S314 (it is our own)
    return [element.text or "" for element in document.iter(f"{SITEMAP}loc")]


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


def test_words_of_a_summary_never_become_markup_in_a_feed_reader(client: Client) -> None:
    summary = "What <script>alert(1)</script> & <b>bold</b> mean when a < b."
    released(1, summary=summary)

    for path, place in (("/feed.xml", "channel/item/description"), ("/atom.xml", f"{ATOM}entry/{ATOM}summary")):
        said = ET.fromstring(client.get(path).content).find(place)  # noqa: S314 (it is our own)
        assert said is not None
        assert unescape(said.text or "") == summary
        assert "<" not in (said.text or "")


def test_control_characters_in_names_break_no_document(client: Client) -> None:
    released(1, title="Ferry\x0b returns", topics=[make_topic(name="Har\x0cbor", slug="harbor")])

    for path in ("/feed.xml", "/atom.xml", "/topics/harbor/feed.xml", "/news-sitemap.xml"):
        ET.fromstring(client.get(path).content)  # noqa: S314 (it is our own)


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

    files = [address.removeprefix(settings.SITE_URL) for address in locations(client, "/sitemap.xml")]
    listed = [address for file in files for address in locations(client, file)]

    assert listed == [
        f"{settings.SITE_URL}{path}"
        for path in ("/", "/archive/", topic.get_absolute_url(), article.get_absolute_url())
    ]


def test_sitemap_is_split_by_keys_and_skips_the_files_that_would_be_empty(client: Client, settings: Settings) -> None:
    for pk in (1, sitemaps.MOST_IN_A_FILE, sitemaps.MOST_IN_A_FILE + 1, 40 * sitemaps.MOST_IN_A_FILE):
        released(1, pk=pk)

    files = locations(client, "/sitemap.xml")[1:]
    counts = [len(locations(client, file.removeprefix(settings.SITE_URL))) for file in files]

    assert [file.rpartition("-")[2] for file in files] == ["0.xml", "1.xml", "39.xml"]
    assert counts == [2, 1, 1]
    assert client.get("/sitemaps/articles-2.xml").status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"/sitemaps/articles-{10**30}.xml").status_code == HTTPStatus.NOT_FOUND


def test_news_sitemap_has_the_news_of_two_days_in_its_own_language(client: Client, settings: Settings) -> None:
    article = released(47, title="Boats & nets", language="pt-br")
    released(49, title="Too old")
    released(1, title="Paid for", is_sponsored=True)

    (url,) = ET.fromstring(client.get("/news-sitemap.xml").content)  # noqa: S314 (it is our own)

    assert url.findtext(f"{SITEMAP}loc") == f"{settings.SITE_URL}{article.get_absolute_url()}"
    assert url.findtext(f".//{NEWS}title") == "Boats & nets"
    assert url.findtext(f".//{NEWS}language") == "pt"
    assert url.findtext(f".//{NEWS}name") == settings.SITE_NAME


def test_every_kind_of_feed_says_the_same(client: Client, settings: Settings) -> None:
    topic = make_topic(name="Harbor")
    article = released(
        1, title="Ferry & more", summary="It is back.", topics=[topic], language="fr",
        body='<p onclick="x()">All of it.</p><script>alert(1)</script>', authors=[make_author(name="Ada Merrin")],
    )  # fmt: skip
    released(2, title="Something else")
    address = f"{settings.SITE_URL}{article.get_absolute_url()}"

    for path in ("feed.xml", "atom.xml"):
        document = feedparser.parse(client.get(f"{topic.get_absolute_url()}{path}").content)
        assert not document.bozo
        (entry,) = document.entries
        assert (entry.title, entry.link, entry.summary) == ("Ferry & more", address, "It is back.")
        assert entry.content[0].value == "<p>All of it.</p>"
    response = client.get(f"{topic.get_absolute_url()}feed.json")
    (item,) = response.json()["items"]

    assert response["Content-Type"] == "application/feed+json; charset=utf-8"
    assert response.json()["version"] == "https://jsonfeed.org/version/1.1"
    assert (item["title"], item["url"], item["language"]) == ("Ferry & more", address, "fr")
    assert item["content_html"] == "<p>All of it.</p>"
    assert item["authors"][0]["name"] == "Ada Merrin"


def test_robots_are_told_where_the_sitemap_is_and_to_leave_personal_links_alone(
    client: Client, settings: Settings
) -> None:
    text = client.get("/robots.txt").text

    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in text
    assert "Disallow: /unsubscribe/" in text
