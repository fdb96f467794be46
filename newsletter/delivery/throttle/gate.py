"""May this reader's mail go now? What the drain asks before it makes a message, and tells what became of it."""

from __future__ import annotations

import math
import re
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.speeds import SpeedLimit
from newsletter.delivery.throttle import rations
from newsletter.delivery.throttle.buckets import Store, shared_store
from newsletter.delivery.throttle.groups import group_of
from newsletter.delivery.throttle.lanes import Lane

REFRESH_EVERY = 1.0  # seconds, after which a changed limit holds
SLOW_DOWN_EVERY = 10.0  # seconds, so that a halved rate can show whether it helps
MIN_DEFERRED, MIN_SHARE = 5, 0.05  # of a domain's answers, before it is slowed down: one reader may be greylisted
PLACES = 50
LONGEST_LINE = 600.0  # seconds that a reader is put off at most: then a limit may have been raised
_TOO_FAST = re.compile(r"(?:[a-z0-9-]+: )?(?:42[19]|45[0-2]|4\.7\.)|\b4\.7\.\d|\b429\b")


@dataclass(frozen=True, slots=True)
class Wait:
    """Not now. ``of_domain``: only this reader's domain must wait; other readers' mails may go."""

    seconds: float
    of_domain: bool


class Gate:
    """One worker's, for one campaign and turn. Where there is no limit, asking costs a comparison or two."""

    def __init__(
        self,
        campaign: Campaign,
        *,
        clock: Callable[[], datetime],
        seconds_left: Callable[[], float] = lambda: math.inf,
        store: Store | None = None,
    ) -> None:
        self._campaign_pk = campaign.pk
        self._slug = campaign.issue.newsletter.slug
        self._is_urgent = campaign.issue.is_alert
        self._clock = clock
        self._seconds_left = seconds_left
        self._store = store or shared_store()
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._domains: frozenset[str] = frozenset()
        self._refresh_at = 0.0
        self._waiting: Counter[str] = Counter()
        self._places: defaultdict[str, deque[float]] = defaultdict(deque)  # in the line of each domain, taken by us
        self._answers: Counter[tuple[str, bool]] = Counter()
        self._counted_since = time.monotonic()
        self._words: dict[str, str] = {}

    def refresh(self) -> None:
        """One query a second: the limits as they are now."""
        if time.monotonic() < self._refresh_at:
            return
        self._refresh_at = time.monotonic() + REFRESH_EVERY
        self._slow_down()
        now, rates = self._clock(), {}
        for limit in SpeedLimit.objects.in_force():
            if limit.scope == SpeedLimit.Scope.DOMAIN or limit.name == self._slug:
                rates[limit.scope, limit.name] = limit.effective(now)
        for key in [key for key in self._lanes if not rates.get(key)]:
            self._lanes.pop(key).close()
        for key, rate in rates.items():
            if rate:
                self._lane(key, rate).rate = rate
        self._domains = frozenset(name for scope, name in self._lanes if scope == SpeedLimit.Scope.DOMAIN)

    def admit(self, address: str) -> Wait | None:
        """None: it may go, and counts. Otherwise ask again later; ``refresh`` must be called now and then."""
        if not self._lanes:
            return None
        lanes = []
        if self._domains and (domain := _domain(address)) in self._domains:
            lanes.append(self._lanes[SpeedLimit.Scope.DOMAIN, domain])
            if seconds := lanes[0].wait():
                return Wait(seconds, of_domain=True)
        if whole := self._lanes.get((SpeedLimit.Scope.NEWSLETTER, self._slug)):
            lanes.append(whole)
            if seconds := whole.wait():
                return Wait(seconds, of_domain=False)
        for lane in lanes:
            lane.take()
        return None

    def _lane(self, key: tuple[str, str], rate: float) -> Lane:
        if key not in self._lanes:
            self._lanes[key] = Lane(
                self._store, ":".join(key), rate=rate, is_urgent=self._is_urgent, seconds_left=self._seconds_left
            )
        return self._lanes[key]

    def has_room(self, address: str, *, seconds: float) -> bool:
        """May one more reader of this domain wait here? No more than can go in so many seconds."""
        domain = _domain(address)
        self._waiting[domain] += 1
        return self._waiting[domain] <= self._lanes[SpeedLimit.Scope.DOMAIN, domain].rate * seconds

    def place_in_line(self, address: str) -> float:
        """In how many seconds it is this reader's turn: those of a campaign who wait for one domain stand in one line.

        It moves as fast as the limit allows, whoever else is there: what comes due too early is only asked again.
        Places are taken PLACES at a time, for a turn may find thousands before it hands over anything.
        """
        domain = _domain(address)
        rate = self._lanes[SpeedLimit.Scope.DOMAIN, domain].rate
        places = self._places[domain]
        if not places:
            taken = self._store.reserve(
                self._line(domain), rate=rate, count=PLACES, ahead=LONGEST_LINE, is_urgent=False
            )
            if not taken.mails:
                return LONGEST_LINE
            begins_at = time.monotonic() + taken.delay
            places.extend(begins_at + number / rate for number in range(PLACES))
        return min(max(places.popleft() - time.monotonic(), 0.0), LONGEST_LINE)

    def _line(self, domain: str) -> str:
        return f"line:{self._campaign_pk}:{domain}"

    def note(self, outcome: Outcome, address: str) -> None:
        """What a server said: whether it finds us too fast shows in its answers."""
        is_too_fast = outcome.fate == Fate.DEFERRED and bool(_TOO_FAST.search(outcome.response))
        domain = _domain(address)
        self._answers[domain, is_too_fast] += 1
        if is_too_fast:
            self._words[domain] = outcome.response

    def close(self) -> None:
        """Give back what was reserved and not used."""
        self._slow_down()
        for domain, places in self._places.items():
            if places and (lane := self._lanes.get((SpeedLimit.Scope.DOMAIN, domain))):
                self._store.give_back(self._line(domain), seconds=len(places) / lane.rate)
        self._places.clear()
        for lane in self._lanes.values():
            lane.close()
        self._lanes = {}

    def _slow_down(self) -> None:
        elapsed = time.monotonic() - self._counted_since
        for domain, words in self._words.items():
            late, fine = self._answers[domain, True], self._answers[domain, False]
            if late >= MIN_DEFERRED and late >= MIN_SHARE * (late + fine):
                observed = (late + fine) / max(elapsed, 1.0) * settings.SENDERS_PER_CAMPAIGN
                _slow_down(domain, observed=observed, reason=words, now=self._clock())
        if elapsed > SLOW_DOWN_EVERY:
            self._answers.clear()
            self._words.clear()
            self._counted_since = time.monotonic()


def _slow_down(domain: str, *, observed: float, reason: str, now: datetime) -> None:
    limit, _is_new = SpeedLimit.objects.get_or_create(scope=SpeedLimit.Scope.DOMAIN, name=domain)
    if limit.slowed_at is None or (now - limit.slowed_at).total_seconds() >= SLOW_DOWN_EVERY:
        limit.slow_down(observed=observed, reason=reason, now=now)
        rations.note_trouble(f"{domain}: {reason}", now=now)


def _domain(address: str) -> str:
    return group_of(address) or address.rpartition("@")[2].lower()
