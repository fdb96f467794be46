"""An issue on its page in the archive: the same sections, layout and offers as in the mail, in the site's own type.

Pages forbid the inline styles that mails need, so it has templates of its own (templates/digests/_issue.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from newsletter.digests.ads import Ad
from newsletter.digests.layouts import IN_LIST, IN_SECTION, Arrangement, sections
from newsletter.digests.looks import Box, Look
from newsletter.digests.models import Correction
from newsletter.digests.stories import Picture, Story

# How large a picture is shown at most, in CSS pixels; those of the mail are made for 600 px.
BOXES: dict[tuple[str, str], Box] = {
    ("classic", "lead"): (608, 456),
    ("classic", "brief"): (176, 176),
    ("magazine", "lead"): (608, 500),
    ("magazine", "wide"): (608, 456),
    ("magazine", "card"): (300, 225),
    ("headlines", "lead"): (176, 176),
    ("headlines", "brief"): (96, 96),
}


@dataclass(frozen=True)
class WebVersion:
    """What the page shows. ``stories`` and ``headlines`` are the articles told, ``lead`` the first of them."""

    html: SafeString
    stories: Sequence[Story]
    headlines: Sequence[Story]
    corrections: Sequence[Correction]

    @property
    def lead(self) -> Story | None:
        return self.stories[0] if self.stories else None

    @property
    def picture(self) -> Picture | None:
        return self.lead.picture if self.lead else None


@dataclass(frozen=True)
class Entry:
    """A story at its place, with the offers that stand behind it. ``level`` is that of its heading."""

    story: Story
    place: str
    level: int
    picture: Picture | None
    summary: str
    has_kicker: bool
    ads: Sequence[Ad]


@dataclass(frozen=True)
class WebSection:
    """Entries under a common title; ``""`` for those in one list."""

    title: str
    entries: Sequence[Entry]


@dataclass(frozen=True)
class WebLayout:
    """An arrangement as the templates walk through it."""

    whole: Arrangement

    @property
    def look(self) -> Look:
        return self.whole.look

    @property
    def lead(self) -> Entry | None:
        if self.whole.lead is None:
            return None
        return self._entry(self.whole.lead, "lead", level=IN_LIST, told=0)

    def sections(self) -> Iterator[WebSection]:
        told = 1
        for section in sections(self.whole.stories[1:], self.look):
            level = IN_SECTION if section.title else IN_LIST
            places = _places(len(section.stories), self.look)
            placed = enumerate(zip(section.stories, places, strict=True), start=told)
            yield WebSection(
                section.title, [self._entry(story, place, level=level, told=n) for n, (story, place) in placed]
            )
            told += len(section.stories)

    def _entry(self, story: Story, place: str, *, level: int, told: int) -> Entry:
        return Entry(
            story=story,
            place=place,
            level=level,
            picture=self._picture(story, place),
            summary=self.look.summary_of(story),
            has_kicker=story.is_sponsored or (self.look.shows_topics and level == IN_LIST),
            ads=self.whole.ads_between(told, told + 1),
        )

    def _picture(self, story: Story, place: str) -> Picture | None:
        """The picture, if the look shows one there, from the smallest copy that is sharp."""
        if not self.look.shows_picture(is_lead=place == "lead") or story.picture is None:
            return None
        return story.picture.within(BOXES[self.look.layout, place])


def _places(count: int, look: Look) -> list[str]:
    """As in the mail: a magazine sets its stories in pairs, and of an odd number the first has the whole width."""
    if look.layout != "magazine":
        return ["brief"] * count
    return ["wide"] * (count % 2) + ["card"] * (count - count % 2)
