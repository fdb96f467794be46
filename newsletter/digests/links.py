"""Whether the links of issues answer: asked by the worker, under the rules for feeds, and kept for some hours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q, QuerySet

from articles.feeds import fetching
from articles.feeds.fetching import FetchError, Limits
from newsletter.digests import prose
from newsletter.digests.models import Issue, LinkCheck

FRESH, KEPT = timedelta(hours=6), timedelta(days=30)
RETRY_UNSURE = timedelta(minutes=10)
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
    """Let the worker look at those that nobody has looked at for a while. Returns how many."""
    checks = known(urls)
    new = [LinkCheck(url=url, asked_for_at=now) for url in urls if url not in checks]
    LinkCheck.objects.bulk_create(new, ignore_conflicts=True)
    old = [check.pk for check in checks.values() if _is_old(check, now)]
    LinkCheck.objects.filter(pk__in=old).update(state=State.WAITING, asked_for_at=now)
    return len(new) + len(old)


def ask_for_issues(*, now: datetime) -> int:
    """The links in what editors wrote for the issues that go out next. Returns how many will be looked at."""
    soon = Issue.objects.waiting().filter(send_at__gt=now - timedelta(days=1), send_at__lt=now + timedelta(days=2))
    return sum(ask_for(outside(_written(issue)), now=now) for issue in soon[:50])


def _written(issue: Issue) -> list[str]:
    texts = [prose.to_html(text, max_characters=12_000) for text in (issue.intro, issue.body) if text]
    return [url.replace("&amp;", "&") for text in texts for url in HREF.findall(text)]


def _is_old(check: LinkCheck, now: datetime) -> bool:
    if check.state == State.WAITING or check.checked_at is None:
        return False
    return check.checked_at < now - (RETRY_UNSURE if check.state == State.UNSURE else FRESH)


def check_waiting(*, now: datetime) -> int:
    """Ask the links that wait, some at a time; forget what no issue contains any more. Returns how many were asked."""
    LinkCheck.objects.filter(asked_for_at__lt=now - KEPT).delete()
    waiting = list(_waiting()[:AT_ONCE])
    for check in waiting:
        check.state, check.detail = _verdict(check.url)
        check.checked_at = now
        check.save(update_fields=["state", "detail", "checked_at"])
    return len(waiting)


def _waiting() -> QuerySet[LinkCheck]:
    return LinkCheck.objects.filter(Q(state=State.WAITING)).order_by("asked_for_at", "pk")


def _verdict(url: str) -> tuple[str, str]:
    """Dead is only what says so itself; a server that is slow, or that keeps machines out, leaves it open."""
    try:
        fetching.fetch(url, trusted_url="", limits=Limits(SECONDS, MOST_BYTES))
    except FetchError as error:
        return (State.DEAD if error.status in {404, 410} else State.UNSURE), str(error)[:300]
    return State.ALIVE, ""
