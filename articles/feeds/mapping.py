"""From a feed's categories to our topics: by name, by rules, and by rules learned from what editors correct.

A category leads to the topic of the same name or slug. A rule of the feed adds another topic, or forbids one. When an
editor changes the topics of an imported article, each category of its item that could explain the change becomes a
proposed rule; a second article corrected in the same way makes it active. A correction to the contrary takes one
article's evidence back and, with none left, switches the rule off. What editors made themselves is never unlearned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify

from articles.models import Article, CategoryRule, Feed, FeedEntry, Topic, category_key

TEACHERS = 2  # so many articles must have been corrected alike
MOST_REMEMBERED = 20
MOST_CATEGORIES = 6  # of an article that has more, nobody can tell which one was meant


@dataclass(frozen=True)
class CategoryMap:
    """Everything that a feed's categories mean."""

    default_topics: tuple[Topic, ...]
    topics_by_name: Mapping[str, Topic]
    added: Mapping[str, tuple[Topic, ...]] = field(default_factory=dict)  # by category key
    excluded: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def topics_of(self, categories: Iterable[str]) -> set[Topic]:
        """The topics of an item with these categories: the feed's own, and what the categories lead to."""
        led_to: set[Topic] = set()
        excluded: set[int] = set()
        for category in categories:
            key = category_key(category)
            led_to.update(self.added.get(key, ()))
            led_to.update(topic for name in (key, slugify(category)) if (topic := self.topics_by_name.get(name)))
            excluded |= self.excluded.get(key, frozenset())
        return {*self.default_topics, *led_to} if not excluded else {
            topic for topic in (*self.default_topics, *led_to) if topic.pk not in excluded
        }  # fmt: skip


def category_map(feed: Feed) -> CategoryMap:
    """Three queries."""
    topics = list(Topic.objects.order_by("-position", "-pk"))  # of two with the same name the first one counts
    by_name = {topic.slug: topic for topic in topics} | {category_key(topic.name): topic for topic in topics}
    added: dict[str, tuple[Topic, ...]] = {}
    excluded: dict[str, frozenset[int]] = {}
    for rule in CategoryRule.objects.active().filter(feed=feed).select_related("topic"):
        if rule.is_exclusion:
            excluded[rule.category_key] = excluded.get(rule.category_key, frozenset()) | {rule.topic_id}
        else:
            added[rule.category_key] = (*added.get(rule.category_key, ()), rule.topic)
    return CategoryMap(tuple(feed.topics.all()), by_name, added, excluded)


# --- learning ---------------------------------------------------------------------------------------------------------
def learn(article: Article, *, before: Collection[int], after: Collection[int], now: datetime) -> list[CategoryRule]:
    """An editor changed the article's topics (primary keys). Returns the rules that are new or became active."""
    entry = FeedEntry.objects.filter(article=article).select_related("feed").order_by("pk").first()
    if entry is None or not entry.categories or len(entry.categories) > MOST_CATEGORIES:
        return []
    changed: list[CategoryRule] = []
    with transaction.atomic():
        known = category_map(entry.feed)
        for topic in Topic.objects.filter(pk__in=set(before) ^ set(after)):
            is_exclusion = topic.pk in before
            for category in _explaining(entry.categories, topic, known, is_exclusion=is_exclusion):
                rule = _teach(entry, category, topic, is_exclusion=is_exclusion, now=now)
                changed += [rule] if rule else []
    return changed


def _explaining(categories: Iterable[str], topic: Topic, known: CategoryMap, *, is_exclusion: bool) -> list[str]:
    """Which categories could be why the topic belongs there, or, of those that led to it, why not."""
    unled = CategoryMap((), known.topics_by_name, known.added, known.excluded)
    if is_exclusion:
        return [category for category in categories if topic in unled.topics_of([category])]
    unmapped = [category for category in categories if not unled.topics_of([category])]
    # a category that leads elsewhere already explains nothing new, unless there is no other
    return unmapped or list(categories)


def _teach(entry: FeedEntry, category: str, topic: Topic, *, is_exclusion: bool, now: datetime) -> CategoryRule | None:
    """Note one article's evidence. Returns the rule if it is new or became active."""
    key = category_key(category)
    rule = CategoryRule.objects.select_for_update().filter(feed=entry.feed, category_key=key, topic=topic).first()
    if rule is None:
        return CategoryRule.objects.create(
            feed=entry.feed, category=category[:120], topic=topic, is_exclusion=is_exclusion, is_learned=True,
            status=CategoryRule.Status.PROPOSED, learned_from=[entry.article_id], changed_at=now,
        )  # fmt: skip
    if not rule.is_learned:
        return None
    if rule.is_exclusion != is_exclusion:
        return _unlearn(rule, entry.article_id, is_exclusion=is_exclusion, now=now)
    if rule.status == CategoryRule.Status.OFF or entry.article_id in rule.learned_from:
        return None
    rule.learned_from = [*rule.learned_from, entry.article_id][-MOST_REMEMBERED:]
    becomes_active = rule.status == CategoryRule.Status.PROPOSED and len(rule.learned_from) >= TEACHERS
    if becomes_active:
        rule.status, rule.changed_at = CategoryRule.Status.ACTIVE, now
    rule.save()
    return rule if becomes_active else None


def _unlearn(rule: CategoryRule, article_id: int, *, is_exclusion: bool, now: datetime) -> CategoryRule | None:
    """A correction to the contrary. With no evidence left, a proposal turns round and an active rule goes off."""
    remaining = [pk for pk in rule.learned_from if pk != article_id][: max(len(rule.learned_from) - 1, 0)]
    rule.learned_from = remaining
    if not remaining:
        if rule.status == CategoryRule.Status.PROPOSED:
            rule.is_exclusion, rule.learned_from = is_exclusion, [article_id]
        else:
            rule.status = CategoryRule.Status.OFF
        rule.changed_at = now
    rule.save()
    return None
