"""Counts that pages show without counting: stored by the sweep, a few minutes old, and said to be so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from newsletter.subscribers.models import Newsletter, StoredCount, Subscriber, Subscription, Suppression

SUBSCRIBERS, SUPPRESSIONS = "subscribers", "suppressions"
MAX_AGE = timedelta(minutes=5)
FEW = 1_000  # readers of a newsletter that a page may count


def active_readers(newsletter: Newsletter) -> str:
    """The name of the count of a newsletter's active subscriptions."""
    return f"active:{newsletter.pk}"


def readers_in_words(newsletters: Iterable[Newsletter]) -> dict[int, str]:
    """By newsletter: exact where readers are few, "about" so many as were counted lately where not. Two queries."""
    newsletters = list(newsletters)
    stored = StoredCount.objects.named([active_readers(each) for each in newsletters])
    known = {each.pk: row.count for each in newsletters if (row := stored.get(active_readers(each)))}
    few = [each.pk for each in newsletters if known.get(each.pk, 0) <= FEW]
    active = Subscription.objects.filter(newsletter__in=few, status=Subscription.Status.ACTIVE).order_by()
    found = list(active.values_list("newsletter", flat=True)[: FEW * len(few) + 1])
    live = Counter(found) if len(found) <= FEW * len(few) else None
    return {
        each.pk: _in_words(live[each.pk] if live is not None and each.pk in few else None, known.get(each.pk))
        for each in newsletters
    }


def _in_words(exact: int | None, stored: int | None) -> str:
    if exact is not None:
        return number_format(exact, force_grouping=True)
    if stored is None:
        return _("being counted")
    return _("about %(count)s") % {"count": number_format(stored, force_grouping=True)}


def recount(*, now: datetime) -> bool:
    """Count readers anew if it was last done MAX_AGE ago. True if it was."""
    if StoredCount.objects.filter(name=SUBSCRIBERS, counted_at__gt=now - MAX_AGE).exists():
        return False
    active = Subscription.objects.filter(status=Subscription.Status.ACTIVE).order_by()
    by_newsletter = dict(active.values_list("newsletter").annotate(count=Count("pk")))
    counts = {active_readers(each): by_newsletter.get(each.pk, 0) for each in Newsletter.objects.all()}
    counts |= {SUBSCRIBERS: Subscriber.objects.count(), SUPPRESSIONS: Suppression.objects.count()}
    StoredCount.objects.store(counts, now=now)
    return True
