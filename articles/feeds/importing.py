"""Import what was retrieved from a feed, and write down how it went.

Nothing is fetched inside a transaction. Every item is imported in a transaction of its own, so that a bad one never
stops the others and an interrupted poll loses nothing: the next one goes on where it ended.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import batched

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.feeds import first_import, identity, illustrating, items, network, state
from articles.feeds.fetching import FetchError
from articles.feeds.first_import import FirstImport
from articles.feeds.items import Arrival, Batch, ItemRefused, Outcome
from articles.feeds.mapping import category_map
from articles.feeds.parsing import ParsedFeed, ParsedItem
from articles.feeds.retrieving import Question, Retrieved, retrieve
from articles.feeds.tidying import tidied
from articles.models import Feed, FeedEntry, SkippedItem, Topic

logger = logging.getLogger(__name__)

FIRST_IMPORT_MAILABLE = 10  # of a new feed's items, the newest may be mailed; the others are on the site only
MOST_NEW_AT_ONCE = 60  # of a feed that we know; more is a relaunch or a mishap, and waits in review
CHUNK = 25  # items that are looked up together; few, so that what was found is still true when the last is saved
OLD_AFTER = timedelta(days=2)  # before the last poll: an item that appears with such a date is archive, not news
NEWS_FOR = timedelta(days=14)  # what is older when we first see it is no news, however long its feed was away

# What the data of one item can provoke in our code or in the database. Others (the database is away, a time limit, no
# memory) concern all items, end the poll, and leave the feed to the next one.
ITEM_FAULTS = (DataError, IntegrityError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class PollOutcome(StrEnum):
    IMPORTED = "imported"
    NOT_MODIFIED = "not_modified"
    FAILED = "failed"
    GONE = "gone"


@dataclass(frozen=True)
class RefusedItem:
    """An item that did not become an article; ``is_fault`` if that was our fault and may go better next time."""

    item: str
    reason: str
    is_fault: bool = False


@dataclass(frozen=True)
class PollReport:
    """How one poll went: counts of items, those that were refused and why, and the error if nothing came."""

    feed_id: int
    feed: str
    url: str
    outcome: PollOutcome
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    held: int = 0  # of the new ones, those that wait in review because there were so many
    pictures: int = 0
    wanted_pictures: frozenset[int] = frozenset()  # articles
    refused: tuple[RefusedItem, ...] = ()
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.outcome in {PollOutcome.IMPORTED, PollOutcome.NOT_MODIFIED}

    @property
    def is_complete(self) -> bool:
        """Whether the same document would bring nothing more."""
        return not any(refusal.is_fault for refusal in self.refused)

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        refused = [{"item": refusal.item, "reason": refusal.reason} for refusal in self.refused]
        told = {name: value for name, value in self.__dict__.items() if name != "wanted_pictures"}
        return {**told, "outcome": str(self.outcome), "refused": refused}


class UnknownTopics(Exception):
    """There is no topic with these slugs. The message is a sentence for people."""


def register(*, url: str, topic_slugs: Iterable[str] = (), now: datetime) -> Feed:
    """The feed with this address, made if there is none, with these topics added.

    Raises UnknownTopics, AddressRefused.
    """
    network.check_address(url.strip())
    slugs = set(topic_slugs)
    topics = list(Topic.objects.filter(slug__in=slugs))
    missing = slugs - {topic.slug for topic in topics}
    if missing:
        raise UnknownTopics(_("There is no topic %(slugs)s.") % {"slugs": ", ".join(sorted(missing))})
    feed, _is_new = Feed.objects.get_or_create(url=url.strip(), defaults={"next_poll_at": now})
    feed.topics.add(*topics)
    return feed


def poll(*, feed: Feed, now: datetime, first: FirstImport = FirstImport.EVERYTHING) -> PollReport:
    """Ask the feed now, import what it says and fetch the pictures. Never raises for what the feed or its server do.

    A document is read even if it is the last one again: somebody who asks wants to know what is in it.
    """
    question = replace(Question.about(feed), body_digest="")
    report = take(feed, retrieve(question), now, first=first)
    if not report.is_success:
        return report
    return replace(report, pictures=illustrating.fetch_pictures(feed, wanted=report.wanted_pictures, now=now))


def take(feed: Feed, retrieved: Retrieved, now: datetime, *, first: FirstImport = FirstImport.EVERYTHING) -> PollReport:
    """Import what a poll brought; ``first`` is what to take if it is the feed's first."""
    if retrieved.error:
        state.note_failure(feed, retrieved.error, now)
        is_gone = isinstance(retrieved.error, FetchError) and retrieved.error.is_gone
        outcome = PollOutcome.GONE if is_gone else PollOutcome.FAILED
        return PollReport(feed.pk, str(feed), feed.url, outcome, error=str(retrieved.error))
    if retrieved.parsed is None:
        state.note_success(feed, retrieved, now, new=0, is_complete=True, warning="")
        return PollReport(feed.pk, str(feed), feed.url, PollOutcome.NOT_MODIFIED)
    if feed.last_success_at is None:
        unwanted = [
            (identity.of(item), item.title)
            for item in retrieved.parsed.items
            if not first_import.is_wanted(item.published_at, choice=first, now=now)
        ]
        first_import.leave_out(feed, unwanted, now)
    report = take_document(feed, retrieved.parsed, now)
    state.note_success(
        feed, retrieved, now, new=report.new, is_complete=report.is_complete, warning=_warning(report.held)
    )
    return replace(report, feed=str(feed), url=feed.url)


