"""Who is silent: no open, no click, no answer, no change for as long as the newsletter says, although it could be seen.

Silence can only be told of readers who are measured. Who has not agreed to it is never called silent, and where
nothing was measured of anybody for so long, measuring is taken to be broken and nobody is, either.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from newsletter.delivery import capping
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue
from newsletter.engagement.models import Event, Rating
from newsletter.subscribers import silence
from newsletter.subscribers.models import Change, ConsentRecord, Newsletter, PersonalMail, SignUp, Silence, Subscription

BATCH = 2_000  # readers of a newsletter with each sweep
LEAST_MAILS = 3  # who got fewer in that time had little to be silent about
TO_ANSWER = timedelta(days=30)
SEEN = (Event.Kind.OPENED, Event.Kind.CLICKED)
ACTIVE = Subscription.Status.ACTIVE


def sweep(*, now: datetime) -> dict[str, int]:
    """Notice, ask, pause and bring back. Harmless to repeat; a few statements a newsletter. Returns how many."""
    counts = {"revived": _bring_back(now), "silent": 0, "asked": 0, "paused": 0}
    for newsletter in Newsletter.objects.filter(silence_days__isnull=False).order_by("pk"):
        counts["silent"] += _notice(newsletter, now)
        _begin_again(newsletter, now)
        counts["asked"] += _ask(newsletter, now)
        counts["paused"] += _pause(newsletter, now)
    return {name: count for name, count in counts.items() if count}


def revive_reader(subscriber_id: int, *, now: datetime) -> int:
    """They opened or clicked just now. Returns for how many subscriptions that ended a silence."""
    silent = Silence.objects.filter(subscription__subscriber=subscriber_id)
    pks = list(silent.values_list("subscription_id", flat=True))
    return silence.revive(pks, now=now) if pks else 0


def _notice(newsletter: Newsletter, now: datetime) -> int:
    """Readers who begin to be silent."""
    since = now - _days(newsletter)
    if not _is_measured(newsletter, since):
        return 0
    pks = list(_silent(newsletter, since).order_by("pk").values_list("pk", flat=True)[:BATCH])
    rows = [Silence(subscription_id=pk, since=now, stage_at=now) for pk in pks]
    Silence.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def _is_measured(newsletter: Newsletter, since: datetime) -> bool:
    seen = Event.objects.filter(kind__in=SEEN, at__gte=since, send__campaign__issue__newsletter=newsletter)
    return (newsletter.measures_clicks or newsletter.measures_opens) and seen.exists()


def _silent(newsletter: Newsletter, since: datetime) -> QuerySet[Subscription]:
    got = Send.objects.filter(
        subscriber=OuterRef("subscriber"), campaign__issue__newsletter=newsletter, status=Send.Status.SENT,
        settled_at__gte=since,
    )  # fmt: skip
    count = got.order_by().values("subscriber").annotate(count=Count("pk")).values("count")
    joined = Q(confirmed_at__lt=since, imported_at=None) | Q(imported_at__lt=since)
    theirs = Subscription.objects.filter(joined, newsletter=newsletter, status=ACTIVE, silence=None)
    measured = theirs.filter(subscriber__allows_measuring=True).annotate(mail_count=Subquery(count))
    return measured.filter(~_signs_of_life("subscriber", since), mail_count__gte=LEAST_MAILS)


def _signs_of_life(subscriber: str, since: Any) -> Q:
    """Whether the reader, a field of the rows that are asked, was heard of from then on."""
    of_them = OuterRef(subscriber)
    given = ConsentRecord.Action.GIVEN
    return (
        Q(Exists(Event.objects.filter(kind__in=SEEN, send__subscriber=of_them, at__gte=since)))
        | Q(Exists(Change.objects.filter(subscriber=of_them, by=Change.By.READER, at__gte=since)))
        | Q(Exists(Rating.objects.filter(subscriber=of_them, at__gte=since)))
        | Q(Exists(ConsentRecord.objects.filter(subscriber=of_them, action=given, at__gte=since)))
        | Q(Exists(SignUp.objects.filter(subscriber=of_them, confirmed_at__gte=since)))
    )


def _bring_back(now: datetime) -> int:
    """Those who were heard of since; and what is over: it ended, an editor ended the pause, its newsletter asks no
    longer.
    """
    Silence.objects.filter(subscription__status=Subscription.Status.ENDED).delete()
    over = Q(subscription__newsletter__silence_days=None) & ~Q(stage=Silence.Stage.PAUSED)
    over |= Q(stage=Silence.Stage.PAUSED, subscription__status=ACTIVE)
    heard = Silence.objects.filter(_signs_of_life("subscription__subscriber", OuterRef("since")) | over)
    pks = list(heard.order_by("pk").values_list("subscription_id", flat=True)[:BATCH])
    return silence.revive(pks, now=now) if pks else 0


@transaction.atomic
def _ask(newsletter: Newsletter, now: datetime) -> int:
    """After twice as long; not on a day on which they have had as many mails as one may bring."""
    ripe = _held(Silence.Stage.SHORT, newsletter, until=now - _days(newsletter))
    full = capping.fed_up(Issue(newsletter=newsletter), now=now)
    if full is not None:
        ripe = ripe.exclude(subscription__subscriber__in=full)
    return silence.ask(_rows(ripe), now=now)


@transaction.atomic
def _begin_again(newsletter: Newsletter, now: datetime) -> None:
    """Whom the question could not be mailed to is asked once more, after as long as before."""
    asked = _held(Silence.Stage.ASKED, newsletter, until=now - TO_ANSWER)
    lost = asked.filter(Q(mail=None) | Q(mail__status=PersonalMail.Status.SKIPPED)).values_list("pk", flat=True)
    Silence.objects.filter(pk__in=list(lost[:BATCH])).update(stage=Silence.Stage.SHORT, stage_at=now, mail=None)


@transaction.atomic
def _pause(newsletter: Newsletter, now: datetime) -> int:
    """Who got the question and has not answered; who could not be asked goes on getting short ones."""
    ripe = _held(Silence.Stage.ASKED, newsletter, until=now - TO_ANSWER)
    return silence.pause(_rows(ripe.filter(mail__status=PersonalMail.Status.MAILED)), now=now)


def _held(stage: Silence.Stage, newsletter: Newsletter, *, until: datetime) -> QuerySet[Silence]:
    found = Silence.objects.filter(
        stage=stage, stage_at__lte=until, subscription__newsletter=newsletter, subscription__status=ACTIVE
    )
    return found.order_by("stage_at", "pk").select_for_update(of=("self",), skip_locked=True)


def _rows(silences: QuerySet[Silence]) -> Iterator[Silence]:
    yield from silences.select_related("subscription__subscriber")[:BATCH]


def _days(newsletter: Newsletter) -> timedelta:
    return timedelta(days=newsletter.silence_days or 0)
