"""Everything that was ever published, by month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.db.models import Count
from django.db.models.functions import TruncMonth
from django.utils import timezone

from articles.models import Article, ArticleQuerySet


@dataclass(frozen=True)
class Month:
    """A month by the site's clock, and how many articles it has."""

    first_day: date
    count: int


@dataclass(frozen=True)
class Year:
    """Its twelve months, January first; those without articles have a count of 0."""

    number: int
    months: list[Month]
    count: int


def years(*, now: datetime) -> list[Year]:
    """The newest first. 1 query, which reads every article: keep what it says."""
    released = Article.objects.published(now).order_by().annotate(month=TruncMonth("released_at"))
    counted = released.values_list("month").annotate(count=Count("pk")).order_by("-month")
    return [_year(number, dict(months)) for number, months in groupby(counted, key=lambda row: row[0].year)]


def of_month(first_day: date, *, now: datetime) -> ArticleQuerySet:
    start, end = _start(first_day), _start(_after(first_day))
    return Article.objects.published(now).filter(released_at__gte=start, released_at__lt=end)


def neighbors(first_day: date, *, now: datetime) -> tuple[date | None, date | None]:
    """The nearest month before and after that has articles. 2 queries, each of one row."""
    published = Article.objects.published(now)
    before = published.filter(released_at__lt=_start(first_day)).values_list("released_at", flat=True).first()
    later = published.filter(released_at__gte=_start(_after(first_day))).order_by("released_at", "pk")
    after = later.values_list("released_at", flat=True).first()
    return _month_of(before), _month_of(after)


def _year(number: int, counts: dict[datetime, int]) -> Year:
    by_month = {month.month: count for month, count in counts.items()}
    months = [Month(date(number, month, 1), by_month.get(month, 0)) for month in range(1, 13)]
    return Year(number, months, sum(by_month.values()))


def _month_of(moment: datetime | None) -> date | None:
    return timezone.localdate(moment).replace(day=1) if moment else None


def _after(first_day: date) -> date:
    return first_day.replace(year=first_day.year + first_day.month // 12, month=first_day.month % 12 + 1)


def _start(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001
