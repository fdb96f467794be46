"""What is at an address that somebody typed: a feed, or a site whose feeds can be found. Saves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from urllib.parse import urljoin

from django.utils.translation import gettext as _

from articles.feeds import fetching
from articles.feeds.fetching import FetchError, Limits
from articles.feeds.parsing import NamedFeed, ParsedFeed, ParseError, parse

USUAL_PLACES = ("feed/", "rss", "feed.xml", "rss.xml", "atom.xml", "index.xml", "feed.json")
SECONDS = 25.0  # for all of it: somebody waits


@dataclass(frozen=True)
class Finding:
    """A feed with what it has now; or several to choose from; or why there is none, in words."""

    url: str
    parsed: ParsedFeed | None = None
    choices: tuple[NamedFeed, ...] = ()
    error: str = ""


def look_at(typed: str) -> Finding:
    """Never raises for what is there or is not."""
    url = typed.strip()
    if url and "://" not in url:
        url = f"https://{url}"
    deadline = monotonic() + SECONDS
    try:
        return _feed_at(url, trusted_url=url, deadline=deadline)
    except ParseError as error:
        if error.named_feeds:
            return _chosen(error.named_feeds, typed=url, deadline=deadline)
        return _usual(url, reason=str(error), deadline=deadline)
    except FetchError as error:
        return Finding(url, error=str(error))


def _feed_at(url: str, *, trusted_url: str, deadline: float) -> Finding:
    """Raises FetchError, ParseError."""
    limits = fetching.feed_limits()
    seconds = min(limits.seconds, deadline - monotonic())
    if seconds <= 0:
        raise FetchError(_("The server took too long to answer."))
    fetched = fetching.fetch(
        url, trusted_url=trusted_url, limits=Limits(seconds, limits.max_bytes), accept=fetching.FEED_TYPES
    )
    parsed = parse(fetched.body, url=fetched.url, content_type=fetched.content_type)
    return Finding(fetched.moved_to or url, parsed)


def _chosen(named: tuple[NamedFeed, ...], *, typed: str, deadline: float) -> Finding:
    """The feed that the page names, if it is one; otherwise a person chooses."""
    if len(named) > 1:
        return Finding(typed, choices=named)
    try:
        return _feed_at(named[0].url, trusted_url=typed, deadline=deadline)
    except (FetchError, ParseError) as error:
        return Finding(named[0].url, error=str(error))


def _usual(page: str, *, reason: str, deadline: float) -> Finding:
    """A feed in one of the places where feeds lie, if the page names none."""
    base = page if page.endswith("/") else page + "/"
    for place in USUAL_PLACES:
        for url in dict.fromkeys((urljoin(base, place), urljoin(page, f"/{place}"))):
            try:
                return _feed_at(url, trusted_url=page, deadline=deadline)
            except (FetchError, ParseError):
                continue
    return Finding(page, error=reason)
