"""What stands where in a mail: the lead, what follows in one list or by topic, the headlines, offers between them.

Everything is put together from pieces that ``blocks`` has rendered once; nothing here runs a template for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from newsletter.digests.ads import Ad
from newsletter.digests.blocks import (
    html_block,
    html_offer,
    html_part,
    place,
    put_together,
    text_block,
    text_offer,
    text_part,
)
from newsletter.digests.looks import Look
from newsletter.digests.models import Appearance
from newsletter.digests.stories import Story

IN_SECTION, IN_LIST = 3, 2  # levels of a story's heading


@dataclass(frozen=True)
class Section:
    """Stories under a common title; ``""`` for those that stand in one list."""

    title: str
    stories: tuple[Story, ...]


@dataclass(frozen=True)
class Arrangement:
    """Which article stands where, and which offers. ``left_out`` counts the headlines that found no place."""

    look: Look
    web_url: str
    stories: tuple[Story, ...]
    headlines: tuple[Story, ...]
    left_out: int = 0
    ads: tuple[Ad, ...] = ()

    @property
    def lead(self) -> Story | None:
        return self.stories[0] if self.stories else None

    def html(self) -> str:
        """All articles' HTML, put together from known pieces."""
        pieces = [html_block("lead", story, self.look) for story in self.stories[:1]]
        pieces.extend(html_offer(ad, self.look) for ad in self.ads_between(0, 1))
        told = 1
        for section in sections(self.stories[1:], self.look):
            if section.title:
                pieces.append(html_part("section", self.look, title=section.title))
            for row, count in _rows(section, self.look):
                pieces.append(row)
                pieces.extend(html_offer(ad, self.look) for ad in self.ads_between(told, told + count))
                told += count
        if self.headlines:
            pieces.append(html_part("headlines", self.look))
            pieces.extend(html_block("headline", story, self.look) for story in self.headlines)
        if self.left_out:
            pieces.append(html_part("left_out", self.look, count=self.left_out, web_url=self.web_url))
        pieces.extend(html_offer(ad, self.look) for ad in self.ads_at_end())
        return "\n".join(pieces)

    def text(self) -> str:
        """The same articles for reading as plain text, numbered in the order of reading: a single one is no list."""
        if len(self.stories) == 1:
            pieces = [text_block("story", self.stories[0], self.look, is_numbered=False)]
        else:
            pieces = [_numbered(story, 1, self.look) for story in self.stories[:1]]
        pieces.extend(text_offer(ad, self.look) for ad in self.ads_between(0, 1))
        number = 1
        for section in sections(self.stories[1:], self.look):
            if section.title:
                pieces.append(text_part("section", self.look, title=section.title))
            for story in section.stories:
                number += 1
                pieces.append(_numbered(story, number, self.look))
                pieces.extend(text_offer(ad, self.look) for ad in self.ads_between(number - 1, number))
        if self.headlines:
            pieces.append(text_part("headlines", self.look))
            pieces.extend(text_block("headline", story, self.look) for story in self.headlines)
        if self.left_out:
            pieces.append(text_part("left_out", self.look, count=self.left_out, web_url=self.web_url))
        pieces.extend(text_offer(ad, self.look) for ad in self.ads_at_end())
        return "\n\n".join(pieces)

    def ads_between(self, told: int, by_now: int) -> list[Ad]:
        """The offers whose place has come once ``by_now`` stories are told; with few stories, behind the last."""
        last = len(self.stories)
        return [ad for ad in self.ads if ad.after is not None and told < min(ad.after, last) <= by_now]

    def ads_at_end(self) -> list[Ad]:
        """The offers behind everything; all of them where there is no story, as in an announcement."""
        return [ad for ad in self.ads if ad.after is None or not self.stories]


def sections(stories: Sequence[Story], look: Look) -> Iterator[Section]:
    """The stories after the lead, in one list or by topic."""
    if not look.groups_by_topic:
        yield Section("", tuple(stories))
        return
    for title, places in by_topic([story.topic for story in stories], rest_title=look.rest_title):
        yield Section(title, tuple(stories[n] for n in places))


def by_topic(topics: Sequence[str], *, rest_title: str) -> list[tuple[str, list[int]]]:
    """The sections of stories with these topics: each one's title, and the places of its stories.

    Topics in the order of their first story, the rest last; without any topic, one list without a title.
    """
    found: dict[str, list[int]] = {topic: [] for topic in topics if topic and topic != rest_title}
    for n, topic in enumerate(topics):
        found.setdefault(topic if topic in found else rest_title, []).append(n)
    return list(found.items()) if any(topics) else [("", list(range(len(topics))))]


def _rows(section: Section, look: Look) -> Iterator[tuple[str, int]]:
    """Each row, and how many stories are in it."""
    level = IN_SECTION if section.title else IN_LIST
    is_magazine = look.layout == Appearance.Layout.MAGAZINE
    for row in _pairs(section.stories, look) if is_magazine else batched(section.stories, 1):
        if len(row) == 1:
            yield html_block("story", row[0], look, level=level), 1
            continue
        first, second = (html_block("card", story, look, level=level) for story in row)
        frame = html_part("row", look, first=place("first"), second=place("second"))
        yield put_together(frame, {"first": first, "second": second}), 2


def _pairs(stories: Sequence[Story], look: Look) -> Iterator[Sequence[Story]]:
    """A magazine's rows: two stories that both have a picture, or both have none; whatever else has the whole width.

    Of an odd number that is the first.
    """
    waiting = list(reversed(stories))
    while waiting:
        story = waiting.pop()
        is_odd_one = len(stories) % 2 == 1 and len(waiting) + 1 == len(stories)
        if waiting and not is_odd_one and _has_picture(story, look) == _has_picture(waiting[-1], look):
            yield story, waiting.pop()
        else:
            yield (story,)


def _has_picture(story: Story, look: Look) -> bool:
    return look.picture_of(story, "card") is not None


def _numbered(story: Story, number: int, look: Look) -> str:
    return put_together(text_block("story", story, look), {"number": str(number)})
