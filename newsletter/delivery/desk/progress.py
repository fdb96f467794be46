"""What became of an alert so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from newsletter.delivery.books import Books, books_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue


@dataclass(frozen=True)
class Progress:
    """``state`` is waits, starts, sending, paused, sent, cancelled or stopped; ``seconds`` are left to take it back."""

    state: str
    seconds: int = 0
    campaign: Campaign | None = None
    books: Books | None = None

    @property
    def is_moving(self) -> bool:
        """Whether it changes by itself: also when it is paused and tries again."""
        tries_again = self.state == "paused" and self.campaign is not None and self.campaign.resume_at is not None
        return tries_again or self.state in {"waits", "starts", "sending"}

    @property
    def sent(self) -> int:
        return self.books.of(Send.Status.SENT) if self.books else 0

    @property
    def skipped(self) -> int:
        return self.books.of(Send.Status.SKIPPED) if self.books else 0

    @property
    def failed(self) -> int:
        return self.books.of(Send.Status.FAILED) if self.books else 0


def progress_of(issue: Issue, *, now: datetime) -> Progress:
    """As the database has it now."""
    campaign = Campaign.objects.filter(issue=issue).first()
    if campaign and campaign.status != Campaign.Status.TAKEN_BACK:
        states = {Campaign.Status.FINISHED: "sent", Campaign.Status.CANCELLED: "sent", Campaign.Status.PAUSED: "paused"}
        state = states.get(Campaign.Status(campaign.status), "sending")
        return Progress(state, campaign=campaign, books=books_of([campaign])[campaign.pk])
    if issue.status == Issue.Status.CANCELLED:
        return Progress("cancelled")
    if issue.status != Issue.Status.APPROVED:
        return Progress("stopped")
    left = math.ceil((issue.send_at - now).total_seconds())
    return Progress("waits", seconds=left) if left > 0 else Progress("starts")
