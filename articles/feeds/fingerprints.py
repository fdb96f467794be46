"""What a feed said last, so that what it changes can be told from what an editor changed since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

from articles.feeds.identity import author_slug, canonical_url, digest
from articles.feeds.parsing import ParsedItem

PART_LENGTH = 16  # one hash per field


@dataclass(frozen=True)
class Fingerprint:
    """What a feed said last, a hash per field; "" for what was not noted then."""

    title: str
    summary: str
    body: str
    picture: str
    authors: str
    language: str
    link: str
    published_at: str
    picture_alt: str
    picture_credit: str

    @classmethod
    def of(cls, item: ParsedItem) -> Fingerprint:
        picture = item.picture
        return cls(
            title=part(item.title),
            summary=part(item.summary),
            body=part(item.body_html),
            picture=part(picture.url if picture else ""),
            authors=authors_part(author_slug(name) for name in item.authors),
            language=part(item.language),
            link=part(canonical_url(item.link)),
            published_at=moment_part(item.published_at),
            picture_alt=part(picture.alt if picture else ""),
            picture_credit=part(picture.credit if picture else ""),
        )

    @classmethod
    def parse(cls, stored: str) -> Fingerprint:
        starts = range(0, len(fields(cls)) * PART_LENGTH, PART_LENGTH)
        return cls(*(stored[start : start + PART_LENGTH] for start in starts))

    def __str__(self) -> str:
        return "".join(getattr(self, field.name) for field in fields(self))


def part(text: str) -> str:
    """The hash of a text; white space does not count, since forms change it."""
    return digest(" ".join(text.split()))[:PART_LENGTH]


def authors_part(slugs: Iterable[str]) -> str:
    """Their order does not count."""
    return part(" ".join(sorted(set(slugs))))


def moment_part(moment: datetime | None) -> str:
    return part(str(int(moment.timestamp())) if moment else "")
