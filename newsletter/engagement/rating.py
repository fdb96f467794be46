"""What readers think of an issue: asked in its mail, answered on a page of their own, one answer each.

The link in the mail names the send, which knows the reader and the issue. Opening it says nothing: mail programs and
scanners open every link.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count

from newsletter.delivery import archive
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue
from newsletter.engagement.models import Rating
from newsletter.lib.headers import one_line
from newsletter.lib.tokens import Purpose, verify_token

MOST_CHARACTERS, MOST_COMMENTS = 1000, 50


@dataclass(frozen=True, slots=True)
class Results:
    """How many gave each answer, by its value."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def lines(self) -> list[tuple[str, int, int]]:
        """Each answer in words, how many gave it, and how many of a hundred that is."""
        total = self.total or 1
        return [
            (str(answer.label), self.counts.get(answer, 0), round(100 * self.counts.get(answer, 0) / total))
            for answer in Rating.Answer
        ]


def send_behind(token: str) -> Send | None:
    """The send that a link in a mail speaks of; None if its reader was erased. Raises BadToken."""
    pk = verify_token(Purpose.RATE, token)
    known = Send.objects.filter(pk=pk, subscriber__isnull=False)
    return known.select_related("campaign__issue__newsletter", "subscriber").first() or archive.find(pk)


def rating_of(send: Send) -> Rating | None:
    """What the reader has said of the issue so far."""
    return Rating.objects.filter(issue=send.campaign.issue_id, subscriber=send.subscriber_id).first()


def rate(send: Send, *, answer: str, comment: str, now: datetime) -> bool:
    """Keep the answer in place of an earlier one. False if it is none."""
    if answer not in Rating.Answer.values:
        return False
    Rating.objects.update_or_create(
        issue=send.campaign.issue, subscriber=send.subscriber,
        defaults={"answer": answer, "comment": one_line(comment)[:MOST_CHARACTERS], "at": now},
    )  # fmt: skip
    return True


def results(issues: Collection[int]) -> dict[int, Results]:
    """Of each of these issues that anybody answered for. One query."""
    rows = Rating.objects.filter(issue__in=issues).order_by().values_list("issue", "answer")
    counts: dict[int, dict[str, int]] = {}
    for issue, answer, count in rows.annotate(count=Count("pk")):
        counts.setdefault(issue, {})[answer] = count
    return {issue: Results(by_answer) for issue, by_answer in counts.items()}


def comments(issue: Issue) -> list[Rating]:
    """What readers wrote beside their answer, the latest first; no more than a page of it."""
    return list(issue.ratings.exclude(comment="").order_by("-at", "-pk")[:MOST_COMMENTS])
