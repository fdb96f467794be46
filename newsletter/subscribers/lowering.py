"""A publisher's rarer default for those who get a newsletter more often: down, never up, and theirs to undo.

Nobody is moved by changing the default itself. An editor who moves its readers, too, moves only those who get it more
often; each is told by mail, and gets their old cadence back with one click. What was changed stands in the timeline,
and what the timeline says last decides whether there is still something to give back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from newsletter.subscribers import changes
from newsletter.subscribers.models import Cadence, Change, Newsletter, PersonalMail, Subscriber, Subscription

HAVING = (Subscription.Status.ACTIVE, Subscription.Status.PAUSED)


@dataclass(frozen=True, slots=True)
class Lowered:
    """A subscription that an editor lowered, and how often it came before."""

    subscription: Subscription
    before: Cadence

    @property
    def may_be_kept(self) -> bool:
        """What the newsletter offers no longer would bring nothing at all."""
        return self.before.value in self.subscription.newsletter.cadences


def more_often(newsletter: Newsletter, than: str) -> QuerySet[Subscription]:
    """Who has the newsletter more often than that."""
    values = list(Cadence.values)
    oftener = values[: values.index(than)]
    return having(newsletter).filter(cadence__in=oftener).order_by("pk")


def having(newsletter: Newsletter) -> QuerySet[Subscription]:
    """Who gets the newsletter, or will when their pause ends."""
    return newsletter.subscriptions.filter(status__in=HAVING)


def lower(pks: Sequence[int], *, cadence: str, editor_id: int | None, at: datetime) -> list[tuple[int, str]]:
    """Those of ``pks`` who get it more often get it as rarely as that, with a line in their timeline and a mail.

    Who pauses gets the mail when the pause ends. Returns what each had before. Set-based; call it in a transaction.
    """
    values = list(Cadence.values)
    oftener = values[: values.index(cadence)]
    wanted = Subscription.objects.filter(pk__in=pks, status__in=HAVING, cadence__in=oftener).order_by("pk")
    rows = list(wanted.select_related("subscriber").select_for_update(of=("self",)))
    Subscription.objects.filter(pk__in=[row.pk for row in rows]).update(cadence=cadence, import_run=None)
    _tell_timeline([(row, cadence) for row in rows], editor_id=editor_id, at=at)
    PersonalMail.objects.bulk_create(
        _mail_to(row.subscriber, at) for row in rows if row.status == Subscription.Status.ACTIVE
    )
    return [(row.pk, row.cadence) for row in rows]


def tell_after_pause(resumed: Iterable[int], *, now: datetime) -> None:
    """Owe the mail to those of these subscriptions, resumed by nobody's click, that were lowered while they paused."""
    of_this = {"subscriber": OuterRef("subscriber"), "newsletter": OuterRef("newsletter")}
    lowered_at = Change.objects.filter(**of_this, field="cadence", by=Change.By.EDITOR).order_by("-at", "-pk")
    paused_at = Change.objects.filter(**of_this, field="status", after=Subscription.Status.PAUSED).order_by(
        "-at", "-pk"
    )
    told = PersonalMail.objects.filter(
        kind=PersonalMail.Kind.LOWERED, subscriber=OuterRef("subscriber"), created_at__gte=OuterRef("lowered_at")
    )
    missed = Subscription.objects.filter(pk__in=list(resumed)).annotate(
        lowered_at=Subquery(lowered_at.values("at")[:1]), paused_at=Subquery(paused_at.values("at")[:1])
    )
    missed = missed.filter(
        Q(paused_at=None) | Q(paused_at__lte=F("lowered_at")), ~Exists(told), lowered_at__isnull=False
    )
    owners = {row.subscriber_id: row.subscriber for row in missed.select_related("subscriber").order_by("pk")}
    PersonalMail.objects.bulk_create(_mail_to(owner, now) for owner in owners.values())


def _mail_to(subscriber: Subscriber, at: datetime) -> PersonalMail:
    kind = PersonalMail.Kind.LOWERED
    return PersonalMail(kind=kind, subscriber=subscriber, email=subscriber.email, created_at=at, next_attempt_at=at)


def take_back(
    changed: Iterable[tuple[int, str]], *, cadence: str, since: datetime, editor_id: int | None, now: datetime
) -> int:
    """Undo ``lower``, done at ``since``, for those who have not chosen for themselves. Returns of how many."""
    before = dict(changed)
    chosen = Change.objects.filter(
        subscriber=OuterRef("subscriber"), newsletter=OuterRef("newsletter"), field="cadence", at__gte=since
    ).exclude(by=Change.By.EDITOR)
    lowered = Subscription.objects.filter(~Exists(chosen), pk__in=before, cadence=cadence)
    found = lowered.select_related("newsletter").order_by("pk").select_for_update(of=("self",))
    rows = [row for row in found if before[row.pk] in row.newsletter.cadences]
    _tell_timeline([(row, before[row.pk]) for row in rows], editor_id=editor_id, at=now)
    for value in set(before.values()):
        theirs = [row.pk for row in rows if before[row.pk] == value]
        Subscription.objects.filter(pk__in=theirs).update(cadence=value)
    return len(rows)


def lowered(subscriber: Subscriber) -> list[Lowered]:
    """What an editor lowered for a reader who has not answered: the last word in the timeline is the editor's.

    2 queries.
    """
    found: list[Lowered] = []
    last: dict[int | None, Change] = {}
    for change in Change.objects.filter(subscriber=subscriber, field="cadence").order_by("at", "pk"):
        _add_up(change, last.get(change.newsletter_id))
        last[change.newsletter_id] = change
    having = subscriber.subscriptions.filter(status__in=HAVING, newsletter__in=[pk for pk in last if pk])
    for subscription in having.select_related("newsletter").order_by("newsletter__position", "pk"):
        change = last[subscription.newsletter_id]
        if change.by == Change.By.EDITOR and _is_rarer(subscription, change):
            found.append(Lowered(subscription, Cadence(change.before)))
    return found


@transaction.atomic
def keep(*, subscriber: Subscriber, now: datetime) -> int:
    """Everything comes again as often as before. Returns how many subscriptions that was."""
    offered = [each for each in lowered(subscriber) if each.may_be_kept]
    with changes.recorded(subscriber, author=changes.READER, now=now):
        for each in offered:
            each.subscription.cadence = each.before
            each.subscription.save(update_fields=["cadence"])
    return len(offered)


def _add_up(change: Change, earlier: Change | None) -> None:
    """Whoever was lowered twice had before what they had before the first time."""
    values = list(Cadence.values)
    is_same_author = earlier is not None and earlier.by == change.by == Change.By.EDITOR
    if earlier and is_same_author and {earlier.before, change.before} <= set(values):
        change.before = min(earlier.before, change.before, key=values.index)


def _is_rarer(subscription: Subscription, change: Change) -> bool:
    values = list(Cadence.values)
    if change.after != subscription.cadence or change.before not in values:
        return False
    return values.index(change.before) < values.index(subscription.cadence)


def _tell_timeline(moved: Iterable[tuple[Subscription, str]], *, editor_id: int | None, at: datetime) -> None:
    Change.objects.bulk_create(
        Change(
            subscriber_id=row.subscriber_id, newsletter_id=row.newsletter_id, by=Change.By.EDITOR, at=at,
            editor_id=editor_id, field="cadence", before=row.cadence, after=to,
        )
        for row, to in moved
    )  # fmt: skip
