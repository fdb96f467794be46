"""Writing down what became of sends: by the group, and only while the lease on them is still ours."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Case, F, Value, When

from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.subscribers.models import Suppression
from newsletter.subscribers.suppression import suppress

logger = logging.getLogger(__name__)

SETTLE_EVERY = 10
PAUSES = (0.2, 1.0, 3.0)  # seconds between tries to write down what the relay has already answered


class Ledger:
    """The open page of one batch: outcomes are noted, and settled in groups of SETTLE_EVERY."""

    def __init__(self, campaign: Campaign, lease: str, *, clock: Callable[[], datetime]) -> None:
        self.settled_count = 0
        self._campaign = campaign
        self._lease = lease
        self._clock = clock
        self._noted: list[Outcome] = []
        self._skipped: list[tuple[int, Send.Reason]] = []

    def note(self, outcome: Outcome) -> None:
        self._noted.append(outcome)
        if len(self._noted) >= SETTLE_EVERY:
            self.flush()

    def skip(self, send: Send, reason: Send.Reason) -> None:
        """It will not be handed over after all."""
        self._skipped.append((send.pk, reason))

    def flush(self) -> None:
        """Settle what was noted. A send whose lease we lost is left to whoever holds it now.

        A database that is away for a moment is asked again: what it never learns would be mailed a second time.
        """
        for pause in PAUSES:
            try:
                return self._flush()
            except (OperationalError, InterfaceError):
                logger.warning("campaign %s: outcomes could not be written, trying again", self._campaign.pk)
                time.sleep(pause)
        return self._flush()

    def _flush(self) -> None:
        noted, skipped = self._noted, self._skipped
        if not noted and not skipped:
            return
        now = self._clock()
        with transaction.atomic():
            self._settle_accepted([outcome for outcome in noted if outcome.fate == Fate.ACCEPTED], now)
            for outcome in noted:
                if outcome.fate != Fate.ACCEPTED:
                    self._settle_one(outcome, now)
            for pk, reason in skipped:
                self._update([pk], now, status=Send.Status.SKIPPED, reason=reason)
        self._noted, self._skipped = [], []
        self.settled_count += len(noted) + len(skipped)

    def release_rest(self) -> None:
        """Put back what was claimed and not handed over, as if it had never been claimed."""
        ours = self._campaign.sends.filter(lease=self._lease, status=Send.Status.IN_FLIGHT)
        ours.update(status=Send.Status.QUEUED, lease="", lease_until=None)

    def _settle_accepted(self, accepted: list[Outcome], now: datetime) -> None:
        if not accepted:
            return
        responses = Case(*(When(pk=outcome.send_pk, then=Value(outcome.response)) for outcome in accepted))
        pks = [outcome.send_pk for outcome in accepted]
        self._update(pks, now, status=Send.Status.SENT, reason="", response=responses)

    def _settle_one(self, outcome: Outcome, now: datetime) -> None:
        send = Send.objects.filter(pk=outcome.send_pk).select_related("subscriber").first()
        if send is None:
            return
        status, reason = self._verdict(outcome, send, now)
        values: dict[str, object] = {"status": status, "reason": reason, "response": outcome.response}
        if status == Send.Status.DEFERRED:
            values["next_attempt_at"] = retry_at(now=now, attempt_count=send.attempt_count)
        self._update([send.pk], now, **values)
        if reason == Send.Reason.BAD_ADDRESS and send.subscriber:
            suppress(
                email=send.subscriber.email, reason=Suppression.Reason.HARD_BOUNCE, note=outcome.response[:200], now=now
            )

    def _verdict(self, outcome: Outcome, send: Send, now: datetime) -> tuple[Send.Status, str]:
        """The written policy; an unknown outcome is repeated once, with the same Message-ID, and never again."""
        if outcome.fate == Fate.BAD_ADDRESS:
            return Send.Status.FAILED, Send.Reason.BAD_ADDRESS
        if outcome.fate == Fate.REFUSED:
            return Send.Status.FAILED, Send.Reason.REFUSED
        if outcome.fate == Fate.UNKNOWN and send.reason == Send.Reason.UNKNOWN:
            return Send.Status.FAILED, Send.Reason.UNKNOWN
        if now >= deadline(self._campaign):
            return Send.Status.FAILED, Send.Reason.EXPIRED
        return Send.Status.DEFERRED, Send.Reason.UNKNOWN if outcome.fate == Fate.UNKNOWN else send.reason

    def _update(self, pks: list[int], now: datetime, **values: object) -> None:
        ours = Send.objects.filter(pk__in=pks, lease=self._lease, status=Send.Status.IN_FLIGHT)
        ours.update(settled_at=now, lease="", lease_until=None, attempt_count=F("attempt_count") + 1, **values)


def retry_at(*, now: datetime, attempt_count: int) -> datetime:
    """When to try a deferred send again: 1, 2, 4 ... 60 minutes, spread by a quarter so that not all come at once."""
    minutes = min(2 ** min(attempt_count, 6), 60)
    return now + timedelta(minutes=minutes * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load, hides nothing


def deadline(campaign: Campaign) -> datetime:
    """After this a send that was not accepted has failed."""
    return campaign.dated_at + timedelta(hours=settings.SEND_DEADLINE_HOURS)
