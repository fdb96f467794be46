from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles import search_index, searching
from articles.models import Article
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def released(hours_ago: float, **fields: object) -> Article:
    return make_article(released_at=timezone.now() - timedelta(hours=hours_ago), **fields)  # type: ignore[arg-type]


def titles(client: Client, text: str) -> list[str]:
    return [article.title for article in client.get("/search/", {"q": text}).context.get("articles", [])]


def test_all_the_words_must_be_there(client: Client) -> None:
    released(3, title="Older", body="<p>The ferry has a new timetable.</p>")
    released(1, title="A timetable", summary="For the ferry.")
    released(2, title="Ferry", body="<p>Nothing else.</p>")

    assert titles(client, "ferry timetable") == ["A timetable", "Older"]


@pytest.mark.parametrize("text", ["CAFE", "café", "Cafés", "cafe\u0301", "caf\u00e9 lait", "  cafe,  (au) lait! "])
def test_case_accents_and_punctuation_do_not_matter(client: Client, text: str) -> None:
    released(1, title="Un café au lait, cafés et thés")

    assert len(titles(client, text)) == 1


@pytest.mark.parametrize(("text", "count"), [("timet", 1), ("an", 0), ("anch", 1), ("chor", 0)])
def test_long_words_may_be_cut_off_and_short_ones_may_not(client: Client, text: str, count: int) -> None:
    released(1, title="Anchor timetables")

    assert len(titles(client, text)) == count


@pytest.mark.parametrize("text", ["strong", "href", "nofollow", "elsewhere", "amp", "nbsp"])
def test_markup_is_not_searched(client: Client, text: str) -> None:
    released(
        1, title="x", body='<p><strong>Bread</strong> &amp;&nbsp;<a href="https://elsewhere.example/">butter</a></p>'
    )

    assert titles(client, text) == []
    assert titles(client, "bread butter") == ["x"]


HOSTILE = [
    "'",
    '"',
    "a'b",
    "* & | !",
    "NEAR(a b)",
    "title:x",
    "\\",
    "a:*",
    "-- ;",
    "\x00",
    "%",
    "( )",
    "\ud800",
    "'; DROP",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_search_breaks_anything(client: Client, text: str) -> None:
    released(1, title="Title")

    assert client.get("/search/", {"q": text.encode("utf-8", "surrogatepass")}).status_code == HTTPStatus.OK


def test_what_was_found_is_marked_and_nothing_else_becomes_markup(client: Client) -> None:
    released(1, title="<i>Ferry</i> & Fähren", body=f"<p>{'word ' * 200}the ferries &lt;b&gt; run {'word ' * 200}</p>")

    text = client.get("/search/", {"q": "ferr"}).text
    umlaut = client.get("/search/", {"q": "fahr"}).text

    assert "&lt;i&gt;<mark>Ferry</mark>&lt;/i&gt; &amp; Fähren" in text
    assert "the <mark>ferries</mark> &lt;b&gt; run" in text
    assert "<mark>Fähren</mark>" in umlaut


def test_only_what_is_public_is_found_and_whatever_way_it_changed(client: Client) -> None:
    article = released(1, title="Ferry")
    released(-1, title="Ferry under embargo")
    make_article(status=Article.Status.DRAFT, released_at=None, title="Ferry in a draft")
    assert titles(client, "ferry") == ["Ferry"]

    Article.objects.filter(pk=article.pk).update(title="Tram")
    assert titles(client, "ferry") == []
    assert titles(client, "tram") == ["Tram"]

    article.withdraw(timezone.now())
    assert titles(client, "tram") == []
    Article.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {search_index.TABLE}")  # noqa: S608
        assert cursor.fetchone() == (0,)


def test_what_has_the_words_in_its_headline_comes_before_what_only_mentions_them(client: Client) -> None:
    released(1, title="Mentioned", body="<p>There was a ferry.</p>")
    released(2, title="Summed up", summary="About the ferry.")
    released(3, title="The ferry")

    assert titles(client, "ferry") == ["The ferry", "Summed up", "Mentioned"]


def test_a_headline_of_long_ago_comes_after_todays_news(client: Client) -> None:
    released(24 * 365 * 3, title="The ferry of three years ago")
    released(1, title="Mentioned today", body="<p>There was a ferry.</p>")
    released(24 * 30, title="The ferry of last month")

    assert titles(client, "ferry") == ["The ferry of last month", "Mentioned today", "The ferry of three years ago"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("東京", ["東京都知事選の結果"]), ("知事", ["東京都知事選の結果"]), ("結", ["東京都知事選の結果"]),
        ("京都", ["京都の秋", "東京都知事選の結果"]),
        ("ガイド", ["旅行ガイド"]), ("京 紅", []), ("秋の", []), ("東京都 ガイド", []),
        ("서울", ["서울시는 오늘"]), ("시는", []), ("Tokyo東京", ["Tokyo東京"]),
    ],
)  # fmt: skip
def test_a_part_of_a_text_without_spaces_is_found(client: Client, text: str, found: list[str]) -> None:
    for hours, title in enumerate(["京都の秋", "東京都知事選の結果", "旅行ガイド", "서울시는 오늘"], start=1):
        released(hours, title=title)
    if text == "Tokyo東京":
        released(9, title=text)

    assert titles(client, text) == found


