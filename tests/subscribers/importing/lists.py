"""Lists for tests, brought in as a worker does it."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

from newsletter.subscribers.importing import running, starting
from newsletter.subscribers.models import ImportRun
from tests.factories import NOW


def uploaded(content: str | bytes, *, name: str = "list.csv", **fields: Any) -> ImportRun:
    """Taken in; nobody has looked at its rows yet."""
    upload = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    return starting.begin(upload=upload, name=name, now=NOW, **fields)


def worked(run: ImportRun, *, clock: Callable[[], datetime] = lambda: NOW) -> ImportRun:
    """As far as workers take it."""
    while running.advance(import_run_id=run.pk, clock=clock):
        pass
    run.refresh_from_db()
    return run


def bring_in(content: str | bytes, **fields: Any) -> ImportRun:
    """Uploaded, looked at, started and run to its end."""
    run = worked(uploaded(content, **fields))
    assert run.start(NOW), (run.status, run.questions, run.error)
    return worked(run)
