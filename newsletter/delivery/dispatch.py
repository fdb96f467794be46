"""The drain: claim a batch, commit, hand it over, settle what the relay said.

Claim: a conditional UPDATE under a lease, so that no send is with two workers. Settle: in groups of SETTLE_EVERY, only
while the lease is still ours. After a kill at any instant the lease runs out and the sends are queued again; of these
at most SETTLE_EVERY had been accepted without our knowing, and their repeat carries the same Message-ID and Date.
From then on they are claimed last and one at a time, so that one that kills its worker takes no other with it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from newsletter.delivery import offers
from newsletter.delivery.letters import LetterBox
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.settling import Ledger
from newsletter.delivery.transports.base import Transport
from newsletter.delivery.transports.registry import open_transport
from newsletter.subscribers.models import Subscription, Suppression

logger = logging.getLogger(__name__)

BATCH_SIZE = 200
PUT_OFF_SIZE = 50  # of them: those that the server put off are not kept waiting for a million others
LEASE = timedelta(minutes=3)
HANDOVER = timedelta(seconds=2)  # how long after its claim a batch is handed over: later, consent is asked again
RETRY_AFTER = timedelta(seconds=30)
MAX_CRASHES = 3

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Batch:
    """Sends that this worker alone may hand over, until ``stop_at``."""

    lease: str
    stop_at: datetime
    sends: list[tuple[Send, Subscription]]


def drain(campaign: Campaign, *, clock: Clock, seconds: float) -> int:
    """Hand over what is claimable for at most about ``seconds``. Returns how many sends were settled.

    A transport that is down pauses the campaign for a while, a server that refuses us pauses it until a person acts.
    Whatever else goes wrong is raised, and pauses it for a while with its reason; a database that is away does not.
    """
    end, settled = clock() + timedelta(seconds=seconds), 0
    letters = LetterBox(campaign)
    try:
        with open_transport() as transport:
            while clock() < end:
                batch = claim(campaign, now=clock())
                if batch is None:
                    break
                settled += hand_over(campaign, batch, letters=letters, transport=transport, clock=clock)
    except TransportDownError as error:
        reason = _("The mail server cannot be reached: %(error)s") % {"error": str(error)[:200]}
        campaign.pause(reason=reason, resume_at=clock() + RETRY_AFTER)
        logger.warning("campaign %s paused: transport down", campaign.pk)
    except SenderRefusedError as error:
        campaign.pause(reason=_("The mail server refuses to send for us: %(error)s") % {"error": str(error)[:200]})
        logger.warning("campaign %s paused: sender refused", campaign.pk)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        reason = _("It cannot be sent: %(error)s") % {"error": repr(error)[:200]}
        campaign.pause(reason=reason, resume_at=clock() + RETRY_AFTER)
        raise
    return settled


def claim(campaign: Campaign, *, now: datetime) -> Batch | None:
    """Take the next sends, ask consent and suppression once more, and skip who must not be mailed. None: none left."""
    lease = secrets.token_hex(16)
    with transaction.atomic():
        if not Campaign.objects.sending().filter(pk=campaign.pk).exists():
            return None
        pks = _choose(campaign, now=now)
        taken = Send.objects.claimable(now).filter(pk__in=pks)
        if not taken.update(status=Send.Status.IN_FLIGHT, lease=lease, lease_until=now + LEASE):
            return None
        ours = Send.objects.filter(pk__in=pks, lease=lease).select_related("subscriber")
        mailable = _skip_unmailable(campaign, list(ours.order_by("edition_id", "pk")), now=now)
        offers.respect_wishes([send for send, _subscription in mailable])
    return Batch(lease, now + HANDOVER, mailable)


def hand_over(campaign: Campaign, batch: Batch, *, letters: LetterBox, transport: Transport, clock: Clock) -> int:
    """Deliver a batch and settle every outcome; what was not handed over goes back to the queue. Returns how many."""
    ledger = Ledger(campaign, batch.lease, clock=clock)
    letters.refresh()
    try:
        for outcome in transport.deliver(_messages(batch, letters=letters, ledger=ledger, clock=clock)):
            ledger.note(outcome)
    finally:
        ledger.flush()
        ledger.release_rest()
    return ledger.settled_count


def recover_abandoned(*, now: datetime) -> int:
    """Queue again what was in flight with a worker that is gone; give up what was so MAX_CRASHES times.

    Returns how many are queued again.
    """
    abandoned = Send.objects.abandoned(now)
    nobodys = {"lease": "", "lease_until": None, "attempt_count": F("attempt_count") + 1}
    hopeless = abandoned.filter(reason=Send.Reason.UNKNOWN, attempt_count__gte=MAX_CRASHES - 1)
    given_up = hopeless.update(status=Send.Status.FAILED, settled_at=now, **nobodys)
    if given_up:
        logger.warning("%s sends were with a worker that died, for the last time", given_up)
    return abandoned.update(status=Send.Status.QUEUED, reason=Send.Reason.UNKNOWN, **nobodys)


def _choose(campaign: Campaign, *, now: datetime) -> list[int]:
    """The ids of the next batch: some that were put off, the rest in the order of the editions.

    Sends that an earlier worker may have died of come last, and each alone.
    """
    waiting = campaign.sends.claimable(now).order_by("next_attempt_at", "edition_id")  # as the index has them
    if connection.features.has_select_for_update_skip_locked:
        waiting = waiting.select_for_update(skip_locked=True)
    pks = waiting.values_list("pk", flat=True)
    suspects = {"reason": Send.Reason.UNKNOWN}
    fresh = pks.filter(status=Send.Status.QUEUED).exclude(**suspects)[:BATCH_SIZE]
    put_off = pks.filter(status=Send.Status.DEFERRED).exclude(**suspects)[:PUT_OFF_SIZE]
    alone = pks.filter(**suspects).order_by("next_attempt_at", "edition_id", "pk")  # the same one until it is settled
    return (
        [*put_off, *fresh][:BATCH_SIZE]
        or list(alone.filter(status=Send.Status.QUEUED)[:1])
        or list(alone.filter(status=Send.Status.DEFERRED)[:1])
    )


def _messages(batch: Batch, *, letters: LetterBox, ledger: Ledger, clock: Clock) -> Iterator[Outgoing]:
    for send, subscription in batch.sends:
        if clock() >= batch.stop_at:
            return
        message = letters.message(send, subscription, ledger=ledger)
        if message is not None:
            yield message


def _skip_unmailable(campaign: Campaign, sends: list[Send], *, now: datetime) -> list[tuple[Send, Subscription]]:
    subscriptions = _subscriptions(campaign, sends)
    hashes = [send.subscriber.address_hash for send in sends if send.subscriber]
    suppressed = set(Suppression.objects.filter(address_hash__in=hashes).values_list("address_hash", flat=True))
    skipped: dict[Send.Reason, list[int]] = {}
    mailable = []
    for send in sends:
        subscription = subscriptions.get(send.subscriber_id)
        if send.subscriber is None or subscription is None or subscription.status != Subscription.Status.ACTIVE:
            skipped.setdefault(Send.Reason.LEFT, []).append(send.pk)
        elif send.subscriber.address_hash in suppressed:
            skipped.setdefault(Send.Reason.SUPPRESSED, []).append(send.pk)
        else:
            mailable.append((send, subscription))
    for reason, pks in skipped.items():
        Send.objects.filter(pk__in=pks).update(
            status=Send.Status.SKIPPED, reason=reason, settled_at=now, lease="", lease_until=None
        )
    return mailable


def _subscriptions(campaign: Campaign, sends: list[Send]) -> dict[int | None, Subscription]:
    """By reader. Who left for good, or was erased, has none."""
    readers = [send.subscriber_id for send in sends if send.subscriber_id]
    theirs = Subscription.objects.filter(newsletter=campaign.issue.newsletter_id, subscriber__in=readers)
    return {each.subscriber_id: each for each in theirs}
