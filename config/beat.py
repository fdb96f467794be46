"""Celery's beat, for a machine whose clock may be set back."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery.beat import PersistentScheduler

logger = logging.getLogger(__name__)
SLEW = 1.0  # seconds that a clock may be set back without a word: they are waited for


class SteadyScheduler(PersistentScheduler):
    """Rings as often as ever after the clock was set back. Celery's own would wait until it is as late as it was."""

    _seen_at = 0.0

    def tick(self, *args: Any, **kwargs: Any) -> float:
        now = time.time()
        if now < self._seen_at - SLEW:
            logger.warning("the clock was set back by %.0f seconds", self._seen_at - now)
            self._heap = None  # so that it is made anew, below
        self._seen_at = now
        return float(super().tick(*args, **kwargs))

    def populate_heap(self, *args: Any, **kwargs: Any) -> None:
        """Also when beat begins: what is kept of the time before may be of a clock that was fast."""
        for entry in self.schedule.values():
            now = entry.default_now()
            if entry.last_run_at and entry.last_run_at > now:
                entry.last_run_at = now
        super().populate_heap(*args, **kwargs)
