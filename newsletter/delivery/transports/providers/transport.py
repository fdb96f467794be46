"""A provider's API as a transport: batches, several calls at a time, and a verdict on every call that went wrong."""

from __future__ import annotations

import itertools
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.base import ASK_AGAIN_SECONDS
from newsletter.delivery.transports.providers.abilities import abilities_of
from newsletter.delivery.transports.providers.calling import Caller, Kind, Result
from newsletter.delivery.transports.providers.calls import Calls
from newsletter.delivery.transports.providers.sorting import Batch, Sorter
from newsletter.lib.addresses import without_address

CONNECTIONS = 4
# As many in a row are no reader's fault: the provider is ill, or refuses us.
MAX_FAILURES, MAX_RECIPIENT_REFUSALS = 3, 10
# A provider that asks for less patience than this is waited for; one that asks for more, or again and again, is down.
PATIENCE_SECONDS, MAX_WAITS = 2.0, 5
PATIENCE_IN_ALL_SECONDS = 4.0  # with one call: that its readers want it was asked before
# While something waits here the messages are asked so often whether there are more: they end when a person has stopped
# the campaign. What is not begun so soon afterwards goes back to the queue.
ASK_SECONDS, AFTERWARDS_SECONDS = 0.25, 0.75
# How often a call whose outcome is unknown is made again at once, where its idempotency key makes that harmless.
MAX_REPEATS = 2
SHRINK = 10  # after a call that failed batches are so much smaller, until one succeeds: fewer readers are in doubt

_failed: set[int] = set()  # hashes of the settings that this process left failing: they are tried with one reader

_TAKEN_BEFORE = re.compile(r"duplicate|idempoten|already", re.IGNORECASE)
_CONFLICT = "409"


@dataclass(frozen=True, slots=True)
class Job:
    """A call to be made, and how often the same was tried."""

    batch: Batch
    waits: int = 0
    repeats: int = 0
    made_at: float = field(default_factory=time.monotonic)
    put_off_at: float | None = None  # for the first time


