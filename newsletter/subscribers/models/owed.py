"""A mail that one person is owed: its row is its place in the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition

LEASE = timedelta(minutes=2)  # longer than any mail server may take to answer
FIRST_RETRY, LAST_RETRY = timedelta(seconds=30), timedelta(hours=1)
HEAD_START = timedelta(seconds=5)  # the doorbell has rung for younger ones; it is most likely being answered
BATCH = 500
WAITING, SKIPPED, REFUSED = "waiting", "skipped", "refused"


class OwedMailQuerySet[Row: OwedMail](models.QuerySet[Row]):
    def unmailed(self) -> Self:
        """What is still owed, the oldest first."""
        return self.filter(status=WAITING).order_by("pk")

    def due(self, now: datetime) -> Self:
        """What may be tried now."""
        return self.unmailed().filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=now))

    def overdue(self, now: datetime) -> list[int]:
        """Ids of what is due and was not sent when the doorbell rang, for the sweep."""
        return list(self.due(now).filter(created_at__lte=now - HEAD_START).values_list("pk", flat=True)[:BATCH])


class OwedMail(models.Model):
    """What sign-ups, welcome mails and personal mails share: they wait, are claimed under a lease, tried, put off.

    Who inherits has a ``status`` that begins as WAITING, a ``skipped_reason``, ``next_attempt_at`` and ``created_at``.
    """

    HELD_BACK = "held back: the hour's mails are used up, or no proof of work came"  # a response of our own

    response = models.CharField(_("the server's words"), max_length=300, blank=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)

    class Meta:
        abstract = True

    def claim(self, now: datetime) -> bool:
        """Take the mailing for a while. Of several workers exactly one gets True."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
        row: Any = self  # its own model knows the fields that an abstract one cannot name
        free = type(row)._default_manager.filter(due, pk=self.pk, status=WAITING)
        claimed = free.update(next_attempt_at=now + LEASE, attempt_count=F("attempt_count") + 1)
        if claimed:
            row.refresh_from_db(fields=["next_attempt_at", "attempt_count"])
        return bool(claimed)

    def mark_mailed(self, now: datetime) -> bool:
        """A server has accepted it."""
        raise NotImplementedError

    def skip(self, reason: str, *, now: datetime, response: str = "") -> bool:
        """Send nothing, and keep why."""
        values = {"skipped_reason": reason, "response": response[:300], **self.forgotten(now)}
        return transition(self, sources=[WAITING], to=SKIPPED, **values)

    def forgotten(self, now: datetime) -> dict[str, object]:
        """What the row holds no longer once nothing is owed any more, as fields with their values."""
        return {}

    def postpone(self, *, until: datetime, response: str) -> bool:
        """The mail server cannot take it now; try again at ``until``."""
        values = {"next_attempt_at": until, "response": response[:300]}
        return transition(self, sources=[WAITING], to=WAITING, **values)

    def refused(self, response: str, *, is_permanent: bool, now: datetime) -> bool:
        """A server did not take it. For good: that is the end of it; else it is tried again, ever more rarely."""
        if is_permanent:
            return self.skip(REFUSED, now=now, response=response)
        pause = min(FIRST_RETRY * 2 ** min(self.attempt_count - 1, 10), LAST_RETRY)
        return self.postpone(until=now + pause, response=response)
