"""What a feed brings, without boilerplate, before anything compares it with what is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Q

from articles import embeds
from articles.boilerplate import Effect, Removed, Rule, RuleBook, tidy
from articles.feeds.parsing import ParsedFeed, ParsedItem
from articles.feeds.wording import MAX_SUMMARY_LENGTH, shortened
from articles.models import BoilerplateRule, Feed
from articles.sanitizing import plain_text
from articles.standard_boilerplate import STANDARD_RULES


@dataclass(frozen=True)
class TidiedItem:
    item: ParsedItem
    removed: tuple[Removed, ...]


def tidied(feed: Feed, parsed: ParsedFeed) -> ParsedFeed:
    """The document as the feed's articles are made from it. One query, none if the feed keeps its boilerplate."""
    if not feed.removes_boilerplate:
        return parsed
    book = rules_for(feed)
    return replace(parsed, items=tuple(tidied_item(item, book).item for item in parsed.items))


def rules_for(feed: Feed, *, more: Iterable[Rule] = ()) -> RuleBook:
    """The standard rules, those of the editors for this feed or for all, and ``more``."""
    own = BoilerplateRule.objects.filter(Q(feed=feed) | Q(feed=None), is_active=True)
    return RuleBook([*more, *(Rule(rule.pattern, Effect(rule.effect)) for rule in own), *STANDARD_RULES])


def tidied_item(item: ParsedItem, book: RuleBook) -> TidiedItem:
    """The item without boilerplate, and what was taken out. Its summary is made anew if that had some."""
    body, teaser = tidy(item.body_html, book), tidy(item.teaser_html, book)
    removed = tuple(dict.fromkeys((*teaser.removed, *body.removed)))
    if not removed:
        return TidiedItem(item, ())
    is_summary_touched = teaser.removed if item.teaser_html else body.removed
    summary = (
        shortened(plain_text(embeds.without(teaser.html or body.html)), MAX_SUMMARY_LENGTH)
        if is_summary_touched
        else item.summary
    )
    return TidiedItem(
        replace(item, body_html=body.html, teaser_html=teaser.html, summary=summary or item.summary), removed
    )
