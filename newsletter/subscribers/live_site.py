"""May this installation mail? A copy of the live site's database, or an older state of it, mails nobody by itself.

A copy would mail all readers once more, and a restored backup has forgotten whom it mailed since. The database says of
which host it is, and every minute until when it has lived; the broker and the data directory keep the same moment. So a
database that wakes up under another SITE_URL is a copy, and one that is older than what is known outside is a backup.
Both hold all mail back until a person says that this is the live site now. All that is of no interest where no mail
leaves (the built-in mailbox), and while a site is tried out under the name of the machine itself.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.cache import cache
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from newsletter.lib.dates import day_and_hour
from newsletter.subscribers.models import LiveSite

logger = logging.getLogger(__name__)

CACHE_KEY = "lived_until"
FILE = "lived-until"
EVERY = timedelta(minutes=1)
TOLERANCE = timedelta(minutes=3)  # what a fail-over or a power cut may cost
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why no mail goes out: the database is at home at ``home``, or has forgotten what happened since ``since``."""

    home: str
    host: str
    since: datetime
    until: datetime | None  # of what is forgotten; None: it is a copy

    @property
    def title(self) -> str:
        if self.until is None:
            return _("This is a copy of %(home)s: it mails nobody.") % {"home": self.home}
        return _("This is an older state of the database: it mails nobody.")

    @property
    def detail(self) -> str:
        if self.until is None:
            told = _(
                "The database is that of %(home)s, and SITE_URL says %(host)s. Mail waits until you say which it is."
            )
            return told % {"home": self.home, "host": self.host}
        told = _("It knows nothing of what was sent between %(since)s and %(until)s. Mail waits until you have looked.")
        zone = settings.TIME_ZONE
        return told % {"since": day_and_hour(self.since, zone), "until": day_and_hour(self.until, zone)}


def doubt() -> Doubt | None:
    """Why this installation must not mail; None if it may. One query."""
    if _keeps_its_mail():
        return None
    outside = _known_outside()  # before the row, which is always written first
    site = LiveSite.objects.first()
    if site is None:
        return None
    if site.host != _host():
        return Doubt(site.host, _host(), site.lived_until, None)
    forgotten = max(filter(None, [site.forgotten_until, outside]), default=None)
    if forgotten and (site.forgotten_until or forgotten > site.lived_until + TOLERANCE):
        return Doubt(site.host, _host(), site.lived_until, forgotten)
    return None


def why_no_mail() -> str:
    """In a sentence or two; empty if mail may go."""
    found = doubt()
    return f"{found.title} {found.detail}" if found else ""


def note_life(*, now: datetime) -> None:
    """Say that the live site lives, about once a minute. The first time, that it is here."""
    found = doubt()
    if found and found.until:
        LiveSite.objects.update(forgotten_until=found.until)
    if found or _keeps_its_mail() or _host() in _THIS_MACHINE:
        return
    site = LiveSite.objects.first() or LiveSite(host=_host(), lived_until=now - EVERY)
    if now < site.lived_until + EVERY and _known_outside():
        return
    _keep(site, now=now)


def confirm(*, now: datetime) -> bool:
    """A person says: this is the live site now. False if nobody doubted it."""
    if doubt() is None:
        return False
    site = LiveSite.objects.get()
    site.host, site.forgotten_until = _host(), None
    _keep(site, now=now)
    return True


def _keep(site: LiveSite, *, now: datetime) -> None:
    """First in the database, then outside, and never earlier than before: the clock may have been set back."""
    site.lived_until = max(filter(None, [now, site.lived_until, _known_outside()]))
    site.save()
    cache.set(CACHE_KEY, site.lived_until, timeout=None)
    draft = _file().with_suffix(".new")
    try:
        draft.write_text(site.lived_until.isoformat())
        draft.replace(_file())
    except OSError as error:
        logger.warning("%s cannot be written: %s", _file(), error.strerror)


def _known_outside() -> datetime | None:
    """Until when the live site has lived, as far as this machine and the broker know."""
    known: list[datetime] = []
    try:
        if moment := cache.get(CACHE_KEY):
            known.append(moment)
    except redis.RedisError:
        pass  # then it is not known there
    try:
        if moment := parse_datetime(_file().read_text()):
            known.append(moment)
    except (OSError, ValueError):
        pass
    return max(known, default=None)


def _file() -> Path:
    return Path(settings.DATA_DIR) / FILE


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""


def _keeps_its_mail() -> bool:
    return all(entry["BACKEND"] == settings.MAILBOX_BACKEND for entry in settings.MAILERS.values())
