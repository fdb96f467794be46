"""Dates as people of each language write them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.utils import timezone, translation

from newsletter.lib.dates import folio_date, full_date

DAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "November 22, 2026"),
        ("en-gb", "22 November 2026"),
        ("de", "22. November 2026"),
        ("pt", "22 de Novembro de 2026"),
        ("ja", "2026年11月22日"),
        ("ar", "22 نوفمبر، 2026"),
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