def take_delivery(feed: Feed, parsed: ParsedFeed, now: datetime) -> PollReport:
    """Import what a hub pushed; when the feed is polled next does not change."""
    report = take_document(feed, parsed, now)
    changed = state.note_document(feed, parsed, now, new=report.new, warning=_warning(report.held))
    feed.save(update_fields=changed)
    return report


def take_document(feed: Feed, parsed: ParsedFeed, now: datetime) -> PollReport:
    """Import the items of a document, wherever it came from."""
    counts: Counter[Outcome] = Counter()
    parsed = tidied(feed, parsed)
    batch = _batch(feed, parsed, now)
    refused = _import_items(parsed, batch, counts)
    return PollReport(
        feed_id=feed.pk,
        feed=str(feed),
        url=feed.url,
        outcome=PollOutcome.IMPORTED,
        new=counts[Outcome.NEW] + counts[Outcome.HELD],
        held=counts[Outcome.HELD],
        updated=counts[Outcome.UPDATED],
        unchanged=counts[Outcome.UNCHANGED],
        refused=tuple(refused),
        wanted_pictures=frozenset(batch.wanted_pictures),
    )


def _warning(held: int) -> str:
    if not held:
        return ""
    return ngettext(
        "It brought many items at once; %(count)d of them waits in review.",
        "It brought many items at once; %(count)d of them wait in review.",
        held,
    ) % {"count": held}


# --- items ------------------------------------------------------------------------------------------------------------
def _batch(feed: Feed, parsed: ParsedFeed, now: datetime) -> Batch:
    identities = frozenset(filter(None, map(identity.of, parsed.items)))
    known = FeedEntry.objects.filter(feed=feed, identity__in=identities)
    return Batch(
        feed=feed,
        now=now,
        categories=category_map(feed),
        known={entry.identity: entry for entry in known},
        identities=identities,
        skipped=_skipped(feed, parsed, identities),
        shared_links=shared_links(parsed.items),
        presence=items.presence_of(()),
    )


def shared_links(feed_items: Iterable[ParsedItem]) -> frozenset[str]:
    """Addresses that items with different titles have, such as the front page: they identify no story."""
    titles: dict[str, set[str]] = {}
    for item in feed_items:
        titles.setdefault(identity.canonical_url(item.link), set()).add(identity.title_key(item.title))
    return frozenset(link for link, keys in titles.items() if len(keys) > 1)


