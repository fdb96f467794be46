"""How the newest articles are laid out on the front page: one lead, a few around it, the rest by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from articles.models import Article, Topic

LEAD_CANDIDATES = 6
SECONDARY_COUNT = 2
BENEATH_COUNT = 2
LATEST_COUNT = 6
SECTION_COUNT = 4
SECTION_MINIMUM = 2


@dataclass(frozen=True)
class Section:
    """Articles under the name of one topic, newest first, but for the one with a picture that opens it."""

    topic: Topic
    articles: list[Article] = field(default_factory=list)


@dataclass(frozen=True)
class FrontPage:
    """Every article stands in exactly one place, newest first within it."""

    lead: Article | None
    secondary: list[Article]
    beneath: list[Article]
    latest: list[Article]
    sections: list[Section]
    more: list[Article]


def lay_out(articles: Sequence[Article]) -> FrontPage:
    """Place the articles, which come newest first with their topics prefetched."""
    rest = list(articles)
    lead = _lead(rest)
    if lead:
        rest.remove(lead)
    secondary, rest = rest[:SECONDARY_COUNT], rest[SECONDARY_COUNT:]
    latest, rest = rest[:LATEST_COUNT], rest[LATEST_COUNT:]
    beneath, rest = rest[:BENEATH_COUNT], rest[BENEATH_COUNT:]
    sections = _sections(rest)
    placed = {article.pk for section in sections for article in section.articles}
    more = [article for article in rest if article.pk not in placed]
    return FrontPage(lead, secondary, beneath, latest, sections, more)


def _lead(articles: Sequence[Article]) -> Article | None:
    """The newest with a picture among the first few; never an advertisement while there is anything else."""
    candidates = [article for article in articles[:LEAD_CANDIDATES] if not article.is_sponsored]
    pictured = [article for article in candidates if article.picture]
    return next(iter([*pictured, *candidates, *articles]), None)


def _sections(articles: Sequence[Article]) -> list[Section]:
    """A section per topic with enough to say. An article goes to the first of its topics that has room."""
    sections: dict[int, Section] = {}
    for article in articles:
        for topic in article.topics.all():
            section = sections.setdefault(topic.pk, Section(topic))
            if len(section.articles) < SECTION_COUNT:
                section.articles.append(article)
                break
    worthy = [section for section in sections.values() if len(section.articles) >= SECTION_MINIMUM]
    for section in worthy:
        _open_with_picture(section.articles)
    return sorted(worthy, key=lambda section: (section.topic.position, section.topic.name, section.topic.pk))


def _open_with_picture(articles: list[Article]) -> None:
    pictured = next((number for number, article in enumerate(articles) if article.picture), 0)
    articles.insert(0, articles.pop(pictured))
