"""How a story stands in a list: ``{% load stories %}{% story_card story heading="h2" look="row" %}``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from articles import search_words
from articles.models import Article
from newsletter.lib.keeping import Fragments

CARDS = Fragments(most_characters=4_000_000)

register = template.Library()


@dataclass(frozen=True)
class Card:
    """All that a story shows in a list, and where it stands: cards that are equal look the same."""

    slug: str
    title: str
    summary: str
    language: str
    kicker: str
    names: tuple[str, ...]
    is_sponsored: bool
    shown_at: datetime | None
    picture: str
    picture_alt: str
    picture_width: int
    picture_height: int
    thumbnail: str
    heading: str
    look: str
    is_eager: bool
    is_dated: bool
    today: date
    time_zone: str


@register.simple_tag(takes_context=True)
def story_card(
    context: template.Context,
    story: Article,
    *,
    heading: str,
    look: str = "",
    is_eager: bool = False,
    is_dated: bool = False,
    is_unsigned: bool = False,
) -> SafeString:
    """One story, with its topics and authors prefetched.

    ``heading`` is h2 or h3; ``look`` is "", "lead", "row" or "text"; ``is_eager`` above the fold, where pictures are
    not to wait; ``is_dated`` where also what came today is told by its day; ``is_unsigned`` where the page names the
    author, if there is only one. A page of a ``topic`` does not name the topic again; one with ``words`` that were
    searched for marks them, and is never kept: anybody could search for anything.
    """
    topics = () if context.get("topic") or story.is_sponsored else story.topics.all()
    names = tuple(author.name for author in story.authors.all())
    card = Card(
        **_of_article(story, has_picture=look != "text"), kicker=topics[0].name if topics else "",
        names=() if is_unsigned and len(names) == 1 else names,
        heading=heading, look=look, is_eager=bool(is_eager), is_dated=bool(is_dated),
        today=timezone.localdate(), time_zone=timezone.get_current_timezone_name(),
    )  # fmt: skip
    words = context.get("words")
    if words:
        found = "" if search_words.is_found_in(story.summary, words) else search_words.excerpt(story.body, words)
        return _rendered(
            card,
            title=search_words.marked(story.title, words),
            summary=search_words.marked(found or story.summary, words),
        )
    return CARDS.piece(card, lambda: _rendered(card, title=card.title, summary=card.summary))


def _of_article(story: Article, *, has_picture: bool) -> dict[str, Any]:
    return {
        "slug": story.slug, "title": story.title, "summary": story.summary, "language": story.language,
        "is_sponsored": story.is_sponsored, "shown_at": story.shown_at,
        "picture": str(story.picture) if has_picture else "", "picture_alt": story.picture_alt,
        "picture_width": story.picture_width, "picture_height": story.picture_height,
        "thumbnail": str(story.thumbnail) if has_picture else "",
    }  # fmt: skip


def _rendered(card: Card, *, title: str, summary: str) -> SafeString:
    return render_to_string("articles/_story.html", {"card": card, "title": title, "summary": summary})
