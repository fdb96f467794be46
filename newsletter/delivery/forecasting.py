"""What the next run will be: the launch itself, rehearsed in a transaction that is rolled back.

So what it says is what would happen, as far as it is known now. It costs as much as a launch without its ledger: a page
asks for it by itself, and only where there are few enough readers (``is_quick``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db import transaction

from newsletter.delivery import audience, capping, offers, waves
from newsletter.delivery.audience import Alike
from newsletter.delivery.models import Send
from newsletter.digests import drafting
from newsletter.digests.assembly import Plan, candidates, plan, skipped_reason
from newsletter.digests.models import Issue, Offer, Schedule
from newsletter.digests.selection import Candidate, Selection, TooFew
from newsletter.subscribers.models import Newsletter

MOST_READERS = 30_000  # in well under a second
MOST = 0.9  # of the readers


@dataclass(frozen=True)
class Forecast:
    """Who would get what at ``at``. ``editions``: the readers of each, the most read first.

    ``without``: how many get nothing, by reason. ``later``: how many are mailed a day later, having had enough.
    ``coming``: those of the readers whose own hour comes after ``at``, until ``last_at``. ``offers``: which offers it
    carries, and to how many of the readers; those whom a ceiling leaves out get the same without. ``had``: how many of
    the issue's readers (``audience_count``) have had, or are about to get, each of its articles. ``skipped``: why it is
    skipped unless somebody approves it.
    """

    issue: Issue
    at: datetime
    editions: tuple[int, ...]
    fewest_stories: int
    most_stories: int
    without: Mapping[Send.Reason, int]
    later: int = 0
    coming: int = 0
    last_at: datetime | None = None
    offers: tuple[tuple[Offer, int], ...] = ()
    had: Mapping[int, int] = field(default_factory=dict)
    audience_count: int = 0
    skipped: str = ""

    @property
    def reader_count(self) -> int:
        return sum(self.editions)

    @property
    def editions_for_most(self) -> int:
        """How many editions it takes for MOST of the readers."""
        count = served = 0
        while served < MOST * self.reader_count:
            served += self.editions[count]
            count += 1
        return count


def is_quick(newsletter: Newsletter) -> bool:
    """Whether it has few enough readers for a page to ask."""
    few = newsletter.subscriptions.order_by().values_list("pk")[: MOST_READERS + 1]
    return few.count() <= MOST_READERS


def of_issue(issue: Issue, *, now: datetime) -> Forecast:
    """Of an issue that is not launched yet, as if it were approved."""
    with transaction.atomic():
        found = _rehearse(Issue.objects.select_related("newsletter", "schedule").get(pk=issue.pk), now=now)
        transaction.set_rollback(True)
    return found


def of_schedule(schedule: Schedule, *, now: datetime) -> Forecast | None:
    """Of its next run, whether it is drafted already or not. None if it has no next run, or it was decided already."""
    if schedule.next_run_at is None:
        return None
    at = max(schedule.next_run_at, now)
    with transaction.atomic():
        issue, _is_new = drafting.issue_of_run(schedule, schedule.next_run_at, now=at)
        is_coming = Issue.objects.waiting().filter(pk=issue.pk).exists()
        found = _rehearse(issue, now=now) if is_coming else None
        transaction.set_rollback(True)
    return found


def _rehearse(issue: Issue, *, now: datetime) -> Forecast:
    """The steps of ``campaigns.launch`` up to the ledger. Those whose own hour comes later are looked at together."""
    at = max(issue.send_at, now)
    drafting.refresh(issue, now=at)
    readers = audience.readers(issue)
    moments = waves.forecast(issue, readers)
    offered, carried = candidates(issue, now=at), offers.carried(issue, now=at)
    share = audience.Share(readers, fed_up=capping.fed_up(issue, now=at), has_offers=bool(carried))
    with audience.audience(issue, offered=offered, share=share):
        tally = audience.tally()
        keys = {alike.key for alike in tally}
        planned = plan(issue, keys, offered=offered, offers=[offer.pk for offer in carried])
    found = _counted(planned, tally, carried, at=at, moments=moments)
    skipped = _skipped(issue, at=at)
    return replace(found, had=_had(tally, offered), audience_count=sum(tally.values()), skipped=skipped)


def _skipped(issue: Issue, *, at: datetime) -> str:
    if issue.schedule is None or issue.status not in drafting.UNDECIDED:
        return ""
    return drafting.why_skipped(issue, issue.schedule, now=at)


def _counted(
    planned: Plan, tally: Counter[Alike], carried: Sequence[Offer], *, at: datetime, moments: Mapping[datetime, int]
) -> Forecast:
    editions: Counter[Selection] = Counter()
    without: Counter[Send.Reason] = Counter()
    later, waits = 0, capping.waits_as_it_is(planned.issue)
    for alike, count in tally.items():
        part = planned.parts[alike.key]
        if reason := _reason(alike, part, waits=waits):
            without[reason] += count
        elif isinstance(part, Selection):
            editions[part] += count
            later += count if alike.is_capped else 0
    stories = [len(selection.stories) for selection in editions] or [0]
    shown = tuple((offer, _shown(offer, editions)) for offer in carried)
    coming = {moment: count for moment, count in moments.items() if moment > at}
    return Forecast(
        issue=planned.issue, at=at, editions=tuple(sorted(editions.values(), reverse=True)),
        fewest_stories=min(stories), most_stories=max(stories), without=dict(without.most_common()), later=later,
        coming=sum(coming.values()), last_at=max(coming, default=None),
        offers=shown,
    )  # fmt: skip


def _shown(offer: Offer, editions: Mapping[Selection, int]) -> int:
    asking = sum(count for selection, count in editions.items() if offer.pk in selection.offers)
    return asking if offer.ceiling is None else min(asking, max(0, offer.ceiling - offer.shown_count))


def _had(tally: Counter[Alike], offered: Sequence[Candidate]) -> dict[int, int]:
    counts: Counter[int] = Counter()
    for alike, count in tally.items():
        mask = alike.key.received_mask
        counts.update({each.article_id: count for n, each in enumerate(offered) if mask >> n & 1})
    return dict(counts)


def _reason(alike: Alike, part: Selection | TooFew, *, waits: bool) -> Send.Reason | None:
    """Why they get nothing, in the order in which the ledger asks. None if they get something."""
    if alike.is_suppressed:
        return Send.Reason.SUPPRESSED
    if not isinstance(part, Selection):
        return Send.Reason(skipped_reason(part).value)
    return Send.Reason.CAPPED if alike.is_capped and not waits else None
