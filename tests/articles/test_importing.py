"""A feed's items become articles: every one, once, and not against an editor's will."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, connection
from pytest_django import DjangoAssertNumQueries

from articles.feeds import identity
from articles.feeds.importing import FIRST_IMPORT_MAILABLE, poll
from articles.models import Article, Feed, FeedEntry, free_slug
from tests.articles.documents import item, rss
from tests.articles.polling import LATER, counts, polled_again, served
from tests.factories import NOW, make_article, make_feed, make_topic
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)


def test_item_becomes_a_published_article(http_server: HttpServer) -> None:
    sport, local = make_topic(name="Sport", slug="sport"), make_topic(name="Local News", slug="local")
    make_topic(name="Opera", slug="opera")
    feed = make_feed(
        url=http_server.serve(
            "/feed.xml",
            rss(
                item(
                    link="https://News.example/1?utm_source=rss",
                    description="<p>A <b>text</b>.</p>",
                    pubDate="Sun, 22 Nov 2026 10:00:00 GMT",
                    more="<dc:creator>Jané Doe</dc:creator><category>SPORT</category><category>Unknown</category>",
                ),
                head="<language>en</language>",
            ),
        )
    )
    feed.topics.add(local)

    report = poll(feed=feed, now=NOW)

    assert counts(report) == (1, 0, 0)
    article = Article.objects.get()
    assert (article.status, article.released_at, article.first_seen_at) == ("published", NOW, NOW)
    assert (article.title, article.slug) == ("What happened in story 1", "what-happened-in-story-1")
    assert (article.summary, article.body) == ("A text.", "<p>A <b>text</b>.</p>")
    assert (article.canonical_url, article.language) == ("https://news.example/1", "en")
    assert article.published_at == NOW - timedelta(hours=20)
    assert set(article.topics.all()) == {sport, local}
    assert [(author.name, author.slug) for author in article.authors.all()] == [("Jané Doe", "jane-doe")]
    assert set(Article.objects.eligible(since=NOW - timedelta(hours=1), now=NOW)) == {article}


def test_importing_again_imports_nothing_twice(http_server: HttpServer) -> None:
    feed = served(http_server, item(1), item(2))

    report = poll(feed=feed, now=LATER)

    assert counts(report) == (0, 0, 2)
    assert Article.objects.count() == FeedEntry.objects.count() == 2


def test_untrusted_feed_waits_for_an_editor(http_server: HttpServer) -> None:
    served(http_server, item(), is_trusted=False)

    article = Article.objects.get()
    assert (article.status, article.released_at) == ("in_review", None)


def test_first_import_floods_nobody(http_server: HttpServer) -> None:
    feed = served(http_server, *map(item, range(30)))

    mailable = Article.objects.filter(is_mailable=True).order_by("-released_at")
    assert Article.objects.published(NOW).count() == 30
    assert [article.entries.get().title_key[-1] for article in mailable] == list("0123456789")
    assert len(mailable) == FIRST_IMPORT_MAILABLE
    polled_again(http_server, feed, *(item(number) for number in range(40, 60)))
    assert Article.objects.filter(is_mailable=True).count() == FIRST_IMPORT_MAILABLE + 20


def test_interrupted_first_import_still_floods_nobody(http_server: HttpServer) -> None:
    feed = served(http_server, *map(item, range(30)))
    Article.objects.filter(is_mailable=False).first().delete()  # type: ignore[union-attr]
    Feed.objects.update(last_success_at=None)
    feed.refresh_from_db()

    report = poll(feed=feed, now=LATER)

    assert counts(report) == (1, 0, 29)
    assert Article.objects.filter(is_mailable=True).count() == FIRST_IMPORT_MAILABLE


def test_articles_of_a_poll_are_released_in_the_order_of_the_feed(http_server: HttpServer) -> None:
    served(http_server, *map(item, "abc"))

    released = Article.objects.published(NOW)
    assert [article.title[-1] for article in released] == list("abc")
    assert len({article.released_at for article in released}) == 3


def test_order_goes_by_date_if_every_item_has_one(http_server: HttpServer) -> None:
    dates = {"a": "21 Nov 2026", "b": "22 Nov 2026", "c": "20 Nov 2026"}
    served(http_server, *(item(name, pubDate=f"{date} 10:00:00 GMT") for name, date in dates.items()))

    assert [article.title[-1] for article in Article.objects.published(NOW)] == list("bac")


@pytest.mark.parametrize(
    ("date", "shown"), [("Mon, 23 Nov 2099 06:00:00 GMT", NOW), ("Thu, 01 Jan 1970 00:00:00 GMT", None), (None, None)]
)
def test_impossible_dates_do_no_harm(http_server: HttpServer, date: str | None, shown: object) -> None:
    served(http_server, item(pubDate=date))

    article = Article.objects.get()
    assert (article.published_at, article.released_at) == (shown, NOW)


def test_changed_item_updates_its_article(http_server: HttpServer) -> None:
    feed = served(http_server, item(1), item(2))

    report = polled_again(http_server, feed, item(1, title="Corrected", description="New text."), item(2))

    assert counts(report) == (0, 1, 1)
    article = Article.objects.get(title="Corrected")
    assert (article.summary, article.body, article.slug) == ("New text.", "New text.", "what-happened-in-story-1")
    assert article.released_at == NOW


def test_what_an_editor_changed_stays(http_server: HttpServer) -> None:
    feed = served(http_server, item())
    Article.objects.update(title="The editor's headline", body="The\r\nsummary of story 1.")

    report = polled_again(http_server, feed, item(title="The feed's headline", description="The feed's text."))

    assert counts(report) == (0, 1, 0)
    article = Article.objects.get()
    assert (article.title, article.summary) == ("The editor's headline", "The feed's text.")
    assert article.body == "The feed's text."  # forms change white space; that is no edit


def test_what_an_editor_changed_stays_for_all_later_changes(http_server: HttpServer) -> None:
    feed = served(http_server, item())
    Article.objects.update(title="The editor's headline")

    polled_again(http_server, feed, item(title="First change"))
    polled_again(http_server, feed, item(title="Second change"))

    assert Article.objects.get().title == "The editor's headline"


def test_text_that_vanished_from_the_feed_stays(http_server: HttpServer) -> None:
    feed = served(http_server, item())

    polled_again(http_server, feed, item(description=""))

    assert Article.objects.get().summary == "The summary of story 1."


def test_withdrawn_article_stays_withdrawn(http_server: HttpServer) -> None:
    feed = served(http_server, item())
    Article.objects.get().withdraw(NOW)

    polled_again(http_server, feed, item(description="Changed."))

    assert Article.objects.get().status == "withdrawn"


def test_item_without_anything_is_refused_and_the_others_come(http_server: HttpServer) -> None:
    feed = make_feed(
        url=http_server.serve("/feed.xml", rss(item(1), "<item/>", "<item><guid>x</guid></item>", item(2)))
    )

    report = poll(feed=feed, now=NOW)

    assert counts(report) == (2, 0, 0)
    assert sorted(refused.reason for refused in report.refused) == [
        "It has neither a headline nor a text.",
        "It has no id, no link and no headline.",
    ]


def test_item_that_the_database_refuses_stops_no_other_and_comes_again(
    http_server: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item(1), item(2), item(3)), etag='"1"'))
    bad_identity = identity.identity_of(guid="id-2", link="", title="")

    with connection.execute_wrapper(refusing(bad_identity)):
        report = poll(feed=feed, now=NOW)

    assert counts(report) == (2, 0, 0)
    assert [refused.is_fault for refused in report.refused] == [True]
    assert bad_identity in caplog.text
    assert counts(poll(feed=feed, now=LATER)) == (1, 0, 2)


def refusing(value: str) -> Callable[..., Any]:
    """A database that refuses to insert this value, as PostgreSQL does with what it cannot store."""

    def execute(execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT") and value in (parameters or ()):
            raise DataError("value out of range")
        return execute(sql, parameters, many, context)

    return execute


def test_item_that_is_taken_back_takes_nothing_from_the_others(http_server: HttpServer) -> None:
    by_ann = "<dc:creator>Ann Lee</dc:creator>"
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item(1, more=by_ann), item(2, more=by_ann))))

    with connection.execute_wrapper(refusing(identity.identity_of(guid="id-2", link="", title=""))):
        report = poll(feed=feed, now=NOW)

    assert (report.new, len(report.refused)) == (1, 1)
    assert [author.name for author in Article.objects.get().authors.all()] == ["Ann Lee"]


def test_new_item_costs_few_queries(
    http_server: HttpServer, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    feed = served(http_server, item(1))
    feed.topics.add(make_topic(name="Harbor"))
    more = "<dc:creator>Ann Lee</dc:creator>"
    http_server.serve("/feed.xml", rss(*(item(number, more=more) for number in range(2, 22))))

    # each: savepoint and its release, the article, its topics, its authors, its entry; 60 for the whole document
    with django_assert_max_num_queries(20 * 6 + 60):
        assert poll(feed=feed, now=LATER).new == 20


def test_thousandth_article_of_one_title_gets_its_address_in_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    titles = ["Паром"] * 12
    slugs = [make_article(title=title, slug="").slug for title in titles]

    assert slugs[:3] == ["article", "article-2", "article-3"]
    assert len(set(slugs)) == 12
    with django_assert_num_queries(1):
        assert free_slug("Паром") not in slugs


def test_authors_and_slugs_of_any_script(http_server: HttpServer) -> None:
    served(http_server, item(title="Паром не ходит сегодня утром", more="<dc:creator>Анна Петрова</dc:creator>"))

    article = Article.objects.get()
    assert article.slug == "article"
    assert article.authors.get().slug.startswith("author-")


def test_hostile_item_is_stored_clean(http_server: HttpServer) -> None:
    attack = '<script>alert(1)</script><a href="java\nscript:alert(1)">x</a><img src=x onerror=alert(1)>'
    served(http_server, item(title=f"Title{attack}", description=f"<p>Text</p>{attack}", link="javascript:alert(1)"))

    article = Article.objects.get()
    assert (article.title, article.canonical_url) == ("Titlex", "")
    assert "script" not in article.body
    assert "onerror" not in article.body
