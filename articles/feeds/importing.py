"""Poll feeds: fetch, parse, import, and write down how it went and when to ask again.

Nothing is fetched inside a transaction. Every item is imported in a transaction of its own, so that a bad one never
stops the others and an interrupted poll loses nothing: the next one goes on where it ended.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from articles.feeds import fetching, identity, illustrating, items, network
from articles.feeds.fetching import Fetched, FetchError, Validators
from articles.feeds.items import Arrival, Batch, ItemRefused, Outcome
from articles.feeds.parsing import ParsedFeed, ParsedItem, ParseError, parse
from articles.models import Feed, FeedEntry, Topic

logger = logging.getLogger(__name__)

FIRST_IMPORT_MAILABLE = 10  # of a new feed's items, the newest may be mailed; the others are on the site only
LONGEST_PAUSE = timedelta(days=1)

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
    pictures: int = 0
    refused: tuple[RefusedItem, ...] = ()
    error: str = ""

    @property
    def is_success(self) -> bool:
        return self.outcome in {PollOutcome.IMPORTED, PollOutcome.NOT_MODIFIED}

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        refused = [{"item": refusal.item, "reason": refusal.reason} for refusal in self.refused]
        return {**self.__dict__, "outcome": str(self.outcome), "refused": refused}


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


def due_feed_ids(now: datetime) -> list[int]:
    return list(Feed.objects.due(now).values_list("pk", flat=True))


def poll_due(now: datetime) -> Iterator[PollReport]:
    """Poll every feed that is due, one after the other."""
    for feed_id in due_feed_ids(now):
        report = poll_if_due(feed_id=feed_id, now=now)
        if report:
            yield report


def poll_if_due(*, feed_id: int, now: datetime) -> PollReport | None:
    """Poll this feed if it is due and nobody else has taken the poll; otherwise None."""
    feed = Feed.objects.due(now).filter(pk=feed_id).first()
    if feed is None or not feed.claim_poll(now):
        return None
    return poll(feed=feed, now=now)


def poll(*, feed: Feed, now: datetime) -> PollReport:
    """Ask the feed now and import what it says. Never raises for what the feed or its server do."""
    try:
        fetched = fetching.fetch_feed(feed.url, validators=Validators(feed.etag, feed.last_modified))
        parsed = None
        if fetched.is_modified:
            parsed = parse(fetched.body, url=fetched.url, content_type=fetched.content_type)
    except (FetchError, ParseError) as error:
        return _note_failure(feed, error, now)
    counts: Counter[Outcome] = Counter()
    refused: list[RefusedItem] = []
    wanted_pictures: set[int] = set()
    if parsed:
        batch = _batch(feed, parsed, now)
        refused = _import_items(parsed, batch, counts)
        wanted_pictures = batch.wanted_pictures
    if any(refusal.is_fault for refusal in refused):
        fetched = replace(fetched, validators=Validators())  # so that the next poll gets the items again
    _note_success(feed, fetched, parsed, now, new=counts[Outcome.NEW])
    return PollReport(
        feed_id=feed.pk,
        feed=str(feed),
        url=feed.url,
        outcome=PollOutcome.IMPORTED if parsed else PollOutcome.NOT_MODIFIED,
        new=counts[Outcome.NEW],
        updated=counts[Outcome.UPDATED],
        unchanged=counts[Outcome.UNCHANGED],
        refused=tuple(refused),
        pictures=illustrating.fetch_pictures(feed, wanted=wanted_pictures, now=now),
    )


# --- items ------------------------------------------------------------------------------------------------------------
def _batch(feed: Feed, parsed: ParsedFeed, now: datetime) -> Batch:
    identities = frozenset(filter(None, map(_identity, parsed.items)))
    known = FeedEntry.objects.filter(feed=feed, identity__in=identities)
    topics = list(Topic.objects.order_by("-position", "-pk"))  # of two with the same name the first one counts
    by_name = {topic.slug: topic for topic in topics} | {topic.name.casefold(): topic for topic in topics}
    return Batch(
        feed=feed,
        now=now,
        topics=tuple(feed.topics.all()),
        topics_by_name=by_name,
        known={entry.identity: entry for entry in known},
        identities=identities,
        shared_links=shared_links(parsed.items),
    )


def _identity(item: ParsedItem) -> str:
    try:
        return identity.identity_of(guid=item.guid, link=item.link, title=item.title)
    except ValueError:
        return ""


def shared_links(feed_items: Iterable[ParsedItem]) -> frozenset[str]:
    """Addresses that items with different titles have, such as the front page: they identify no story."""
    titles: dict[str, set[str]] = {}
    for item in feed_items:
        titles.setdefault(identity.canonical_url(item.link), set()).add(identity.title_key(item.title))
    return frozenset(link for link, keys in titles.items() if len(keys) > 1)


def newest_first(feed_items: Iterable[ParsedItem]) -> list[ParsedItem]:
    """By the publisher's dates if all items have one, else as the document has them; repeated items once."""
    ordered = list({_identity(item) or id(item): item for item in reversed(list(feed_items))}.values())[::-1]
    dates = {id(item): item.published_at for item in ordered if item.published_at}
    if len(dates) == len(ordered):
        ordered.sort(key=lambda item: dates[id(item)], reverse=True)
    return ordered


