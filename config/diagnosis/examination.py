"""Everything that the doctor looks at, in the order in which a person would."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from config.diagnosis import configuration, machinery, mails, newsletters
from config.diagnosis.finding import Finding


def examine(*, now: datetime) -> Iterator[Finding]:
    yield from machinery.database()
    yield from machinery.broker()
    yield from machinery.workers(now=now)
    yield from machinery.work(now=now)
    yield from machinery.disk()
    yield from machinery.time_zones(now=now)
    yield from machinery.user()
    yield from configuration.site()
    yield from configuration.secrets()
    yield from configuration.mailers()
    yield from configuration.transports(now=now)
    yield from mails.templates()
    yield from newsletters.sign_ups()
    yield from newsletters.newsletters()
