"""What must happen without anybody's click: owed mails, expired wishes, pauses that end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from newsletter.subscribers import retention
from newsletter.subscribers.limits import PERIOD
from newsletter.subscribers.lowering import tell_after_pause
from newsletter.subscribers.models import ConfirmationMail, ConsentRecord, SignUp, Subscriber, Subscription
from newsletter.subscribers.signup import validity

HEAD_START = timedelta(seconds=5)  # the doorbell has rung for younger ones; it is most likely being answered
GRACE = timedelta(days=1)  # whoever comes a little late gets a new link with one click
BATCH, WISHES = 500, 100  # a wish is deleted with all that refers to it, in some ten statements
STRETCH, SWEEP_SECONDS = 20_000, 60
WESTERNMOST, EASTERNMOST = timedelta(hours=-12), timedelta(hours=14)


def owed_mails(now: datetime) -> list[int]:
    """Ids of sign-ups whose mail is due and was not sent when the doorbell rang, the oldest first."""
    due = SignUp.objects.due(now).filter(created_at__lte=now - HEAD_START)
    return list(due.values_list("pk", flat=True)[:BATCH])


def clean_up(now: datetime) -> dict[str, int]:
    """Forget what nobody confirmed, and end pauses. Returns how many of each; at most BATCH at a time."""
    counts = {
        "wishes_expired": _expire_wishes(now - validity() - GRACE),
        "people_forgotten": _forget_people(now),
        "pauses_ended": _end_pauses(now),
        **retention.clean_up(now),
    }
    _forget_mails(now - PERIOD)
    return {name: count for name, count in counts.items() if count}


@transaction.atomic
def _expire_wishes(cutoff: datetime) -> int:
    recent = SignUp.objects.filter(subscriptions=OuterRef("pk"), created_at__gt=cutoff)
    pending = Subscription.objects.filter(~Exists(recent), status="pending", created_at__lte=cutoff)
    first = list(pending.order_by("pk").values_list("pk", "subscriber")[:WISHES])
    owners = _held({owner for _pk, owner in first})
    wishes = list(pending.filter(pk__in=[pk for pk, _owner in first], subscriber__in=owners).order_by("pk"))
    for wish in wishes:
        if not wish.close_unconfirmed():
            Subscription.objects.filter(pk=wish.pk, status="pending").delete()
    return len(wishes)


@transaction.atomic
def _forget_people(now: datetime) -> int:
    """People of whom nothing is left but an address that somebody once typed.

    Nothing marks them, so everybody is looked at in turn, STRETCH of them with every sweep: which, the clock says.
    """
    newest = Subscriber.objects.aggregate(newest=Max("pk"))["newest"] or 0
    first = STRETCH * (int(now.timestamp() // SWEEP_SECONDS) % (newest // STRETCH + 1))
    last = first + STRETCH - 1
    near = {"subscriber__gte": first, "subscriber__lte": last}  # or these tables might be read to their end
    people = Subscriber.objects.filter(
        ~Exists(Subscription.objects.filter(subscriber=OuterRef("pk"), **near)),
        ~Exists(ConsentRecord.objects.filter(subscriber=OuterRef("pk"), **near)),
        pk__range=(first, last),
        created_at__lte=now - validity() - GRACE,
    )
    held = _held(people.order_by("pk").values_list("pk", flat=True)[:BATCH])
    pks = list(people.filter(pk__in=held).order_by("pk").values_list("pk", flat=True))
    Subscriber.objects.filter(pk__in=pks).delete()
    return len(pks)


def _held(pks: Iterable[int]) -> list[int]:
    """Those of them who are in nobody else's hands; nobody else gets hold of them until the transaction ends.

    What is true of them must be looked up anew: they may have signed up before they were held.
    """
    people = Subscriber.objects.select_for_update(skip_locked=True).filter(pk__in=list(pks))
    return list(people.order_by("pk").values_list("pk", flat=True))


def _forget_mails(until: datetime) -> None:
    """How often an address was mailed is counted for thirty days."""
    old = ConfirmationMail.objects.filter(at__lte=until).order_by("at", "pk")
    ConfirmationMail.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:BATCH])).delete()


@transaction.atomic
def _end_pauses(now: datetime) -> int:
    """Those that have been over for the longest first."""
    latest = (now + EASTERNMOST).date()  # so that the index of pauses is used
    over = Subscription.objects.filter(_is_over(now), status="paused", paused_until__lte=latest)
    ended = [each.pk for each in over.order_by("paused_until", "pk")[:BATCH] if each.resume()]
    tell_after_pause(ended, now=now)
    return len(ended)


def _is_over(now: datetime) -> Q:
    """Over everywhere, or where the reader lives; who does not say where lives in the newsletter's time zone."""
    day, latest = (now + WESTERNMOST).date(), (now + EASTERNMOST).date()
    is_over = Q(paused_until__lte=day)
    while (day := day + timedelta(days=1)) <= latest:
        zones = [name for name in available_timezones() if now.astimezone(ZoneInfo(name)).date() >= day]
        there = Q(subscriber__time_zone__in=zones) | Q(subscriber__time_zone="", newsletter__time_zone__in=zones)
        is_over |= Q(paused_until=day) & there
    return is_over
