"""What a feed said last, so that what it changes can be told from what an editor changed since."""

from __future__ import annotations

from dataclasses import dataclass

from articles.feeds.identity import digest
from articles.feeds.parsing import ParsedItem

PART_LENGTH = 16  # one hash per field


@dataclass(frozen=True)
class Fingerprint:
    """What a feed said last, a hash per field, so that we see what it changed and what an editor changed since."""

    title: str
    summary: str
    body: str
    picture: str

    @classmethod
    def of(cls, item: ParsedItem) -> Fingerprint:
        picture = item.picture.url if item.picture else ""
        return cls(part(item.title), part(item.summary), part(item.body_html), part(picture))

    @classmethod
    def parse(cls, stored: str) -> Fingerprint:
        return cls(*(stored[at : at + PART_LENGTH] for at in range(0, 4 * PART_LENGTH, PART_LENGTH)))

    def __str__(self) -> str:
        return self.title + self.summary + self.body + self.picture


def part(text: str) -> str:
    """The hash of a text; white space does not count, since forms change it."""
    return digest(" ".join(text.split()))[:PART_LENGTH]
