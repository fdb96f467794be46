"""Ask all feeds that are due: many at a time, each machine one thing at a time, and import what comes.

The threads only fetch and read (``retrieving``); the database is this thread's alone. A server that keeps us waiting
holds one thread of FEED_CONNECTIONS, and the other feeds of the same machine; nobody else waits for it.
"""

from __future__ import annotations

import heapq
import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.conf import settings
from django.utils.translation import gettext as _

from articles.feeds import fetching, hosts, illustrating, importing, parsing, pushing, state
from articles.feeds.fetching import FetchError, pause_asked_for
from articles.feeds.importing import PollOutcome, PollReport
from articles.feeds.retrieving import Question, Retrieved, retrieve
from articles.models import Article, Feed, FeedEntry

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 60.0  # no new feed is asked after that; the next sweep goes on
LOOK_AGAIN_SECONDS = 5.0  # for feeds that became due meanwhile
MOST_AT_ONCE = 5000
RECENT_ARTICLES = 500
EVERYTHING = "*"  # not a machine: whoever claims it is the one sweep


def poll_due(now: datetime) -> Iterator[PollReport]:
    """Poll every feed that is due, unless another sweep does so already."""
    if not hosts.claim(EVERYTHING, now=now, until=now + timedelta(seconds=SWEEP_SECONDS)):
        return
    sweep = _Sweep(now)
    try:
        with ThreadPoolExecutor(settings.FEED_CONNECTIONS, thread_name_prefix="feed") as pool:
            yield from sweep.run(pool)
    finally:
        hosts.release(EVERYTHING, at=sweep.now())


def illustrated(report: PollReport, *, now: datetime) -> PollReport:
    """The report, once the pictures are fetched as well."""
    if not report.is_success:
        return report
    feed = Feed.objects.get(pk=report.feed_id)
    return replace(report, pictures=illustrating.fetch_pictures(feed, wanted=report.wanted_pictures, now=now))


def fetch_pictures(*, feed_id: int, now: datetime) -> None:
    """The pictures of the feed's new articles."""
    for feed in Feed.objects.filter(pk=feed_id):
        illustrating.fetch_pictures(feed, wanted=(), now=now)


def feeds_awaiting_pictures(now: datetime) -> list[int]:
    """Feeds of recent articles whose picture could not be fetched yet."""
    names = ("pk", "picture", "picture_url", "has_lost_picture", "first_seen_at")
    recent = Article.objects.order_by("-pk").values_list(*names)
    waiting = [
        pk
        for pk, picture, url, is_lost, first_seen_at in recent[:RECENT_ARTICLES]
        if url and not picture and not is_lost and first_seen_at > now - illustrating.TRIES_PERIOD
    ]
    return list(FeedEntry.objects.filter(article__in=waiting).values_list("feed_id", flat=True).distinct().order_by())


def fetch_changed_picture(*, article_id: int) -> None:
    """The picture that a feed put in the place of another."""
    for article in Article.objects.filter(pk=article_id).exclude(picture_url=""):
        source = article.entries.select_related("feed").order_by("pk").first()
        illustrating.fetch_picture(article, trusted_url=source.feed.url if source else "")


