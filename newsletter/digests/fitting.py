"""Keeping a mail below the size at which Gmail cuts it off, by making less of the last stories first."""

from __future__ import annotations

from dataclasses import replace

from newsletter.digests.layouts import Arrangement
from newsletter.digests.looks import shortened
from newsletter.digests.stories import Story

# Gmail cuts at about 102,000 bytes; checks ask for 100,000. The rest is for what delivery puts into the slots.
MOST_BYTES = 92_000
MEASURED_BYTES = 5_000  # by which measured links may be longer


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
    return replace(story, summary=shortened(story.summary))


def _size(html: str) -> int:
    return len(html.encode())
