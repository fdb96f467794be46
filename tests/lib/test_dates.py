"""Dates as people of each language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone, translation
from django.utils.formats import localize

from newsletter.lib.dates import day_and_hour, folio_date, full_date, hour_of_day, span_of_hours

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "November 22, 2026"),
        ("en-gb", "22 November 2026"),
        ("de", "22. November 2026"),
        ("pt", "22 de Novembro de 2026"),
        ("ja", "2026年11月22日"),
        ("ar", "22 نوفمبر 2026"),
    ],
)
def test_month_is_written_in_full(language: str, written: str) -> None:
    with translation.override(language):
        assert full_date(DAY) == written


def test_folio_names_the_weekday() -> None:
    with translation.override("de"):
        assert folio_date(DAY) == "Sonntag, 22. November 2026"


def test_moment_is_taken_in_the_active_time_zone() -> None:
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    with timezone.override("Pacific/Auckland"):
        assert full_date(moment) == "November 23, 2026"


@pytest.mark.parametrize(("language", "hour"), [("en", "7:08 p.m."), ("en-gb", "7:08 p.m."), ("de", "19:08")])
def test_readers_get_the_hour_as_their_language_has_it(language: str, hour: str) -> None:
    with translation.override(language), timezone.override(UTC):
        assert hour_of_day(datetime(2026, 11, 22, 19, 8, tzinfo=UTC)) == hour


@pytest.mark.parametrize(("language", "moment"), [("en", "Nov. 22, 2026, 19:08"), ("en-gb", "22 Nov 2026, 19:08")])
def test_desk_writes_hours_in_24_as_its_lists_do(language: str, moment: str) -> None:
    with translation.override(language), timezone.override(UTC):
        assert localize(datetime(2026, 11, 22, 19, 8, tzinfo=UTC)) == moment


def test_desk_writes_months_short_and_without_a_full_stop() -> None:
    assert day_and_hour(datetime(2026, 11, 23, 6, tzinfo=UTC), "Europe/Paris") == "Mon 23 Nov, 07:00"


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(0, "Mon 23 Nov, 23:50"), (9, "Mon 23 Nov, 23:50–23:59"), (15, "Mon 23 Nov, 23:50 – Tue 24 Nov, 00:05")],
)
def test_span_names_its_day_once(minutes: int, told: str) -> None:
    start = datetime(2026, 11, 23, 23, 50, tzinfo=UTC)

    assert span_of_hours(start, start + timedelta(minutes=minutes), "UTC") == told
