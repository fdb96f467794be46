"""A few figures of the last days, each a way into its list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db.models import Model, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from articles.long_lists import MOST_COUNTED, count_up_to
from articles.models import Article
from newsletter.insights.today.needs import User
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import SignUp, Suppression


@dataclass(frozen=True, slots=True)
class Figure:
    label: str
    rows: QuerySet[Any]
    url: str

    @property
    def value(self) -> str:
        """The number, or "1,000+" of what would take long to count."""
        count = count_up_to(self.rows.order_by())
        return f"{grouped(MOST_COUNTED)}+" if count > MOST_COUNTED else grouped(count)


def figures(user: User, *, now: datetime) -> list[Figure]:
    """Those whose lists this person may open.

    Counted up to a bound, so that looking at them costs nothing at a million readers.
    """
    day, week = now - timedelta(days=1), now - timedelta(days=7)
    articles = reverse("admin:articles_article_changelist")
    released = Article.objects.published(now).filter(released_at__gt=day)
    in_review = Article.objects.filter(status=Article.Status.IN_REVIEW)
    signed_up = SignUp.objects.filter(created_at__gt=week)
    found = [
        Figure(_("released in 24 hours"), released, articles),
        Figure(_("waiting in review"), in_review, f"{articles}?status__exact=in_review"),
        Figure(_("sign-ups in 7 days"), signed_up, reverse("admin:subscribers_signup_changelist")),
        Figure(
            _("on the suppression list"), Suppression.objects.all(),
            reverse("admin:subscribers_suppression_changelist"),
        ),
    ]  # fmt: skip
    return [each for each in found if user.has_perm(_looking_at(each.rows.model))]


def _looking_at(model: type[Model]) -> str:
    return f"{model._meta.app_label}.{get_permission_codename('view', model._meta)}"