class _Sweep:
    def __init__(self, now: datetime) -> None:
        self.begun_at = now
        self.started = monotonic()
        self.agent = fetching.user_agent()
        self.seen: set[int] = set()
        self.waiting: dict[str, deque[int]] = {}  # feeds by machine
        self.turns: list[tuple[float, int, str]] = []  # when which machine may be asked: a heap
        self.turn_count = 0
        self.running: dict[Future[Retrieved], tuple[Feed, str]] = {}
        self.looked_at = 0.0
        # long enough for the slowest answer to come in, so that nobody else asks the machine meanwhile
        self.longest = timedelta(seconds=settings.FEED_TIMEOUT_SECONDS + parsing.PARSE_SECONDS + 10)

    def elapsed(self) -> float:
        return monotonic() - self.started

    def now(self) -> datetime:
        return self.begun_at + timedelta(seconds=self.elapsed())

    def run(self, pool: ThreadPoolExecutor) -> Iterator[PollReport]:
        self._look()
        while self.running or (self.turns and self.elapsed() < SWEEP_SECONDS):
            self._start(pool)
            if not self.running:
                self._rest()
                continue
            done, _pending = wait(self.running, timeout=self._patience(), return_when=FIRST_COMPLETED)
            for future in done:
                yield self._finish(future)
            if self.elapsed() - self.looked_at > LOOK_AGAIN_SECONDS:
                self._look()

    # --- what is to be asked ------------------------------------------------------------------------------------------
    def _look(self) -> None:
        self.looked_at = self.elapsed()
        due = Feed.objects.due(self.now()).values_list("pk", "url")[:MOST_AT_ONCE]
        for feed_id, url in due:
            if feed_id in self.seen:
                continue
            self.seen.add(feed_id)
            host = hosts.host_of(url)
            if host not in self.waiting:
                self.waiting[host] = deque()
                self._queue(host, after=0)
            self.waiting[host].append(feed_id)

    def _queue(self, host: str, *, after: float) -> None:
        self.turn_count += 1
        heapq.heappush(self.turns, (self.elapsed() + after, self.turn_count, host))

    def _start(self, pool: ThreadPoolExecutor) -> None:
        while self.turns and len(self.running) < settings.FEED_CONNECTIONS and self.elapsed() < SWEEP_SECONDS:
            if self.turns[0][0] > self.elapsed():
                return
            _at, _turn, host = heapq.heappop(self.turns)
            if not hosts.claim(host, now=self.now(), until=self.now() + self.longest):
                self._queue(host, after=hosts.PAUSE.total_seconds())  # another worker talks to it
                continue
            feed = self._next_feed(host)
            if feed:
                self.running[pool.submit(retrieve, Question.about(feed, agent=self.agent))] = (feed, host)
            else:
                self._leave(host, pause=timedelta(0))

    def _next_feed(self, host: str) -> Feed | None:
        """The machine's next feed that nobody else took."""
        while self.waiting[host]:
            feed = Feed.objects.due(self.now()).filter(pk=self.waiting[host].popleft()).first()
            if feed and feed.claim_poll(self.now()):
                return feed
        return None

    def _leave(self, host: str, *, pause: timedelta) -> None:
        hosts.release(host, at=self.now() + pause)
        if self.waiting[host]:
            self._queue(host, after=pause.total_seconds())
        else:
            del self.waiting[host]

    # --- what came ----------------------------------------------------------------------------------------------------
    def _finish(self, future: Future[Retrieved]) -> PollReport:
        feed, host = self.running.pop(future)
        self._leave(host, pause=self._pause(future))
        try:
            return self._import(feed, future.result())
        except Exception:
            logger.exception("feed %s could not be imported", feed.pk)
        sentence = _("It could not be imported, through a fault of ours; the log says why.")
        state.note_failure(feed, FetchError(sentence), self.now())
        return PollReport(feed.pk, str(feed), feed.url, PollOutcome.FAILED, error=sentence)

    def _import(self, feed: Feed, retrieved: Retrieved) -> PollReport:
        report = importing.take(feed, retrieved, self.now())
        pushing.note_hub(feed, retrieved, self.now())
        return report

    def _pause(self, future: Future[Retrieved]) -> timedelta:
        """How long the machine is left alone; as long as it wants, if it said so."""
        error = future.exception() or future.result().error
        asked_for = timedelta(0)
        if isinstance(error, FetchError):
            asked_for = pause_asked_for(error.retry_after, now=self.now())
        return min(max(asked_for, hosts.PAUSE), hosts.LONGEST_PAUSE)

    # --- patience -----------------------------------------------------------------------------------------------------
    def _patience(self) -> float:
        if self.turns and len(self.running) < settings.FEED_CONNECTIONS:
            return min(max(self.turns[0][0] - self.elapsed(), 0.01), LOOK_AGAIN_SECONDS)
        return LOOK_AGAIN_SECONDS

    def _rest(self) -> None:
        """Until the next machine may be asked."""
        if self.turns:
            sleep(min(max(self.turns[0][0] - self.elapsed(), 0), 1.0))
