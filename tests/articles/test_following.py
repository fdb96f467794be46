"""What a feed changes in an item reaches its article, field by field, and never against an editor's will."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from articles.feeds.importing import poll
from articles.models import Article, Author, FeedEntry
from tests.articles.documents import item, picture, rss
from tests.articles.polling import counts, polled_again, served
from tests.factories import NOW, make_article
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)


def media(url: str, *, alt: str, credit: str) -> str:
    words = f"<media:text>{alt}</media:text><media:credit>{credit}</media:credit>"
    return f'<media:content url="{url}" medium="image"/>{words}'


def by(*names: str) -> str:
    return "".join(f"<dc:creator>{name}</dc:creator>" for name in names)


def names_of(article: Article) -> set[str]:
    return set(article.authors.values_list("name", flat=True))


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[[Article], object], object]] = {
    "authors": ({"more": by("Ann Lee")}, {"more": by("Ann Lee", "Bo Ek")}, names_of, {"Ann Lee", "Bo Ek"}),
    "link": ({}, {"link": "https://news.example/new"}, lambda row: row.canonical_url, "https://news.example/new"),
    "date": (
        {"pubDate": "Sat, 21 Nov 2026 10:00:00 GMT"},
        {"pubDate": "Fri, 20 Nov 2026 10:00:00 GMT"},
        lambda row: row.published_at,
        datetime(2026, 11, 20, 10, tzinfo=UTC),
    ),
    "picture words": (
        {"more": media("/p.jpg", alt="A ship", credit="Bo")},
        {"more": media("/p.jpg", alt="A ferry", credit="Cy")},
        lambda row: (row.picture_alt, row.picture_credit),
        ("A ferry", "Cy"),
    ),
}
EDITS: dict[str, Callable[[Article], object]] = {
    "authors": lambda row: row.authors.set([Author.objects.create(name="Ed", slug="ed")]),
    "link": lambda row: Article.objects.update(canonical_url="https://elsewhere.example/"),
    "date": lambda row: Article.objects.update(published_at=NOW),
    "picture words": lambda row: Article.objects.update(picture_alt="Seen", picture_credit="Ed"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_field_of_a_changed_item_follows(http_server: HttpServer, name: str) -> None:
    before, after, read, expected = CHANGES[name]
    http_server.serve("/p.jpg", picture())
    feed = served(http_server, item(**before))
    assert read(Article.objects.get()) != expected

    report = polled_again(http_server, feed, item(**after))

    assert counts(report) == (0, 1, 0)
    assert read(Article.objects.get()) == expected


@pytest.mark.parametrize("name", CHANGES)
def test_each_field_that_an_editor_changed_stays(http_server: HttpServer, name: str) -> None:
    before, after, read, _expected = CHANGES[name]
    http_server.serve("/p.jpg", picture())
    feed = served(http_server, item(**before))
    EDITS[name](Article.objects.get())
    edited = read(Article.objects.get())

    report = polled_again(http_server, feed, item(**after))

    assert counts(report) == (0, 0, 1)
    assert read(Article.objects.get()) == edited


def test_language_of_a_feed_that_learns_to_say_it_reaches_its_articles(http_server: HttpServer) -> None:
    feed = served(http_server, item())
    http_server.serve("/feed.xml", rss(item(), head="<language>nl</language>"))

    poll(feed=feed, now=NOW)

    assert Article.objects.get().language == "nl"


def test_address_that_another_article_has_is_not_taken_from_it(http_server: HttpServer) -> None:
    feed = served(http_server, item())
    make_article(canonical_url="https://news.example/taken")

    polled_again(http_server, feed, item(link="http://news.example/taken/"))

    assert Article.objects.filter(canonical_url="https://news.example/1").exists()


def test_words_of_an_editor_s_own_picture_are_not_the_feed_s(http_server: HttpServer) -> None:
    http_server.serve("/p.jpg", picture())
    feed = served(http_server, item(more=media("/p.jpg", alt="A ship", credit="Bo")))
    Article.objects.update(picture_url="")  # as after an upload at the desk

    polled_again(http_server, feed, item(more=media("/p.jpg", alt="A ferry", credit="Cy")))

    assert Article.objects.get().picture_alt == "A ship"


def test_entry_from_before_all_fields_were_noted_learns_them_and_changes_nothing(http_server: HttpServer) -> None:
    feed = served(http_server, item(more=by("Ann Lee")))
    entry = FeedEntry.objects.get()
    FeedEntry.objects.update(fingerprint=entry.fingerprint[:64])
    Article.objects.get().authors.clear()

    first = polled_again(http_server, feed, item(more=by("Ann Lee")))

    assert counts(first) == (0, 0, 1)
    assert FeedEntry.objects.get().fingerprint == entry.fingerprint
    assert names_of(Article.objects.get()) == set()


def test_picture_that_failed_for_good_is_followed_when_the_feed_names_another(http_server: HttpServer) -> None:
    http_server.serve("/p.jpg", status=404)
    feed = served(http_server, item(more=media("/p.jpg", alt="A ship", credit="Bo")))
    assert Article.objects.get().has_lost_picture
    http_server.serve("/q.jpg", picture(600, 300))

    report = polled_again(http_server, feed, item(more=media("/q.jpg", alt="A ferry", credit="Cy")))

    article = Article.objects.get()
    assert (report.pictures, article.picture.height, article.picture_alt) == (1, 300, "A ferry")
    assert not article.has_lost_picture


# --- a trusted feed releases what waits in review ---------------------------------------------------------------------
def test_trusted_feed_publishes_what_an_untrusted_one_brought_first(http_server: HttpServer) -> None:
    served(http_server, item(description="<p>Buy my coins.</p>", more=by("Spammer")), is_trusted=False)
    trusted = served(http_server, item(guid="other", more=by("Ann Lee")), path="/other.xml")

    article = Article.objects.get()
    assert (article.status, article.released_at, article.is_mailable) == ("published", NOW, True)
    assert (article.summary, article.body) == ("The summary of story 1.",) * 2
    assert names_of(article) == {"Ann Lee"}
    assert article.entries.count() == 2

    polled_again(http_server, trusted, item(guid="other", description="Corrected."), path="/other.xml")
    assert Article.objects.get().summary == "Corrected.", "from now on it follows the trusted feed"


def test_untrusted_feed_changes_nothing_any_more_once_a_trusted_one_released_it(http_server: HttpServer) -> None:
    untrusted = served(http_server, item(), is_trusted=False)
    served(http_server, item(guid="other"), path="/other.xml")

    polled_again(http_server, untrusted, item(description="Buy my coins."))

    assert Article.objects.get().summary == "The summary of story 1."


def test_nothing_of_the_untrusted_item_is_published_that_the_trusted_one_does_not_say(http_server: HttpServer) -> None:
    http_server.serve("/p.jpg", picture())
    spam = media("/p.jpg", alt="Coins", credit="Spammer")
    served(http_server, item(description="Buy my coins.", more=spam), is_trusted=False)
    assert Article.objects.get().picture
    served(http_server, item(guid="other", description=None), path="/other.xml")

    article = Article.objects.get()
    assert (article.status, article.body, article.summary) == ("published", "", "")
    assert (article.picture.name, article.thumbnail.name, article.picture_url, article.picture_alt) == ("", "", "", "")


def test_what_an_editor_wrote_in_review_is_published_with_it(http_server: HttpServer) -> None:
    served(http_server, item(), is_trusted=False)
    Article.objects.update(title="The editor's headline")
    served(http_server, item(guid="other", description="New."), path="/other.xml")

    article = Article.objects.get()
    assert (article.status, article.title, article.summary) == ("published", "The editor's headline", "New.")


@pytest.mark.parametrize("status", ["withdrawn", "draft"])
def test_what_an_editor_decided_is_not_published(http_server: HttpServer, status: str) -> None:
    served(http_server, item(), is_trusted=False)
    Article.objects.update(status=status, withdrawn_at=NOW if status == "withdrawn" else None)
    served(http_server, item(guid="other"), path="/other.xml")

    assert Article.objects.get().status == status


def test_second_untrusted_feed_publishes_nothing(http_server: HttpServer) -> None:
    served(http_server, item(), is_trusted=False)
    served(http_server, item(guid="other"), path="/other.xml", is_trusted=False)

    assert Article.objects.get().status == "in_review"
