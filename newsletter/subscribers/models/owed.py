"""A mail that one person is owed: its row is its place in the queue."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from newsletter.lib.transitions import transition

LEASE = timedelta(minutes=2)  # longer than any mail server may take to answer
WAITING = "waiting"


class OwedMail(models.Model):
    """What sign-ups, welcome mails and personal mails share: they wait, are claimed under a lease, tried, put off.

    Who inherits has a ``status`` that begins as WAITING, and ``next_attempt_at``.
    """

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

    def postpone(self, *, until: datetime, response: str) -> bool:
        """The mail server cannot take it now; try again at ``until``."""
        values = {"next_attempt_at": until, "response": response[:300]}
        return transition(self, sources=[WAITING], to=WAITING, **values)
