"""Keeping a mail below the size at which Gmail cuts it off, by making less of the last stories first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.text import Truncator

from newsletter.digests.blocks import Look, html_block, html_part, put_together, text_block, text_part
from newsletter.digests.stories import Story

# Gmail cuts at about 102,000 bytes; checks ask for 100,000. The rest is for what delivery puts into the slots.
MOST_BYTES = 92_000
SHORT_SUMMARY = 160  # characters


@dataclass(frozen=True)
class Arrangement:
    """Which article stands where. ``left_out`` counts the headlines that found no place."""

    look: Look
    web_url: str
    stories: tuple[Story, ...]
    headlines: tuple[Story, ...]
    left_out: int = 0

    @property
    def lead(self) -> Story | None:
        return self.stories[0] if self.stories else None

    def html(self) -> str:
        """All articles' HTML, put together from known pieces."""
        look = self.look
        pieces = [html_block("story" if place else "lead", story, look) for place, story in enumerate(self.stories)]
        if self.headlines:
            pieces.append(html_part("headlines", look))
            pieces.extend(html_block("headline", story, look) for story in self.headlines)
        if self.left_out:
            pieces.append(html_part("left_out", look, count=self.left_out, web_url=self.web_url))
        return "\n".join(pieces)

    def text(self) -> str:
        """The same articles for reading as plain text."""
        look = self.look
        pieces = [
            put_together(text_block("story", story, look), {"number": str(number)})
            for number, story in enumerate(self.stories, start=1)
        ]
        if self.headlines:
            pieces.append(text_part("headlines", look))
            pieces.extend(text_block("headline", story, look) for story in self.headlines)
        if self.left_out:
            pieces.append(text_part("left_out", look, count=self.left_out, web_url=self.web_url))
        return "\n\n".join(pieces)


def fit(wanted: Arrangement, *, room: int) -> tuple[Arrangement, str]:
    """The fullest arrangement whose HTML has at most ``room`` bytes, and that HTML.

    First long summaries are shortened, then stories become headlines from the end, then headlines go.
    """
    arrangement, html = wanted, wanted.html()
    if _size(html) > room:
        arrangement = replace(arrangement, stories=tuple(_shortened(story) for story in arrangement.stories))
        html = arrangement.html()
    while _size(html) > room and (smaller := _smaller(arrangement)):
        arrangement, html = smaller, smaller.html()
    return arrangement, html


def _smaller(arrangement: Arrangement) -> Arrangement | None:
    if len(arrangement.stories) > 1:
        *stories, last = arrangement.stories
        return replace(arrangement, stories=tuple(stories), headlines=(last, *arrangement.headlines))
    if arrangement.headlines:
        return replace(arrangement, headlines=arrangement.headlines[:-1], left_out=arrangement.left_out + 1)
    return None


def _shortened(story: Story) -> Story:
    return replace(story, summary=Truncator(story.summary).chars(SHORT_SUMMARY))


def _size(html: str) -> int:
    return len(html.encode())
