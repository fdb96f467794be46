"""Adding somebody by hand: an editor says what their consent stands on.

Only what is written down somewhere (a signed form, a contract) makes a subscription at once, and the consent record
says where it is kept. Whoever said it in person, on the telephone or in any other way gets a mail with a link first,
under the same limits as everybody who fills in a form. Who is on the suppression list is refused, and so is who left
after the day of the consent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from newsletter.lib.addresses import address_hash, address_key
from newsletter.lib.transitions import transition
from newsletter.subscribers.consent import record_given
from newsletter.subscribers.models import ConsentRecord, Newsletter, SignUp, Subscriber, Subscription, Suppression
from newsletter.subscribers.signup import SignUpForm, sign_up

DOCUMENTED = frozenset({ConsentRecord.Ground.PAPER.value, ConsentRecord.Ground.CONTRACT.value})


class Refused(ValueError):
    """This person must not be added. The message says why, to the editor."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an editor says about somebody: ``email`` has passed parse_address; ``agreed_on`` is the day of the consent.

    ``note`` says where the document is kept, or what else is worth knowing.
    """

    email: str
    newsletters: tuple[Newsletter, ...]
    ground: ConsentRecord.Ground
    agreed_on: date
    note: str = ""
    name: str = ""

    @property
    def is_documented(self) -> bool:
        """Is there a paper that proves it, and is it said where?"""
        return self.ground.value in DOCUMENTED and bool(self.note.strip())


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of it: newsletters that they get from now on, and the sign-up whose mail they have to answer."""

    subscriber: Subscriber
    joined: Sequence[Newsletter] = ()
    sign_up: SignUp | None = None


@transaction.atomic
def enter(*, entry: Entry, now: datetime) -> Entered:
    """Add the person, or ask them. Raises Refused."""
    _refuse_suppressed(entry)
    _refuse_who_left_since(entry)
    if not entry.is_documented:
        return _ask(entry, now)
    subscriber = Subscriber.objects.with_address(entry.email, name=entry.name)
    joined = [newsletter for newsletter in entry.newsletters if _join(subscriber, newsletter, entry, now)]
    return Entered(subscriber, joined)


def _ask(entry: Entry, now: datetime) -> Entered:
    has = Subscription.objects.filter(subscriber__address_key=address_key(entry.email), status__in=["active", "paused"])
    had = set(has.values_list("newsletter_id", flat=True))
    slugs = tuple(newsletter.slug for newsletter in entry.newsletters if newsletter.pk not in had)
    if not slugs:  # nothing to ask for
        return Entered(Subscriber.objects.with_address(entry.email))
    row = sign_up(form=SignUpForm(email=entry.email, newsletters=slugs, name=entry.name), now=now)
    if row is None:
        raise Refused(_("None of these newsletters is open for sign-up."))
    return Entered(row.subscriber, sign_up=row)


def _join(subscriber: Subscriber, newsletter: Newsletter, entry: Entry, now: datetime) -> bool:
    """False if they get it already: their first consent stands."""
    values = {"cadence": newsletter.default_cadence}
    subscription, _created = Subscription.objects.get_or_create(
        subscriber=subscriber, newsletter=newsletter, defaults=values
    )
    joining = {"confirmed_at": now, "ended_at": None, "ended_reason": "", "import_run_id": None}
    if not transition(subscription, sources=["pending", "ended"], to=Subscription.Status.ACTIVE, **joining):
        return False
    record_given(
        subscription, method=ConsentRecord.Method.EDITOR, now=now, asked_at=_noon(entry.agreed_on),
        ground=entry.ground, note=entry.note,
    )  # fmt: skip
    return True


def _refuse_suppressed(entry: Entry) -> None:
    row = Suppression.objects.filter(address_hash=address_hash(entry.email)).first()
    if row is None:
        return
    since = date_format(timezone.localtime(row.created_at), "DATE_FORMAT")
    if row.reason == Suppression.Reason.ERASED:
        raise Refused(_("This person was erased on %(since)s: their address must not be mailed.") % {"since": since})
    values = {"since": since, "reason": row.get_reason_display()}
    raise Refused(_("This address is on the suppression list since %(since)s: %(reason)s.") % values)


def _refuse_who_left_since(entry: Entry) -> None:
    """A consent that was withdrawn later is none; neither a paper nor our memory brings it back."""
    left = Subscription.objects.filter(
        subscriber__address_key=address_key(entry.email),
        newsletter__in=entry.newsletters,
        status=Subscription.Status.ENDED,
        ended_at__gte=_noon(entry.agreed_on).replace(hour=0),
    ).select_related("newsletter")
    for subscription in left.order_by("pk")[:1]:
        day = date_format(subscription.ended_at or entry.agreed_on, "DATE_FORMAT")
        values = {"newsletter": subscription.newsletter, "day": day}
        raise Refused(_("They left %(newsletter)s on %(day)s, which is not before this consent.") % values)


def _noon(day: date) -> datetime:
    """A day as a moment of it, in the site's time zone: nobody knows the hour."""
    return timezone.make_aware(datetime.combine(day, time(12)), timezone.get_default_timezone())
