"""The whole text of articles whose feed has only teasers: found on each article's own page.

The page is fetched under the same rules as the feed, read in a process of its own under limits, cleaned and tidied, and
taken only if it says more than the teaser. What an editor wrote stays. The feed's summary stays, too.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic, sleep

from django.db import transaction

from articles import body_pictures
from articles.boilerplate import tidy
from articles.feeds import hosts
from articles.feeds.fetching import FetchError, Limits, fetch
from articles.feeds.fingerprints import Fingerprint, part
from articles.feeds.parsing import ParsedItem
from articles.feeds.readers import ReaderFailed, Readers
from articles.feeds.tidying import rules_for
from articles.models import Article, Feed, FeedEntry
from articles.sanitizing import plain_text

logger = logging.getLogger(__name__)

LIMITS = Limits(seconds=15, max_bytes=5 * 1024 * 1024)
PAGE_TYPES = "text/html, application/xhtml+xml;q=0.9"
READ_SECONDS = 15
READ_MEGABYTES = 1024
SECONDS_PER_TURN = 60.0  # what remains is fetched in the next one
MAX_PER_TURN = 40
PAUSES = (timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=3))  # after a try that failed for now
LEASE = timedelta(minutes=5)
MORE = 1.2  # so many times longer than the teaser a text must be

_READERS = Readers("articles.feeds.page_reading")


@dataclass(frozen=True)
class Extract:
    """What a page says, clean HTML; "" if no text was found."""

    body_html: str


def is_wanted(feed: Feed, item: ParsedItem) -> bool:
    return feed.extracts_full_text and bool(item.link)


def extract(page: bytes, *, url: str) -> Extract:
    """The text of a web page. Takes READ_SECONDS at most, whatever the page is; "" if it cannot be read."""
    if not page.strip():
        return Extract("")
    try:
        result = _READERS.read(
            page, url=url, content_type="", seconds=READ_SECONDS, megabytes=READ_MEGABYTES, max_items=0
        )
    except ReaderFailed:
        return Extract("")
    return Extract(str(result["body_html"]))


def fetch_due(*, now: datetime, feed: Feed | None = None) -> int:
    """Fetch what is due, of this feed or of all, as far as the time of a turn goes. Returns how many texts came."""
    deadline = monotonic() + SECONDS_PER_TURN
    due = FeedEntry.objects.filter(extract_at__lte=now).select_related("feed", "article").order_by("extract_at", "pk")
    if feed:
        due = due.filter(feed=feed)
    count, asked = 0, set[str]()
    for entry in due[:MAX_PER_TURN]:
        if monotonic() > deadline:
            break
        if not FeedEntry.objects.filter(pk=entry.pk, extract_at=entry.extract_at).update(extract_at=now + LEASE):
            continue  # another worker has it
        host = hosts.host_of(entry.article.canonical_url)
        if host in asked:
            sleep(hosts.PAUSE.total_seconds())
        asked.add(host)
        count += _complete(entry, now)
    return count


def _complete(entry: FeedEntry, now: datetime) -> bool:
    article = entry.article
    try:
        fetched = fetch(article.canonical_url, trusted_url=entry.feed.url, limits=LIMITS, accept=PAGE_TYPES)
    except FetchError as error:
        logger.info("no full text for article %s: %s", article.pk, error)
        _note(entry, tried_at=now, is_final=error.is_final)
        return False
    body = extract(fetched.body, url=fetched.url).body_html if _is_page(fetched.content_type) else ""
    if entry.feed.removes_boilerplate:
        body = tidy(body, rules_for(entry.feed)).html
    is_taken = _take(entry, body, now) if body else False
    _note(entry, tried_at=now, is_final=True)
    return is_taken


def _is_page(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind in {"", "text/html", "application/xhtml+xml", "application/xml", "text/xml"}


def _take(entry: FeedEntry, body: str, now: datetime) -> bool:
    """Give the article this text, unless an editor changed it or the feed's own says more."""
    with transaction.atomic():
        article = Article.objects.select_for_update().get(pk=entry.article_id)
        entry.refresh_from_db()
        is_untouched = part(article.body) in {Fingerprint.parse(entry.fingerprint).body, entry.extracted_part}
        is_again = bool(entry.extracted_part)
        if not is_untouched or not (is_again or len(plain_text(body)) > MORE * len(plain_text(article.body))):
            return False
        article.body = body
        article.save(update_fields=["body", "updated_at"])
        entry.extracted_part = part(body)
        entry.save(update_fields=["extracted_part"])
        body_pictures.note(article, now=now)
    return True


def _note(entry: FeedEntry, *, tried_at: datetime, is_final: bool) -> None:
    count = entry.extract_count + 1
    again = None if is_final or count > len(PAUSES) else tried_at + PAUSES[count - 1]
    FeedEntry.objects.filter(pk=entry.pk).update(extract_at=again, extract_count=count)
