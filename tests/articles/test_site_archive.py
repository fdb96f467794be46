from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from django.test import Client
from pytest_django import Settings

from articles.models import Article
from tests.factories import make_article, make_author

pytestmark = pytest.mark.django_db


def released(year: int, month: int, day: int, hour: int = 0) -> Article:
    return make_article(released_at=datetime(year, month, day, hour, tzinfo=UTC))


def test_archive_counts_by_month_in_the_time_zone_of_the_site(client: Client, settings: Settings) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    released(2025, 12, 31, 23)  # New Year's Day there
    released(2026, 1, 20)
    released(2024, 2, 29)

    years = client.get("/archive/").context["years"]

    assert [(year.number, year.count) for year in years] == [(2026, 2), (2024, 1)]
    assert [month.count for month in years[0].months] == [2] + [0] * 11


def test_month_has_its_own_stories_and_leads_to_its_neighbors(client: Client) -> None:
    released(2024, 12, 31, 23)
    first, last = released(2025, 1, 1), released(2025, 1, 31, 23)
    released(2025, 3, 1)

    page = client.get("/archive/2025/1/")

    assert list(page.context["articles"]) == [last, first]
    assert "/archive/2024/12/" in page.text
    assert "/archive/2025/3/" in page.text


@pytest.mark.parametrize("path", ["2025/2", "2025/13", "2025/0", "0/1", "99999/1", "9999/12"])
def test_month_without_stories_is_not_found(client: Client, path: str) -> None:
    released(2025, 1, 1)

    assert client.get(f"/archive/{path}/").status_code == HTTPStatus.NOT_FOUND


def test_empty_archive_says_so(client: Client) -> None:
    assert "Nothing has been published yet" in client.get("/archive/").text


def test_author_has_a_page_that_the_by_line_leads_to(client: Client) -> None:
    author = make_author(name="Ada Merrin")
    article = make_article(released_at=datetime(2025, 1, 1, tzinfo=UTC), authors=[author], title="Hers")
    released(2025, 1, 2)

    page = client.get(author.get_absolute_url())

    assert [each.title for each in page.context["articles"]] == ["Hers"]
    assert f'href="{author.get_absolute_url()}">Ada Merrin</a>' in client.get(article.get_absolute_url()).text
    assert client.get("/authors/nobody/").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize(("path", "title"), [("/archive/", "Archive"), ("/archive/2025/1/", "January 2025")])
def test_archive_and_month_say_what_they_are_where_they_are_shared(
    client: Client, settings: Settings, path: str, title: str
) -> None:
    released(2025, 1, 2)

    page = client.get(path).text

    assert f'<link rel="canonical" href="{settings.SITE_URL}{path}">' in page
    assert f'<meta property="og:url" content="{settings.SITE_URL}{path}">' in page
    assert f'<meta property="og:title" content="{title}">' in page


def test_author_is_described_to_search_engines_and_no_name_breaks_out(client: Client, settings: Settings) -> None:
    author = make_author(name="Ada </script><b>Merrin", slug="ada")

    page = client.get(author.get_absolute_url()).text

    said = json.loads(page.partition('<script type="application/ld+json">')[2].partition("</script>")[0])
    assert said["@type"] == "ProfilePage"
    assert said["mainEntity"]["name"] == "Ada </script><b>Merrin"
    assert said["url"] == f"{settings.SITE_URL}/authors/ada/"
