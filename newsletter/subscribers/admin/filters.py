"""Filters of long lists of readers that the database can answer from an index."""

from __future__ import annotations

from typing import Any

from django.core.validators import EMPTY_VALUES
from django.db.models import Exists, F, FilteredRelation, Max, OuterRef, Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles.long_lists import exactly
from newsletter.subscribers.models import Newsletter, SignUp, Subscriber, Subscription

NEWSLETTER, STATUS = "subscriptions__newsletter__id__exact", "subscriptions__status__exact"


class SubscribedToFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """Readers with a subscription to this newsletter; with a status as well, one subscription must have both.

    Who joined last comes first, as in the index that finds them; nobody has two subscriptions to one newsletter.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        if (newsletter := _number(self.value())) is None:
            return queryset
        wanted, order = exactly("subscriptions__newsletter", newsletter), ["-found__newsletter_id"]
        if status := request.GET.get(STATUS):
            wanted &= exactly("subscriptions__status", status)
            order.append("-found__status")
        order.append("-found_pk")
        return _by_subscription(queryset, wanted).order_by(*order)


class SubscriptionStatusFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Readers with a subscription of this status, each by the newest of theirs."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        status = self.value()
        if status in EMPTY_VALUES or _number(request.GET.get(NEWSLETTER)) is not None:
            return queryset  # ``SubscribedToFilter`` asks for both at once
        newer = Subscription.objects.filter(subscriber=OuterRef("pk"), status=status, pk__gt=OuterRef("found_pk"))
        found = _by_subscription(queryset, exactly("subscriptions__status", status)).filter(~Exists(newer))
        return found.order_by(*[f"-found_{name}" for name in ("status", "pk")])


def _by_subscription(queryset: Any, wanted: Q) -> QuerySet[Subscriber]:
    """Joined to the subscriptions that are wanted, as ``found``."""
    joined = queryset.alias(found=FilteredRelation("subscriptions", condition=wanted)).filter(found__isnull=False)
    found: QuerySet[Subscriber] = joined.alias(found_pk=F("found__pk"), found_status=F("found__status"))
    return found  # with names for its columns, or ``OuterRef`` would join once more


class NewsletterFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """Subscriptions to this newsletter, the newest first."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> QuerySet[Subscription]:
        if (newsletter := _number(self.value())) is None:
            return queryset
        wanted, order = exactly("newsletter", newsletter), ["-newsletter_id"]
        if status := request.GET.get("status__exact"):
            wanted &= exactly("status", status)
            order.append("-status")
        return queryset.filter(wanted).order_by(*order, "-pk")


class StatusFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Subscriptions of this status, the newest first."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscription]) -> QuerySet[Subscription]:
        status = self.value()
        if status in EMPTY_VALUES or _number(request.GET.get("newsletter__id__exact")) is not None:
            return queryset  # ``NewsletterFilter`` asks for both at once
        return queryset.filter(exactly("status", status)).order_by("-status", "-pk")


class LabelFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """Readers with this label."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
        if (label := _number(self.value())) is None:
            return queryset
        labeled = Subscriber.labels.through.objects.filter(label=label)
        newest = labeled.aggregate(newest=Max("subscriber"))["newest"] or 0
        return queryset.filter(pk__in=labeled.values("subscriber"), pk__lte=newest)  # nobody younger is looked at


class InSomeNewsletterFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """A choice of which there are few: looked up in the indexes that begin with the newsletter."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)
        return found if self.value() in EMPTY_VALUES else found.filter(in_some_newsletter())


class SkippedReasonFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Only a sign-up that was not mailed has a reason, and the index begins with that."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        found: QuerySet[Any] = super().queryset(request, queryset)
        return found if self.value() in EMPTY_VALUES else found.filter(status=SignUp.Status.SKIPPED)


def in_some_newsletter() -> Q:
    """True of every row; it names the newsletters, of which there are few, so that an index of theirs can be used."""
    return Q(newsletter__in=list(Newsletter.objects.order_by("pk").values_list("pk", flat=True)))


def _number(text: object) -> int | None:
    """A key as an address has it; None for anything else."""
    text = str(text or "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
