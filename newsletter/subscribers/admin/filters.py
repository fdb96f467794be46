"""Filters of long lists of readers that the database can answer from an index."""

from __future__ import annotations

from typing import Any

from django.core.validators import EMPTY_VALUES
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from newsletter.subscribers.models import Newsletter, SignUp, Subscriber, Subscription

NEWSLETTER, STATUS = "subscriptions__newsletter__id__exact", "subscriptions__status__exact"


class SubscribedToFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """Readers with a subscription to this newsletter; with a status as well, one subscription must have both."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        newsletter = self.value()
        if newsletter in EMPTY_VALUES:
            return queryset
        rows = Subscription.objects.filter(newsletter=newsletter)
        if request.GET.get(STATUS):
            rows = rows.filter(status=request.GET[STATUS])
        return _of_subscriptions(queryset, rows)


class SubscriptionStatusFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Readers with a subscription of this status."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        if self.value() in EMPTY_VALUES or request.GET.get(NEWSLETTER):
            return queryset  # ``SubscribedToFilter`` asks for both at once
        return _of_subscriptions(queryset, Subscription.objects.filter(in_some_newsletter(), status=self.value()))


class LabelFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """Readers with this label."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        if self.value() in EMPTY_VALUES:
            return queryset
        labeled = Subscriber.labels.through.objects.filter(subscriber=OuterRef("pk"), label=self.value())
        return queryset.filter(Exists(labeled))


class InSomeNewsletterFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """A choice of which there are few: looked up in the indexes that begin with the newsletter."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)
        return found if self.value() in EMPTY_VALUES else found.filter(in_some_newsletter())


class InCadenceFilter(InSomeNewsletterFilter):
    """The same, one column further: the index has the status before the cadence."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found = super().queryset(request, queryset)
        return found if self.value() in EMPTY_VALUES else found.filter(status__in=Subscription.Status.values)


class SkippedReasonFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Only a sign-up that was not mailed has a reason, and the index begins with that."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)
        return found if self.value() in EMPTY_VALUES else found.filter(status=SignUp.Status.SKIPPED)


def in_some_newsletter() -> Q:
    """True of every row; it names the newsletters, of which there are few, so that an index of theirs can be used."""
    return Q(newsletter__in=list(Newsletter.objects.order_by("pk").values_list("pk", flat=True)))


def _of_subscriptions(queryset: QuerySet[Subscriber], rows: QuerySet[Subscription]) -> QuerySet[Subscriber]:
    return queryset.filter(Exists(rows.filter(subscriber=OuterRef("pk"))))
