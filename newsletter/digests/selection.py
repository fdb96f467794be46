"""Which articles of an issue a reader gets: what the issue offers, in their topics, minus what they have received.

Pure functions: no database, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

MAX_HEADLINES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that an issue offers, at its place in the issue's order. One without topics is for everybody."""

    article_id: int
    topics: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Selection:
    """What one reader gets. What fits neither as a story nor as a headline waits for a later issue."""

    stories: tuple[int, ...]
    headlines: tuple[int, ...] = ()

    @property
    def content_key(self) -> str:
        """SHA-256 in hex; equal for readers who get the same articles in the same places."""
        text = ",".join(map(str, self.stories)) + "|" + ",".join(map(str, self.headlines))
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TooFew:
    """Fewer articles are left for the reader than an issue needs; they wait. ``count`` may be 0."""

    count: int


def select(
    candidates: Sequence[Candidate],
    *,
    topics: frozenset[int] | None,
    received: Collection[int],
    minimum: int,
    maximum: int,
) -> Selection | TooFew:
    """A reader's part of an issue. ``topics`` None means all; ``received`` are the articles they have had before."""
    left = [
        candidate.article_id
        for candidate in candidates
        if candidate.article_id not in received and _interests(candidate, topics)
    ]
    if len(left) < max(minimum, 1):
        return TooFew(len(left))
    return Selection(tuple(left[:maximum]), tuple(left[maximum : maximum + MAX_HEADLINES]))


def _interests(candidate: Candidate, topics: frozenset[int] | None) -> bool:
    return topics is None or not candidate.topics or not topics.isdisjoint(candidate.topics)
