"""Which articles of an issue a reader gets: what the issue offers, in their topics, minus what they have received.

Pure functions: no database, no clock. Readers are alike by the thousand, so articles are bits: bit *n* of a mask stands
for the *n*-th article that the issue offers, a reader's part is one ``&`` and one ``~`` away, and whoever is left with
the same articles shares one answer.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MAX_HEADLINES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """An article that an issue offers, at its place in the issue's order. One without topics is for everybody.

    ``section`` is the title that it is shown under, its topic's or an editor's; ``feeds`` are its sources.
    ``is_known``: it was an alert before. ``has_waited``: long enough for company; it goes out even with fewer articles
    than the minimum. ``is_sponsored``: an advertisement, which never goes out without news.
    """

    article_id: int
    topics: frozenset[int] = frozenset()
    section: str = ""
    feeds: frozenset[int] = frozenset()
    is_pinned: bool = False
    is_known: bool = False
    has_waited: bool = False
    is_sponsored: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """How many articles make an issue. ``per_feed`` has only the feeds with a share of their own.

    Who has more than ``maximum``, or more of one topic or feed than its share, gets so many of the rest as
    ``headlines``.
    """

    minimum: int = 1
    maximum: int = 8
    per_topic: int | None = None
    per_feed: Mapping[int, int] = field(default_factory=dict, hash=False)
    headlines: int = MAX_HEADLINES


@dataclass(frozen=True, slots=True)
class Selection:
    """What one reader gets, articles and offers by their ids.

    What fits neither as a story nor as a headline waits for a later issue. ``is_short``: it was cut to a few for
    somebody who has been silent, and says where the rest is.
    """

    stories: tuple[int, ...]
    headlines: tuple[int, ...] = ()
    offers: tuple[int, ...] = ()
    is_short: bool = False

    @property
    def content_key(self) -> str:
        """SHA-256 in hex; equal for readers who get the same articles in the same places, and the same offers."""
        told = [self.stories, self.headlines, *([self.offers] if self.offers else [])]
        text = "|".join(",".join(map(str, pks)) for pks in told) + ("|short" if self.is_short else "")
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class TooFew:
    """Fewer articles are left for the reader than an issue needs; they wait. ``count`` is 0 if none of them is news."""

    count: int


class Offering:
    """What an issue has to offer, and everybody's part of it. Each different part is worked out once."""

    def __init__(self, candidates: Sequence[Candidate], limits: Limits) -> None:
        self.candidates = candidates
        self._limits = limits
        self._for_everybody = _mask(n for n, candidate in enumerate(candidates) if not candidate.topics)
        self._by_topic: dict[int, int] = {}
        for n, candidate in enumerate(candidates):
            for topic in candidate.topics:
                self._by_topic[topic] = self._by_topic.get(topic, 0) | 1 << n
        self._parts: dict[int, Selection | TooFew] = {}
        self.news = frozenset(each.article_id for each in candidates if not each.is_sponsored)

    def interesting_to(self, topics: frozenset[int] | None) -> int:
        """The mask of the articles that somebody with these topics follows. None means all."""
        if topics is None:
            return (1 << len(self.candidates)) - 1
        mask = self._for_everybody
        for topic in topics:
            mask |= self._by_topic.get(topic, 0)
        return mask

    def part(self, left: int) -> Selection | TooFew:
        """What a reader gets for whom the articles of the mask ``left`` are new."""
        known = self._parts.get(left)
        if known is None:
            known = self._parts[left] = _arranged([self.candidates[n] for n in _bits(left)], self._limits)
        return known


def select(
    candidates: Sequence[Candidate], limits: Limits, *, topics: frozenset[int] | None, received: int = 0
) -> Selection | TooFew:
    """One reader's part of an issue. ``topics`` None means all; ``received`` is the mask of what they have had."""
    offering = Offering(candidates, limits)
    return offering.part(offering.interesting_to(topics) & ~received)


def _arranged(left: Sequence[Candidate], limits: Limits) -> Selection | TooFew:
    if all(candidate.is_sponsored for candidate in left):
        return TooFew(0)
    if len(left) < limits.minimum and not any(candidate.has_waited for candidate in left):
        return TooFew(len(left))
    stories: list[Candidate] = []
    headlines: list[Candidate] = []
    sections: Counter[str] = Counter()
    feeds: Counter[int] = Counter()
    for candidate in left:
        if len(stories) < limits.maximum and (candidate.is_pinned or _has_room(candidate, limits, sections, feeds)):
            stories.append(candidate)
            sections[candidate.section] += 1
            feeds.update(candidate.feeds)
        else:
            headlines.append(candidate)
    if not stories:
        stories.append(headlines.pop(0))
    if all(story.is_sponsored for story in stories):
        _take_in_news(stories, headlines, limits)
    _put_news_first(stories)
    return Selection(_ids(stories), _ids(headlines[: limits.headlines]))


def _has_room(candidate: Candidate, limits: Limits, sections: Mapping[str, int], feeds: Mapping[int, int]) -> bool:
    """Whether its topic and its feeds have not had their share yet. A story of several feeds counts for each."""
    if limits.per_topic and candidate.section and sections[candidate.section] >= limits.per_topic:
        return False
    return all(feed not in limits.per_feed or feeds[feed] < limits.per_feed[feed] for feed in candidate.feeds)


def _take_in_news(stories: list[Candidate], headlines: list[Candidate], limits: Limits) -> None:
    """Nobody is told advertisements alone: the first piece of news is told, in place of the last of them if need be."""
    news = next(candidate for candidate in headlines if not candidate.is_sponsored)
    headlines.remove(news)
    if len(stories) >= limits.maximum:
        headlines.insert(0, stories.pop())
    stories.append(news)


def _put_news_first(stories: list[Candidate]) -> None:
    """What went out as an alert does not lead, unless the editor pinned it or there is nothing else."""
    if stories and stories[0].is_known and not stories[0].is_pinned:
        fresh = next((n for n, story in enumerate(stories) if not (story.is_known or story.is_sponsored)), 0)
        stories.insert(0, stories.pop(fresh))


def _ids(candidates: Sequence[Candidate]) -> tuple[int, ...]:
    return tuple(candidate.article_id for candidate in candidates)


def _mask(places: Iterator[int]) -> int:
    mask = 0
    for n in places:
        mask |= 1 << n
    return mask


def _bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest
