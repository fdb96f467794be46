"""Working through an archive: looking at it, bringing its articles in, then their pictures; or taking all back.

How far it is stands in the database with what was done, in one transaction: a worker that dies loses some items of
work and nothing else, and no item comes twice.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from time import sleep

from django.db import DataError, IntegrityError, transaction
from django.utils.translation import gettext as _

from articles.archives import candidates, files, picturing, undoing
from articles.archives.candidates import Candidate, Source
from articles.archives.taking_in import Setting, take_in
from articles.archives.wxr import ArchiveError
from articles.feeds import hosts
from articles.feeds.fetching import FEED_TYPES, FetchError, feed_limits, fetch
from articles.feeds.mapping import category_map
from articles.feeds.parsing import ParsedFeed, ParseError, parse
from articles.feeds.tidying import rules_for
from articles.models import Archive, ArchiveItem, Feed
from articles.models.archives import LEASE, MOST_ATTEMPTS

logger = logging.getLogger(__name__)

CHUNK = 40
TURN_SECONDS = 45.0
MOST_PAGES = 2000
ITEM_FAULTS = (DataError, IntegrityError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class TakenAway(Exception):
    """Somebody cancelled it, or another worker has it."""


def advance(*, archive_id: int, clock: Callable[[], datetime], seconds: float = TURN_SECONDS) -> bool:
    """Go on with whatever this archive needs, for about so long. True if there is more to do.

    Safe to call at any time and twice at once.
    """
    archive = Archive.objects.select_related("feed").filter(pk=archive_id).first()
    if archive is None or not archive.claim(clock()):
        return False
    if archive.attempt_count > MOST_ATTEMPTS:
        archive.fail(clock(), error=_("It stopped five times at the same item, number %d.") % archive.position)
        return False
    turn = Turn(archive, clock, clock() + timedelta(seconds=seconds))
    works: dict[str, Callable[[Turn], bool]] = {
        Archive.Status.CHECKING: _check,
        Archive.Status.RUNNING: _run,
        Archive.Status.PICTURING: _picture,
        Archive.Status.UNDOING: _undo,
    }
    try:
        while archive.is_working:
            if not works[archive.status](turn):
                archive.release(clock())
                return True
    except TakenAway:
        return False
    except ArchiveError as error:
        archive.fail(clock(), error=str(error))
    return False


def abandoned(now: datetime) -> list[int]:
    """The archives that somebody should have gone on with by now."""
    return list(Archive.objects.abandoned(now).values_list("pk", flat=True))


class Turn:
    """One worker's time with an archive."""

    def __init__(self, archive: Archive, clock: Callable[[], datetime], until: datetime) -> None:
        self.archive, self.clock, self.until = archive, clock, until

    @property
    def is_over(self) -> bool:
        return self.clock() >= self.until

    def renew(self, **values: object) -> None:
        """Write down how far it is and keep the lease. Raises TakenAway."""
        leased_until = self.clock() + LEASE
        mine = Archive.objects.filter(
            pk=self.archive.pk, status=self.archive.status, leased_until=self.archive.leased_until
        )
        if not mine.update(leased_until=leased_until, attempt_count=0, **values):
            raise TakenAway
        for name, value in {"leased_until": leased_until, **values}.items():
            setattr(self.archive, name, value)


# --- looking ----------------------------------------------------------------------------------------------------------
def _check(turn: Turn) -> bool:
    """Count what is in it. A file is read in one go; of a paged feed only the first page."""
    archive, source, counts = turn.archive, Source(), Counter[str]()
    if archive.kind == Archive.Kind.PAGES:
        parsed, url = _page(archive.name, archive)
        candidates.note_source(source, parsed)
        found: Iterable[Candidate] = map(candidates.feed_candidate, parsed.items)
        values: dict[str, object] = {"next_url": url}
    else:
        found, values = candidates.read(archive, files.path_of(archive), source), {}
    for number, candidate in enumerate(found, start=1):
        counts[_kind_of(candidate)] += 1
        if number % 2000 == 0:
            turn.renew()
    if not counts.total():
        raise ArchiveError(_("There is nothing in it."))
    total = 0 if archive.kind == Archive.Kind.PAGES else counts.total()
    forecast = {"title": source.title, "site_url": source.site_url, "feed_url": source.feed_url, **counts}
    turn.renew(forecast=forecast, total_count=total, **values)
    return archive.settle()


def _kind_of(candidate: Candidate) -> str:
    if candidate.kind != candidates.ARTICLE:
        return "pictures" if candidate.kind == candidates.PICTURE else "others"
    if candidate.is_page:
        return "pages"
    return "drafts" if candidate.is_draft else "articles"


