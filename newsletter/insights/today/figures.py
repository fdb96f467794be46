"""A few figures of the last days, each a way into its list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from articles.long_lists import MOST_COUNTED, count_up_to
from articles.models import Article
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import SignUp, Suppression


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    value: str
    url: str


def figures(*, now: datetime) -> list[Figure]:
    """Counted up to a bound, so that looking at them costs nothing at a million readers."""
    day, week = now - timedelta(days=1), now - timedelta(days=7)
    articles = reverse("admin:articles_article_changelist")
    return [
        Figure(
            _("released in 24 hours"), _up_to(Article.objects.published(now).filter(released_at__gt=day)), articles
        ),
        Figure(
            _("waiting in review"), _up_to(Article.objects.filter(status=Article.Status.IN_REVIEW)),
            f"{articles}?status__exact=in_review",
        ),
        Figure(
            _("sign-ups in 7 days"), _up_to(SignUp.objects.filter(created_at__gt=week)),
            reverse("admin:subscribers_signup_changelist"),
        ),
        Figure(
            _("on the suppression list"), _up_to(Suppression.objects.all()),
            reverse("admin:subscribers_suppression_changelist"),
        ),
    ]  # fmt: skip


def _up_to(rows: QuerySet[Any]) -> str:
    """The number, or "1,000+" of what would take long to count."""
    count = count_up_to(rows.order_by())
    return f"{grouped(MOST_COUNTED)}+" if count > MOST_COUNTED else grouped(count)
