from __future__ import annotations

import gzip
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Article
from tests.factories import make_article, make_newsletter

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pages are kept for five seconds of a clock that the test moves."""
    settings.PAGE_CACHE_SECONDS = 5
    now = [1000.0]
    monkeypatch.setattr("config.page_cache.time.monotonic", lambda: now[0])
    return now


def released(**fields: object) -> Article:
    return make_article(released_at=timezone.now() - timedelta(hours=1), **fields)  # type: ignore[arg-type]


def test_front_page_in_a_rush_costs_no_query(
    client: Client, clock: list[float], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    released(title="First")
    first = client.get("/")

    with django_assert_num_queries(0):
        second = client.get("/")

    assert second.content == first.content
    assert second["ETag"] == first["ETag"]
    assert second["Content-Security-Policy"] == first["Content-Security-Policy"]


def test_change_shows_when_the_page_has_grown_old(client: Client, clock: list[float]) -> None:
    article = released(title="Typo")
    client.get(article.get_absolute_url())
    Article.objects.update(title="Mended")

    early = client.get(article.get_absolute_url()).text
    clock[0] += 6
    late = client.get(article.get_absolute_url()).text

    assert "Typo" in early
    assert "Mended" in late


def test_editor_sees_the_page_as_it_is_now(client: Client, clock: list[float]) -> None:
    article = released(title="Typo")
    client.get(article.get_absolute_url())
    editor = Client()
    editor.force_login(User.objects.create_superuser("editor"))
    Article.objects.update(title="Mended")

    assert "Mended" in editor.get(article.get_absolute_url()).text
    assert "Typo" in client.get(article.get_absolute_url()).text


def test_hosts_languages_and_searches_do_not_get_each_others_pages(
    client: Client, clock: list[float], settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["one.example"]
    released(title="Ferry")

    assert client.get("/", headers={"host": "one.example"}).status_code == HTTPStatus.OK
    assert client.get("/", headers={"host": "evil.example"}).status_code == HTTPStatus.BAD_REQUEST
    assert "Ferry" not in client.get("/search/?q=tram", headers={"host": "one.example"}).context["articles"]
    assert client.get("/search/?q=ferry", headers={"host": "one.example"}).context["articles"]


def test_invented_parameters_push_nothing_out(client: Client, clock: list[float]) -> None:
    released(title="Typo")
    client.get("/?x=1")
    Article.objects.update(title="Mended")

    assert "Mended" in client.get("/?x=1").text


def test_what_is_not_found_is_not_kept(client: Client, clock: list[float]) -> None:
    assert client.get("/articles/soon/").status_code == HTTPStatus.NOT_FOUND
    released(slug="soon")

    assert client.get("/articles/soon/").status_code == HTTPStatus.OK


def test_pages_are_compressed_for_those_who_take_it(client: Client, clock: list[float]) -> None:
    released()
    plain = client.get("/")

    for _made_and_kept in range(2):
        packed = client.get("/", headers={"accept-encoding": "br, gzip"})
        assert packed["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed.content) == plain.content
        assert packed["Content-Length"] == str(len(packed.content))
    assert "Accept-Encoding" in plain["Vary"]


def test_unchanged_article_is_answered_with_304_though_its_form_is_new(client: Client) -> None:
    make_newsletter()
    article = released()
    first, second = (client.get(article.get_absolute_url()) for _ in range(2))

    unchanged = client.get(article.get_absolute_url(), headers={"if-none-match": first["ETag"]})
    Article.objects.update(title="Changed")
    changed = client.get(article.get_absolute_url(), headers={"if-none-match": first["ETag"]})

    assert first["ETag"] == second["ETag"]
    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    assert not unchanged.content
    assert changed.status_code == HTTPStatus.OK


def test_many_searches_push_out_no_page(
    client: Client,
    clock: list[float],
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr("config.page_cache.MOST_BYTES", 20_000)
    monkeypatch.setattr("config.page_cache.MOST_BYTES_BY_PARAMETERS", 20_000)
    released(title="Ferry")
    client.get("/")

    for number in range(12):
        client.get("/search/", {"q": f"nothing{number}"})

    with django_assert_num_queries(0):
        client.get("/")
        client.get("/search/", {"q": "nothing11"})


def test_pages_that_weigh_too_much_together_give_way_to_the_latest(
    client: Client, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.page_cache.MOST_BYTES", 10_000)
    articles = [released(slug=f"story-{number}") for number in range(6)]
    for article in articles:
        client.get(article.get_absolute_url())
    Article.objects.update(title="Changed")

    assert "Changed" in client.get(articles[0].get_absolute_url()).text
    assert "Changed" not in client.get(articles[-1].get_absolute_url()).text


def test_withdrawn_article_is_gone_from_caches_on_the_way_in_about_two_minutes(client: Client) -> None:
    """They may keep it for a minute, and show it for one more while they ask."""
    policy = client.get(released().get_absolute_url())["Cache-Control"]

    assert "max-age=60" in policy
    assert "stale-while-revalidate=60" in policy