def _import_items(parsed: ParsedFeed, batch: Batch, counts: Counter[Outcome]) -> list[RefusedItem]:
    """Import the oldest item first and count what happened. Returns what was refused."""
    refused = []
    is_first_import = batch.feed.last_success_at is None
    ranked = list(enumerate(newest_first(parsed.items)))
    for rank, item in reversed(ranked):
        arrival = Arrival(
            item=item,
            identity=_identity(item),
            # a microsecond apart, so that the site and the digests keep the feed's order
            released_at=batch.now - timedelta(microseconds=rank),
            is_mailable=not is_first_import or rank < FIRST_IMPORT_MAILABLE,
        )
        try:
            counts[_take_in(arrival, batch)] += 1
        except ItemRefused as refusal:
            refused.append(RefusedItem(_name(item), str(refusal)))
        except ITEM_FAULTS:
            logger.exception("feed %s: item %s could not be imported", batch.feed.pk, arrival.identity)
            refused.append(RefusedItem(_name(item), _("It could not be saved; the log says why."), is_fault=True))
    return refused


def _take_in(arrival: Arrival, batch: Batch) -> Outcome:
    if not arrival.identity:
        raise ItemRefused(_("It has no id, no link and no headline."))
    try:
        with transaction.atomic():
            return items.take_in(arrival, batch)
    except IntegrityError:  # another worker brought the same story this very moment: now we can see it
        entry = FeedEntry.objects.filter(feed=batch.feed, identity=arrival.identity).first()
        if entry:
            batch.known[arrival.identity] = entry
        with transaction.atomic():
            return items.take_in(arrival, batch)


def _name(item: ParsedItem) -> str:
    return (item.title or item.link or item.guid)[:200]


# --- the feed's own state ---------------------------------------------------------------------------------------------
def _note_success(feed: Feed, fetched: Fetched, parsed: ParsedFeed | None, now: datetime, *, new: int) -> None:
    feed.etag = fetched.validators.etag if len(fetched.validators.etag) <= 400 else ""
    feed.last_modified = fetched.validators.last_modified if len(fetched.validators.last_modified) <= 100 else ""
    feed.last_polled_at = feed.last_success_at = now
    feed.last_new_at = now if new else feed.last_new_at
    feed.failure_count, feed.last_error = 0, ""
    feed.next_poll_at = now + timedelta(minutes=feed.poll_minutes)
    changed = ["etag", "last_modified", "last_success_at", "last_new_at"]
    if feed.status == Feed.Status.GONE:
        feed.status = Feed.Status.ACTIVE
        changed.append("status")
    if parsed:
        feed.title = feed.title or parsed.title
        feed.site_url = feed.site_url or parsed.site_url
        changed += ["title", "site_url"]
    _save_state(feed, *changed)
    if fetched.moved_to:
        _move(feed, fetched.moved_to)


def _note_failure(feed: Feed, error: FetchError | ParseError, now: datetime) -> PollReport:
    feed.last_polled_at = now
    feed.failure_count += 1
    feed.last_error = str(error)
    is_gone, asked_for = False, timedelta(0)
    if isinstance(error, FetchError):
        is_gone, asked_for = error.is_gone, fetching.pause_asked_for(error.retry_after, now=now)
    feed.next_poll_at = now + max(asked_for, pause_after(feed.failure_count, minutes=feed.poll_minutes))
    if is_gone:
        feed.status = Feed.Status.GONE
        _save_state(feed, "status")
    else:
        _save_state(feed)
    logger.warning("feed %s: %s failures in a row: %s", feed.pk, feed.failure_count, error)
    outcome = PollOutcome.GONE if is_gone else PollOutcome.FAILED
    return PollReport(feed.pk, str(feed), feed.url, outcome, error=str(error))


def pause_after(failure_count: int, *, minutes: int) -> timedelta:
    """The usual interval after the first failure, twice as long after each further one, a day at most."""
    doubled = timedelta(minutes=minutes) * (1 << min(failure_count - 1, 12))
    return min(doubled, max(LONGEST_PAUSE, timedelta(minutes=minutes)))


def _save_state(feed: Feed, *names: str) -> None:
    always = ("next_poll_at", "last_polled_at", "failure_count", "last_error")
    feed.save(update_fields=[*always, *names])


def _move(feed: Feed, url: str) -> None:
    """Remember a permanent redirect, unless another feed has that address or somebody changed ours meanwhile."""
    try:
        with transaction.atomic():
            is_moved = len(url) <= 1000 and Feed.objects.filter(pk=feed.pk, url=feed.url).update(url=url)
    except IntegrityError:
        return
    if is_moved:
        logger.info("feed %s moved for good", feed.pk)
        feed.url = url
