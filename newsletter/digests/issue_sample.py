"""What an issue would say to a reader of every topic: what the desk arranges, previews and examines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from newsletter.digests import carrying
from newsletter.digests.assembly import candidates, limits, placed
from newsletter.digests.models import EditionItem, Issue
from newsletter.digests.rendering import IssueRenderer, RenderedMail
from newsletter.digests.selection import Candidate, Limits, Offering, Selection


@dataclass(frozen=True)
class Sample:
    """``offered`` is what the issue has to offer, ``selection`` what fits, of what the reader has not had."""

    issue: Issue
    at: datetime
    offered: Sequence[Candidate]
    limits: Limits
    selection: Selection

    @property
    def items(self) -> list[EditionItem]:
        """The selection as the renderer takes it; not saved."""
        rows = enumerate(placed(self.selection))
        return [EditionItem(article_id=pk, position=n, placement=place) for n, (pk, place) in rows]

    def mail(self) -> RenderedMail | None:
        """None if there is nothing to say. Raises RenderingError."""
        offers = carrying.offers_of(self.issue, now=self.at)
        return IssueRenderer(self.issue).render(self.items, offers=offers)


def sample(issue: Issue, *, now: datetime, received: Collection[int] = ()) -> Sample:
    """For somebody who follows every topic and has had the articles ``received``. The minimum does not count."""
    offered = candidates(issue, now=now)
    rules = replace(limits(issue, offered), minimum=1)
    had = sum(1 << n for n, candidate in enumerate(offered) if candidate.article_id in set(received))
    offering = Offering(offered, rules)
    part = offering.part(offering.interesting_to(None) & ~had)
    return Sample(issue, now, offered, rules, part if isinstance(part, Selection) else Selection(stories=()))