def newest_first(feed_items: Iterable[ParsedItem]) -> list[ParsedItem]:
    """By the publisher's dates if all items have one, else as the document has them; repeated items once."""
    ordered = list({identity.of(item) or id(item): item for item in reversed(list(feed_items))}.values())[::-1]
    dates = {id(item): item.published_at for item in ordered if item.published_at}
    if len(dates) == len(ordered):
        ordered.sort(key=lambda item: dates[id(item)], reverse=True)
    return ordered


def _import_items(parsed: ParsedFeed, batch: Batch, counts: Counter[Outcome]) -> list[RefusedItem]:
    """Import the oldest item first and count what happened. Returns what was refused."""
    refused = []
    for chunk in batched(reversed(_arrivals(parsed, batch)), CHUNK):
        unknown = (arrival.item for arrival in chunk if arrival.identity not in batch.known)
        batch = replace(batch, presence=items.presence_of(unknown))
        refused += [refusal for arrival in chunk if (refusal := _import_item(arrival, batch, counts))]
    return refused


def _import_item(arrival: Arrival, batch: Batch, counts: Counter[Outcome]) -> RefusedItem | None:
    item = arrival.item
    try:
        counts[_take_in(arrival, batch)] += 1
    except ItemRefused as refusal:
        return RefusedItem(_name(item), str(refusal))
    except ITEM_FAULTS:
        batch.presence.doubt()
        logger.exception("feed %s: item %s could not be imported", batch.feed.pk, arrival.identity)
        return RefusedItem(_name(item), _("It could not be saved; the log says why."), is_fault=True)
    return None


def _arrivals(parsed: ParsedFeed, batch: Batch) -> list[Arrival]:
    """The items, newest first, with what is to become of each if it is new."""
    last_success_at = batch.feed.last_success_at
    last_asked = min(last_success_at, batch.now) - OLD_AFTER if last_success_at else None
    old = max(filter(None, (last_asked, batch.now - NEWS_FOR)))
    arrivals, unknown = [], 0
    for rank, item in enumerate(newest_first(parsed.items)):
        name = identity.of(item)
        unknown += name not in batch.known
        is_old = item.published_at is not None and item.published_at < old
        is_mailable = not is_old and (last_success_at is not None or rank < FIRST_IMPORT_MAILABLE)
        # a microsecond apart, so that the site and the digests keep the feed's order
        released_at = batch.now - timedelta(microseconds=rank)
        if not is_mailable and item.published_at:
            released_at = min(released_at, item.published_at)  # where it belongs in the archive
        is_held = last_success_at is not None and unknown > MOST_NEW_AT_ONCE
        arrivals.append(Arrival(item, name, released_at=released_at, is_mailable=is_mailable, is_held=is_held))
    return arrivals


def _skipped(feed: Feed, parsed: ParsedFeed, identities: frozenset[str]) -> frozenset[str]:
    """The items that were left out when the feed was added, and those that are the same under a new id."""
    rows = SkippedItem.objects.filter(feed=feed).values_list("identity", "title_key", "skipped_at")
    left_out = {name for name, _key, _at in rows}
    renamed = {key: at for name, key, at in rows if name not in identities and identity.is_telling(key)}
    return frozenset(
        name
        for item in parsed.items
        if (name := identity.of(item)) in left_out
        or (item.published_at and item.published_at < renamed.get(identity.title_key(item.title), item.published_at))
    )


def _take_in(arrival: Arrival, batch: Batch) -> Outcome:
    if not arrival.identity:
        raise ItemRefused(_("It has no id, no link and no headline."))
    if arrival.identity in batch.skipped:
        return Outcome.UNCHANGED
    try:
        with transaction.atomic():
            return items.take_in(arrival, batch)
    except IntegrityError:  # another worker brought the same story this very moment: now we can see it
        entry = FeedEntry.objects.filter(feed=batch.feed, identity=arrival.identity).first()
        batch.presence.doubt()
        if entry:
            batch.known[arrival.identity] = entry
        with transaction.atomic():
            return items.take_in(arrival, batch)


def _name(item: ParsedItem) -> str:
    return (item.title or item.link or item.guid)[:200]
