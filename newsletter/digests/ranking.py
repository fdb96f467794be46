"""In which order an issue tells its articles as long as no editor has set one: fresh and read first, topics mixed.

Pure functions: no database, no clock.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

HALF_LIFE_HOURS = 18.0  # after so long a story counts half
REPEATED = 0.75  # what each further story of a topic counts, beside the one before it


@dataclass(frozen=True, slots=True)
class Story:
    """An article to be ranked. ``popularity`` is 0 if nothing is measured; ``section`` None if it has no topic."""

    article_id: int
    age_hours: float
    popularity: float = 0.0
    section: int | None = None

    @property
    def score(self) -> float:
        """Recency times interest; a thousand readers make up for about three half-lives."""
        recency: float = 0.5 ** (max(self.age_hours, 0.0) / HALF_LIFE_HOURS)
        return recency * (1 + math.log1p(max(self.popularity, 0.0)))


def rank(stories: Iterable[Story]) -> list[int]:
    """The articles' ids, best first: always the best that is left, where a topic that was told counts less each time.

    Cost: the number of articles times the number of topics. Equal scores go by id, the newest first, so that the order
    is the same on every machine.
    """
    sections: dict[int | None, deque[Story]] = {}
    for story in sorted(stories, key=lambda each: (-each.score, -each.article_id)):
        sections.setdefault(story.section, deque()).append(story)
    told: dict[int | None, int] = dict.fromkeys(sections, 0)
    ranked: list[int] = []
    while sections:
        best = max(sections, key=lambda each: (_weight(sections[each][0], told[each]), sections[each][0].article_id))
        ranked.append(sections[best].popleft().article_id)
        told[best] += 1
        if not sections[best]:
            del sections[best]
    return ranked


def _weight(story: Story, told: int) -> float:
    """A story without a topic repeats nothing."""
    return story.score if story.section is None else story.score * REPEATED**told