class ProviderTransport:
    """A Transport over the mailer with this name in MAILERS. Raises SenderRefusedError if that is not set up."""

    def __init__(self, mailer: str) -> None:
        entry: dict[str, Any] = settings.MAILERS[mailer]
        sending = entry.get("SENDING", {})
        self._abilities = abilities = abilities_of(entry["BACKEND"])
        Caller(mailer, abilities)  # raises now what is wrong with the settings
        self._connections = sending.get("connections", CONNECTIONS)
        self._full_size = min(abilities.batch_size, sending.get("batch", abilities.batch_size))
        self._calls = Calls(lambda: Caller(mailer, abilities), connections=self._connections)
        self._settings = hash(repr(entry))
        is_doubtful = self._settings in _failed
        self._sorter = Sorter(abilities, batch_size=1 if is_doubtful else self._full_size)
        self._health = Health()
        self._jobs: deque[Job] = deque()
        self._under_way: dict[int, Job] = {}
        self._tokens = itertools.count()
        self._limit: int = 1 if is_doubtful else self._connections
        self._not_before = 0.0
        self._asked_at = 0.0
        self._ended_at: float | None = None
        self._stop_at: float | None = None
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calls.close()

    def stop(self, *, grace: float) -> None:
        self._stop_at = time.monotonic() + grace

    def deliver(self, messages: Iterable[Outgoing | None]) -> Iterator[Outcome]:
        source, self._ended_at, self._error = iter(messages), None, None
        while True:
            if self._ended_at is None and (self._is_ending or not self._draw(source)):
                self._ended_at = time.monotonic()
            yield from self._give_back()
            self._start()
            if not (self._ended_at is None or self._jobs or self._under_way):
                break
            if self._stop_at is not None and time.monotonic() >= self._stop_at:
                yield from self._abandon()
            elif finished := self._calls.finished(ASK_AGAIN_SECONDS):
                token, result = finished
                if job := self._under_way.pop(token, None):
                    yield from self._judge(job, result)
        if self._error:
            raise self._error

    @property
    def _is_ending(self) -> bool:
        return self._error is not None or self._stop_at is not None

    def _draw(self, source: Iterator[Outgoing | None]) -> bool:
        """Draw until as many calls are under way as may be, or nothing right now. False: nothing will come.

        Hardly further: what was drawn when the machine dies is in doubt.
        """
        while self._has_room or self._must_ask:
            try:
                message = next(source)
            except StopIteration:
                self._jobs.extend(Job(batch) for batch in self._sorter.flush())
                return False
            except Exception as error:  # noqa: BLE001 (raised by deliver when all that is under way is answered)
                self._end(error)
                return False
            self._asked_at = time.monotonic()
            if self._is_ending:
                return False
            if message:
                self._jobs.extend(Job(batch) for batch in self._sorter.add(message))
            elif self._has_room:
                self._jobs.extend(Job(batch) for batch in self._sorter.flush(only_old=True))
            self._start()
            if message is None:
                return True
        return True

    @property
    def _has_room(self) -> bool:
        return len(self._jobs) + len(self._under_way) < self._limit

    @property
    def _must_ask(self) -> bool:
        return bool(self._jobs or self._sorter) and time.monotonic() >= self._asked_at + ASK_SECONDS

    def _start(self) -> None:
        """Begin as many calls as may be under way."""
        if self._is_ending or time.monotonic() < self._not_before:
            return
        while self._jobs and len(self._under_way) < self._limit:
            token, job = next(self._tokens), self._jobs.popleft()
            self._under_way[token] = job
            self._calls.start(token, job.batch)

    def _abandon(self) -> Iterator[Outcome]:
        """Time is up: whatever is under way may have been taken."""
        for job in self._under_way.values():
            yield from _outcomes(job.batch, Fate.UNKNOWN, "stopped before the provider answered")
        self._under_way.clear()

    def _give_back(self) -> Iterator[Outcome]:
        """What is not begun any more goes back to the queue, where campaign and consent are asked anew."""
        if self._is_ending:
            self._sorter.flush()
        jobs, self._jobs = self._jobs, deque()
        for job in jobs:
            if self._may_begin(job):
                self._jobs.append(job)
            else:
                yield from self._let_go(job)

    def _may_begin(self, job: Job) -> bool:
        if self._is_ending or self._ended_at is None or job.repeats or job.batch[0].letter is None:
            return not self._is_ending  # without a letter it is a test, and no campaign's
        return not job.waits and time.monotonic() < max(self._ended_at, job.made_at) + AFTERWARDS_SECONDS

    def _let_go(self, job: Job) -> Iterator[Outcome]:
        """It is not made, or not again: then whoever was in it before may have the mail."""
        if job.repeats:
            yield from _outcomes(job.batch, Fate.UNKNOWN, "its answer was lost")

    def _judge(self, job: Job, result: Result) -> Iterator[Outcome]:
        match result.kind:
            case Kind.SETTLED:
                yield from self._settle(result)
            case Kind.NOT_NOW:
                yield from self._wait(job, result)
            case Kind.NOT_REACHED | Kind.NOT_YOU | Kind.NOT_MADE:
                yield from self._let_go(job)
                self._end(_verdict(result))
            case Kind.REJECTED:
                yield from self._rejected(job, result)
            case Kind.LOST:
                yield from self._doubtful(job, result)
            case Kind.BROKEN:
                yield from _outcomes(job.batch, Fate.UNKNOWN, result.words)
                self._end(result.error)

    def _settle(self, result: Result) -> Iterator[Outcome]:
        """Every mail has its outcome. Where none was accepted, only as many as show that it is not the readers."""
        if any(outcome.fate == Fate.ACCEPTED for outcome in result.outcomes):
            self._recover()
            yield from result.outcomes
            return
        for outcome in result.outcomes:
            if self._error and outcome.fate == Fate.REFUSED:
                continue  # it was not taken: it goes back to the queue
            yield outcome
            if outcome.fate == Fate.REFUSED:
                self._end(self._health.refused(outcome.response, is_ours=outcome.send_pk in result.ours))
            elif outcome.fate == Fate.UNKNOWN:
                self._end(self._health.failed(outcome.response))

    def _recover(self) -> None:
        self._health = Health()
        _failed.discard(self._settings)
        self._sorter.batch_size = min(self._full_size, self._sorter.batch_size * SHRINK)
        self._limit = min(self._connections, self._limit + 1)

    def _wait(self, job: Job, result: Result) -> Iterator[Outcome]:
        """The provider asks for patience: fewer calls at a time from now on, this one again after a while."""
        pause = PATIENCE_SECONDS * 2.0 ** (job.waits - 2) if result.retry_after is None else result.retry_after
        now = time.monotonic()
        since = now if job.put_off_at is None else job.put_off_at
        in_all = now + pause - since
        if pause > PATIENCE_SECONDS or in_all > PATIENCE_IN_ALL_SECONDS or job.waits >= MAX_WAITS:
            yield from self._let_go(job)
            self._end(TransportDownError(result.words, retry_after=result.retry_after))
            return
        self._limit = max(1, self._limit // 2)
        self._again(replace(job, waits=job.waits + 1, put_off_at=since), pause)

    def _rejected(self, job: Job, result: Result) -> Iterator[Outcome]:
        """Something in the call is wrong: of many readers one may be the reason, so it is looked for."""
        if job.repeats and _TAKEN_BEFORE.search(result.words):
            yield from _outcomes(job.batch, Fate.ACCEPTED, "taken before; its answer was lost")
        elif job.repeats and _CONFLICT in result.words:
            yield from self._doubtful(job, result)
        elif len(job.batch) > 1:
            self._jobs.extendleft(reversed([Job(part) for part in _parts(job.batch, result.named)]))
        elif not self._error:
            yield from _outcomes(job.batch, Fate.REFUSED, result.words)
            is_ours = not result.named
            self._end(self._health.refused(result.words, is_ours=is_ours))

    def _doubtful(self, job: Job, result: Result) -> Iterator[Outcome]:
        """It may have been taken. With an idempotency key it may be asked again without harm."""
        has_key = self._abilities.idempotency_header or self._abilities.idempotency_field
        if has_key and job.repeats < MAX_REPEATS and not self._is_ending:
            self._again(replace(job, repeats=job.repeats + 1), 0.5 * 2**job.repeats)
            return
        yield from _outcomes(job.batch, Fate.UNKNOWN, result.words)
        _failed.add(self._settings)
        self._sorter.batch_size = max(1, self._sorter.batch_size // SHRINK)
        self._end(self._health.failed(result.words))

    def _again(self, job: Job, seconds: float) -> None:
        self._not_before = time.monotonic() + seconds
        self._jobs.appendleft(job)

    def _end(self, error: BaseException | None) -> None:
        """Begin nothing more; what is under way is waited for. The first error is the one that is told."""
        self._error = self._error or error


class Health:
    """How the provider has treated us since it last accepted a mail."""

    def __init__(self) -> None:
        self._failures = self._recipient_refusals = 0
        self._is_refused = False

    def failed(self, words: str) -> Exception | None:
        """The error that ends the sending, once there are too many."""
        self._failures += 1
        return self._verdict(words)

    def refused(self, words: str, *, is_ours: bool) -> Exception | None:
        """``is_ours``: of us or of what we send, not of the reader."""
        if is_ours:
            self._failures += 1
            self._is_refused = True
        else:
            self._recipient_refusals += 1
        return self._verdict(words)

    def _verdict(self, words: str) -> Exception | None:
        if self._recipient_refusals >= MAX_RECIPIENT_REFUSALS:
            return SenderRefusedError(words)
        if self._failures < MAX_FAILURES:
            return None
        return SenderRefusedError(words) if self._is_refused else TransportDownError(words)


def _parts(batch: Batch, named: frozenset[str]) -> list[Batch]:
    """The batch without the readers whom the provider names, and these one by one; its halves if it names nobody."""
    others = [message for message in batch if message.recipient.lower() not in named]
    if others and len(others) < len(batch):
        return [others, *([message] for message in batch if message.recipient.lower() in named)]
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]


def _verdict(result: Result) -> BaseException:
    """The error that ends the sending, of a call of which nothing was taken."""
    if result.error:
        return result.error
    return TransportDownError(result.words) if result.kind == Kind.NOT_REACHED else SenderRefusedError(result.words)


def _outcomes(batch: Batch, fate: Fate, words: str) -> Iterator[Outcome]:
    for message in batch:
        yield Outcome(message.send_pk, fate, without_address(words, message.recipient))
