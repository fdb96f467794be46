"""Whether the links of issues answer: asked by the worker, under the rules for feeds, and kept for some hours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings

from articles.feeds import fetching
from articles.feeds.fetching import FetchError, Limits
from newsletter.digests import prose
from newsletter.digests.models import Issue, LinkCheck

FRESH, KEPT = timedelta(hours=6), timedelta(days=30)
RETRY = timedelta(minutes=10)  # of what was dead or silent: somebody may be mending it, and the run comes nearer
LEASE = timedelta(minutes=5)  # far longer than AT_ONCE slow servers take
AT_ONCE, SECONDS, MOST_BYTES, LONGEST = 20, 8.0, 4 * 1024 * 1024, 1000
HREF = re.compile(r"href=\"(https?://[^\"]+)\"")
State = LinkCheck.State


def outside(urls: Iterable[str]) -> list[str]:
    """Those that lead to other sites over the web. Ours are known to be there, a reader's own are made at hand-over."""
    ours = urlsplit(settings.SITE_URL).netloc
    found = [url for url in urls if url.startswith(("http://", "https://")) and urlsplit(url).netloc != ours]
    return list(dict.fromkeys(url for url in found if len(url) <= LONGEST))


def known(urls: Collection[str]) -> Mapping[str, LinkCheck]:
    """What was learned about them, by address. One query."""
    return {check.url: check for check in LinkCheck.objects.filter(url__in=urls)}


def ask_for(urls: Collection[str], *, now: datetime) -> int:
    """Let the worker look at those that nobody has looked at for a while. Returns how many.

    What was learned before holds until the new answer is there.
    """
    checks = known(urls)
    new = [LinkCheck(url=url, asked_for_at=now, next_attempt_at=now) for url in urls if url not in checks]
    LinkCheck.objects.bulk_create(new, ignore_conflicts=True)
    old = [check.pk for check in checks.values() if _is_old(check, now)]
    LinkCheck.objects.filter(pk__in=old, next_attempt_at=None).update(next_attempt_at=now, asked_for_at=now)
    return len(new) + len(old)


def ask_for_issues(*, now: datetime) -> int:
    """The links in what editors wrote for the issues that go out next. Returns how many will be looked at."""
    soon = Issue.objects.waiting().filter(send_at__gt=now - timedelta(days=1), send_at__lt=now + timedelta(days=2))
    return sum(ask_for(outside([*written_in(issue.intro), *written_in(issue.body)]), now=now) for issue in soon[:50])


def written_in(text: str) -> list[str]:
    """The addresses that an editor's words lead to."""
    html = prose.to_html(text, max_characters=12_000) if text else ""
    return [url.replace("&amp;", "&") for url in HREF.findall(html)]


def _is_old(check: LinkCheck, now: datetime) -> bool:
    if check.next_attempt_at:
        return False
    return check.checked_at is None or check.checked_at < now - (FRESH if check.state == State.ALIVE else RETRY)


def check_waiting(*, now: datetime) -> int:
    """Ask the links that wait, some at a time; forget what no issue contains any more. Returns how many were asked.

    Of several workers exactly one asks a link; what it could not settle is asked again after LEASE.
    """
    LinkCheck.objects.filter(asked_for_at__lt=now - KEPT).delete()
    waiting = LinkCheck.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at", "pk")
    claimed = [check for check in list(waiting[:AT_ONCE]) if check.claim(now, until=now + LEASE)]
    for check in claimed:
        check.state, check.detail = _verdict(check.url)
        check.checked_at, check.next_attempt_at = now, None
        check.save(update_fields=["state", "detail", "checked_at", "next_attempt_at"])
    return len(claimed)


def _verdict(url: str) -> tuple[str, str]:
    """Dead is only what says so itself; a server that is slow, or that keeps machines out, leaves it open."""
    try:
        fetching.fetch(url, trusted_url="", limits=Limits(SECONDS, MOST_BYTES))
    except FetchError as error:
        return (State.DEAD if error.status in {404, 410} else State.UNSURE), str(error)[:300]
    return State.ALIVE, ""
