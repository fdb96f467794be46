"""Categories become topics: by name, by rules, and by what editors correct."""

from __future__ import annotations

import pytest

from articles.feeds import mapping
from articles.models import Article, CategoryRule, Feed, Topic
from tests.articles.documents import item
from tests.articles.polling import polled_again, served
from tests.factories import NOW, make_topic
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)


def categorized(number: int, *categories: str) -> str:
    return item(number, more="".join(f"<category>{name}</category>" for name in categories))


def corrected(number: int, *, to: list[Topic]) -> list[CategoryRule]:
    """An editor gives the article of this item these topics."""
    article = Article.objects.get(canonical_url__endswith=f"/{number}")
    before = [topic.pk for topic in article.topics.all()]
    article.topics.set(to)
    return mapping.learn(article, before=before, after=[topic.pk for topic in to], now=NOW)


def topics_of(number: int) -> list[str]:
    article = Article.objects.get(canonical_url__endswith=f"/{number}")
    return [topic.name for topic in article.topics.all()]


def test_second_correction_of_a_kind_makes_a_rule_that_the_next_import_follows(http_server: HttpServer) -> None:
    harbor = make_topic(name="Harbor")
    feed = served(http_server, categorized(1, "Hafen"), categorized(2, "HAFEN"))

    (first,) = corrected(1, to=[harbor])
    again = corrected(1, to=[harbor])
    (second,) = corrected(2, to=[harbor])
    polled_again(http_server, feed, categorized(3, "hafen"))

    assert (first.status, again, second.status) == ("proposed", [], "active")
    assert topics_of(3) == ["Harbor"]


def test_removed_topic_is_learned_as_well(http_server: HttpServer) -> None:
    make_topic(name="Sport")
    feed = served(http_server, categorized(1, "Sport"), categorized(2, "Sport"))
    assert topics_of(1) == ["Sport"]

    corrected(1, to=[])
    corrected(2, to=[])
    polled_again(http_server, feed, categorized(3, "Sport"))

    assert CategoryRule.objects.get().is_exclusion
    assert topics_of(3) == []


def test_correction_to_the_contrary_switches_a_learned_rule_off(http_server: HttpServer) -> None:
    harbor = make_topic(name="Harbor")
    feed = served(http_server, *(categorized(number, "Hafen") for number in (1, 2)))
    corrected(1, to=[harbor])
    corrected(2, to=[harbor])
    polled_again(http_server, feed, categorized(3, "Hafen"), categorized(4, "Hafen"))

    corrected(3, to=[])
    corrected(4, to=[])

    assert CategoryRule.objects.get().status == CategoryRule.Status.OFF


def test_rule_of_an_editor_is_followed_and_never_unlearned(http_server: HttpServer) -> None:
    harbor = make_topic(name="Harbor")
    feed = served(http_server)
    rule = CategoryRule.objects.create(feed=feed, category="Häfen", topic=harbor)
    polled_again(http_server, feed, categorized(1, "HÄFEN"))

    assert topics_of(1) == ["Harbor"]
    assert corrected(1, to=[]) == []
    rule.refresh_from_db()
    assert (rule.status, Feed.objects.get().category_rules.count()) == (CategoryRule.Status.ACTIVE, 1)


def test_changed_categories_change_the_topics_unless_an_editor_has(http_server: HttpServer) -> None:
    make_topic(name="Sport")
    make_topic(name="Harbor")
    feed = served(http_server, categorized(1, "Sport"), categorized(2, "Sport"))
    corrected(2, to=[])

    report = polled_again(http_server, feed, categorized(1, "Harbor"), categorized(2, "Harbor"))

    assert (report.updated, report.unchanged) == (1, 1)
    assert (topics_of(1), topics_of(2)) == (["Harbor"], [])