def test_what_was_found_in_a_text_without_spaces_is_marked(client: Client) -> None:
    released(1, title="秋", summary="東京都知事選の結果", body=f"<p>{'あ' * 300}京都の紅葉{'い' * 300}</p>")

    assert "東<mark>京都</mark>知事選" in client.get("/search/", {"q": "京都"}).text
    assert "の<mark>紅葉</mark>い" in client.get("/search/", {"q": "紅葉"}).text


def test_of_a_word_that_is_everywhere_the_newest_are_found(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST_FOUND", 3)
    for hours in range(6, 0, -1):  # the newest is the one that came in last
        released(hours, title=f"Ferry {hours}")

    assert titles(client, "ferry") == ["Ferry 1", "Ferry 2", "Ferry 3"]


@pytest.mark.parametrize("page", ["", "0", "-1", "x", "٣", "99999", "1.5"])
def test_nonsense_instead_of_a_page_of_results_is_not_found(client: Client, page: str) -> None:
    assert client.get("/search/", {"q": "ferry", "page": page}).status_code == HTTPStatus.NOT_FOUND


def test_pages_of_results_follow_one_another(client: Client) -> None:
    made = [released(hours + 1, title=f"Ferry {hours}").title for hours in range(30)]

    first = client.get("/search/", {"q": "ferry"})
    second = client.get("/search/", {"q": "ferry", "page": first.context["next_page"]})

    assert [article.title for page in (first, second) for article in page.context["articles"]] == made


def test_empty_and_fruitless_searches_say_what_to_do(client: Client) -> None:
    assert "Type a word or two" in client.get("/search/").text
    assert "Type a word or two" in client.get("/search/", {"q": " ?! "}).text
    assert "Nothing found for “submarine”" in client.get("/search/", {"q": "submarine"}).text


def test_a_search_that_costs_too_much_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    monkeypatch.setattr(searching, "PATIENCE_SECONDS", 0.05)

    with pytest.raises(searching.TooCostly), searching.limited(), connection.cursor() as cursor:
        cursor.execute(endless)

    assert Article.objects.count() == 0  # the connection is still good


@pytest.mark.skipif(connection.vendor != "sqlite", reason="only there a transaction keeps others from writing")
def test_searching_keeps_nobody_from_writing(client: Client) -> None:
    with CaptureQueriesContext(connection) as captured:
        client.get("/search/", {"q": "ferry"})

    statements = [query["sql"].split()[0] for query in captured.captured_queries]
    assert statements
    assert set(statements) == {"SELECT"}, "no BEGIN, and within a test's own transaction no SAVEPOINT"


def test_index_is_built_anew_when_a_migration_has_dropped_its_triggers(client: Client) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL alters its tables in place")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {search_index.TABLE}_insert")
    released(1, title="Ferry")
    assert titles(client, "ferry") == []

    assert search_index.ensure() is True

    assert titles(client, "ferry") == ["Ferry"]
    assert search_index.ensure() is False


@pytest.mark.django_db(transaction=True)
def test_migrate_keeps_the_index(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    released(1, title="Ferry")
    with connection.cursor() as cursor:
        is_sqlite = connection.vendor == "sqlite"
        cursor.execute(f"DROP {'TRIGGER' if is_sqlite else 'TABLE'} {search_index.TABLE}{'_update' * is_sqlite}")

    call_command("migrate", verbosity=1)

    assert "Built the index for search." in capsys.readouterr().out
    assert titles(client, "ferry") == ["Ferry"]