# --- articles ---------------------------------------------------------------------------------------------------------
def _run(turn: Turn) -> bool:
    archive = turn.archive
    feed = archive.feed or _made_feed(turn)
    book = rules_for(feed) if feed.removes_boilerplate else None
    setting = Setting(archive, feed, category_map(feed), book, now=turn.clock())
    if archive.kind == Archive.Kind.PAGES:
        is_done = _run_pages(turn, setting)
    else:
        left = islice(candidates.read(archive, files.path_of(archive), Source()), archive.position, None)
        is_done = _take_all(turn, setting, left)
    if is_done:
        turn.renew(position=0)
        archive.go_on_with_pictures()
        files.delete(archive)
    return is_done


def _made_feed(turn: Turn) -> Feed:
    """The feed that the items count as seen in, so that a later poll knows them. It is paused: nobody asked for it."""
    archive = turn.archive
    url = archive.name if archive.kind == Archive.Kind.PAGES else archive.forecast.get("feed_url") or ""
    if not url or len(url) > 1000:
        raise ArchiveError(_("It does not say which feed it belongs to. Start again and choose one."))
    with transaction.atomic():
        feed, is_new = Feed.objects.get_or_create(
            url=url,
            defaults={
                "title": archive.forecast.get("title", "")[:200], "site_url": archive.forecast.get("site_url", ""),
                "status": Feed.Status.PAUSED,
            },
        )  # fmt: skip
        makings = {**archive.makings, "feed": feed.pk} if is_new else archive.makings
        turn.renew(feed=feed, makings=makings)
    return feed


def _take_all(turn: Turn, setting: Setting, left: Iterator[Candidate]) -> bool:
    """Some items to a transaction. True at the end."""
    while chunk := list(islice(left, CHUNK)):
        _take_chunk(turn, setting, chunk)
        if turn.is_over:
            return False
    return True


def _take_chunk(turn: Turn, setting: Setting, chunk: Iterable[Candidate], **values: object) -> None:
    archive, counts = turn.archive, Counter[str](turn.archive.counts)
    setting.made_topics, setting.made_authors = [], []
    with transaction.atomic():
        rows = [_taken(candidate, setting) for candidate in chunk]
        for number, row in enumerate(rows, start=archive.position):
            row.position = number
            counts[row.outcome] += 1
        ArchiveItem.objects.bulk_create(rows)
        made = {"topics": setting.made_topics, "authors": setting.made_authors}
        makings = {**archive.makings, **{name: [*archive.makings.get(name, []), *pks] for name, pks in made.items()}}
        turn.renew(position=archive.position + len(rows), counts=dict(counts), makings=makings, **values)


def _taken(candidate: Candidate, setting: Setting) -> ArchiveItem:
    try:
        with transaction.atomic():
            return take_in(candidate, setting)
    except ITEM_FAULTS:
        logger.exception("archive %s: an item could not be imported", setting.archive.pk)
        reason = _("It could not be saved; the log says why.")
        return ArchiveItem(
            archive=setting.archive, outcome=ArchiveItem.Outcome.REFUSED, label=candidate.label[:200], reason=reason
        )


# --- a feed that goes back page by page -------------------------------------------------------------------------------
def _run_pages(turn: Turn, setting: Setting) -> bool:
    """A page to a transaction. True when there is no older one."""
    archive = turn.archive
    while archive.next_url:
        pages = archive.counts.get("pages", 0) + 1
        if pages > MOST_PAGES:
            raise ArchiveError(_("It has more than %(count)s pages.") % {"count": MOST_PAGES})
        if pages > 1:
            sleep(hosts.PAUSE.total_seconds())
        parsed, url = _page(archive.next_url, archive)
        is_circle = parsed.older_url in {"", url, archive.next_url, archive.name}
        archive.counts = {**archive.counts, "pages": pages}
        chunk = map(candidates.feed_candidate, parsed.items)
        _take_chunk(turn, setting, chunk, next_url="" if is_circle else parsed.older_url)
        if turn.is_over:
            return False
    return True


def _page(url: str, archive: Archive) -> tuple[ParsedFeed, str]:
    """A page of the feed, fetched like any other feed; the first one's address is what a person typed."""
    try:
        fetched = fetch(url, trusted_url=archive.name, limits=feed_limits(), accept=FEED_TYPES)
        return parse(fetched.body, url=fetched.url, content_type=fetched.content_type), fetched.url
    except (FetchError, ParseError) as error:
        raise ArchiveError(f"{url[:200]}: {error}") from error


# --- pictures, and back -----------------------------------------------------------------------------------------------
def _picture(turn: Turn) -> bool:
    is_done = picturing.fetch(turn.archive, renew=turn.renew, is_over=lambda: turn.is_over, clock=turn.clock)
    return is_done and turn.archive.finish(turn.clock())


def _undo(turn: Turn) -> bool:
    while undoing.take_back_some(turn.archive):
        turn.renew()
        if turn.is_over:
            return False
    undoing.take_back_makings(turn.archive)
    files.delete(turn.archive)
    return turn.archive.finish_undoing(turn.clock())
