"""The issue as its mail has it: the lead, sections or one list; and where a story stands after one step up or down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.digests import changing
from newsletter.digests.layouts import by_topic
from newsletter.digests.looks import rest_title
from newsletter.digests.models import Appearance, Issue, IssueItem

State = IssueItem.State


@dataclass
class Story:
    """An article on the desk.

    ``up`` and ``down``: what ``move`` is told for one step, as ``45 Local sport``; "" if there is none.
    """

    item: IssueItem
    topic: str
    source: str
    sent: str = ""
    why: str = ""
    note: str = ""
    is_new: bool = False
    up: str = ""
    down: str = ""

    @property
    def section(self) -> str:
        """The title that it stands under, where topics have sections."""
        return self.item.section or self.topic

    @property
    def article(self) -> Article:
        return self.item.article

    @property
    def headline(self) -> str:
        return changing.headline_of(self.item)

    @property
    def summary(self) -> str:
        return self.item.summary or changing.own_summary(self.article)

    @property
    def is_reworded(self) -> bool:
        return bool(self.item.title or self.item.summary)

    @property
    def is_pinned(self) -> bool:
        return self.item.state == State.PINNED

    @property
    def is_out(self) -> bool:
        return self.item.state in IssueItem.OUT


@dataclass(frozen=True)
class Part:
    """Stories under one title of the issue. ``section`` is what ``move`` calls it; "" for the lead, and for one list.

    ``end``: the article that follows its last one in the order of the issue.
    """

    title: str
    section: str
    stories: Sequence[Story]
    end: int | None = None


def parts_of(issue: Issue, stories: Sequence[Story], *, order: Sequence[int]) -> list[Part]:
    """The stories under the titles of the mail. ``order``: every article of the issue in its order. 1 query."""
    appearance = Appearance.of(issue.newsletter)
    if not appearance.groups_by_topic or not stories:
        return [Part(_("Stories"), "", stories, _behind(stories[-1:], order))]
    lead, others = stories[:1], stories[1:]
    with translation.override(issue.newsletter.language):
        found = by_topic([story.section for story in others], rest_title=rest_title(appearance))
    parts = [Part(_("Lead"), "", lead, _behind(lead, order))]
    for title, places in found:
        told = [others[n] for n in places]
        parts.extend([Part(title or _("Stories"), title, told, _behind(told, order))] if told else [])
    return parts


def link(parts: Sequence[Part], headlines: Sequence[Story], *, order: Sequence[int]) -> None:
    """Tell every story its steps. A step across the border of two sections leads into the other one."""
    rows = [(story, part.section) for part in parts for story in part.stories]
    rows += [(story, "") for story in headlines]
    for n, (story, section) in enumerate(rows):
        if n:
            above, its = rows[n - 1]
            crosses = its and section and its != section
            story.up = _into(its, _behind([above], order, but=story)) if crosses else _into("", above.article.pk)
        if n < len(rows) - 1:
            below, its = rows[n + 1]
            crosses = its and section and its != section
            story.down = _into(its, below.article.pk) if crosses else _into("", _behind([below], order, but=story))


def _into(section: str, before: int | None) -> str:
    return f"{before or 'end'} {section}".rstrip()


def _behind(stories: Sequence[Story], order: Sequence[int], *, but: Story | None = None) -> int | None:
    """The article that follows the last of these in the order of the issue; not ``but``, which is about to move."""
    if not stories or stories[-1].article.pk not in order:
        return None
    rest = order[order.index(stories[-1].article.pk) + 1 :]
    return next((pk for pk in rest if but is None or pk != but.article.pk), None)
