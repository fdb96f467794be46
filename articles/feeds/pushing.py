"""News that hubs push to us (WebSub, W3C Recommendation of 2018), so that it is here within a minute.

A feed that names a hub is subscribed to when it is polled. What the hub delivers counts only if it is signed with our
secret. Polling goes on as ever, so that a hub which fails costs nothing but the minute.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urljoin, urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from articles.feeds import fetching, importing, network, parsing, state
from articles.feeds.fetching import FetchError, Limits
from articles.feeds.parsing import ParseError
from articles.feeds.retrieving import Retrieved
from articles.models import Feed, PushDelivery, PushSubscription

logger = logging.getLogger(__name__)

LIMITS = Limits(seconds=10, max_bytes=0)
WANTED_LEASE = timedelta(days=10)
LEASES = timedelta(minutes=5), timedelta(days=30)
ANSWER_WITHIN = timedelta(minutes=10)  # a hub that has not confirmed by then is asked again
MOST_FAILURES = 6
REFUSED_FOR = timedelta(days=7)
MAX_DELIVERY_BYTES = 4 * 1024 * 1024
MOST_WAITING = 20  # deliveries of one feed; if there are more, the feed is polled instead
METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})  # hubs still sign with SHA-1, which is sound in an HMAC

_LINK = re.compile(r"<([^<>]{1,1000})>([^<>]{0,500})")
_REL = re.compile(r"""\brel\s*=\s*["']?([^"';,]{1,100})""", re.IGNORECASE)


# --- asking hubs ------------------------------------------------------------------------------------------------------
def note_hub(feed: Feed, retrieved: Retrieved, now: datetime) -> None:
    """Subscribe if the feed names a hub that could reach us; end it if it names none any more."""
    if retrieved.parsed is None or retrieved.fetched is None:
        return
    links = header_links(retrieved.fetched.link_header, retrieved.fetched.url)
    hub_url = links.get("hub") or retrieved.parsed.hub_url
    topic_url = links.get("self") or retrieved.parsed.self_url or feed.url
    subscription = PushSubscription.objects.filter(feed=feed).first()
    if not hub_url or max(len(hub_url), len(topic_url)) > 1000 or not is_reachable():
        end(feed, now)
    elif subscription is None:
        PushSubscription.objects.create(feed=feed, hub_url=hub_url, topic_url=topic_url, next_request_at=now)
    elif (subscription.hub_url, subscription.topic_url) != (hub_url, topic_url) or _is_ending(subscription):
        subscription.hub_url, subscription.topic_url = hub_url, topic_url
        subscription.status, subscription.failure_count = PushSubscription.Status.ASKED, 0
        subscription.next_request_at = now
        subscription.save(update_fields=["hub_url", "topic_url", "status", "failure_count", "next_request_at"])


def is_reachable() -> bool:
    """Whether a hub out there could reach this site at all."""
    return not network.looks_local(urlsplit(settings.SITE_URL).hostname or "")


def header_links(header: str, url: str) -> dict[str, str]:
    """The addresses in a Link header (RFC 8288) by their relation."""
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(header[:8000]):
        relation = _REL.search(parameters)
        for name in relation.group(1).lower().split() if relation else ():
            address = _joined(url, target)
            if address.startswith(("http://", "https://")):
                found.setdefault(name, address)
    return found


def end(feed: Feed, now: datetime) -> None:
    """Let the hub be told that we want nothing more of this feed."""
    PushSubscription.objects.filter(feed=feed).exclude(status=PushSubscription.Status.ENDING).update(
        status=PushSubscription.Status.ENDING, failure_count=0, next_request_at=now
    )


def ask_hubs(now: datetime) -> int:
    """Ask every hub that is to be asked now. Returns how many were asked."""
    due = list(PushSubscription.objects.due(now).select_related("feed")[:200])
    for subscription in due:
        claimed = PushSubscription.objects.filter(pk=subscription.pk, next_request_at=subscription.next_request_at)
        if claimed.update(next_request_at=now + ANSWER_WITHIN):
            _ask(subscription, now)
    return len(due)


def callback_url(subscription: PushSubscription) -> str:
    return settings.SITE_URL + reverse("articles:push", kwargs={"token": subscription.token})


def _ask(subscription: PushSubscription, now: datetime) -> None:
    fields = {
        "hub.callback": callback_url(subscription),
        "hub.mode": "unsubscribe" if _is_ending(subscription) else "subscribe",
        "hub.topic": subscription.topic_url,
        "hub.secret": subscription.secret,
        "hub.lease_seconds": str(int(WANTED_LEASE.total_seconds())),
    }
    try:
        status = fetching.post_form(subscription.hub_url, fields, trusted_url=subscription.feed.url, limits=LIMITS)
        problem = "" if 200 <= status < 300 else _("The hub answered with status %s.") % status
    except FetchError as error:
        problem = str(error)
    # counts until the hub confirms it, so that one which says yes and does nothing is given up as well
    failures = subscription.failure_count + 1
    if failures > MOST_FAILURES:
        _give_up(subscription, problem or _("The hub does not confirm what it was asked for."), now)
        return
    pause = max(ANSWER_WITHIN, state.pause_after(failures, minutes=10))
    PushSubscription.objects.filter(pk=subscription.pk, failure_count=subscription.failure_count).update(
        failure_count=failures, last_error=problem, next_request_at=now + pause
    )


def _give_up(subscription: PushSubscription, reason: str, now: datetime) -> None:
    if _is_ending(subscription):
        subscription.delete()
        return
    subscription.status, subscription.last_error = PushSubscription.Status.REFUSED, reason
    subscription.failure_count, subscription.next_request_at = 0, now + REFUSED_FOR
    subscription.save(update_fields=["status", "last_error", "failure_count", "next_request_at"])


def _is_ending(subscription: PushSubscription) -> bool:
    return subscription.status == PushSubscription.Status.ENDING


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target.strip())
    except ValueError:
        return ""


# --- what hubs say ----------------------------------------------------------------------------------------------------
def confirm(subscription: PushSubscription, said: Mapping[str, str], now: datetime) -> bool:
    """A hub asks whether we want what it was asked for, or tells that it does not want to. True if it is so."""
    mode, topic = said.get("hub.mode", ""), said.get("hub.topic", "")
    if topic != subscription.topic_url:
        return False
    if mode == "denied":
        _give_up(subscription, said.get("hub.reason", "")[:500] or _("The hub refused."), now)
        return True
    if mode == "unsubscribe" and _is_ending(subscription):
        subscription.delete()
        return True
    if mode != "subscribe" or _is_ending(subscription):
        return False
    lease = _lease(said.get("hub.lease_seconds", ""))
    subscription.status, subscription.failure_count, subscription.last_error = PushSubscription.Status.ACTIVE, 0, ""
    subscription.lease_ends_at, subscription.next_request_at = now + lease, now + lease * 0.8
    subscription.save(update_fields=["status", "failure_count", "last_error", "lease_ends_at", "next_request_at"])
    return True


def _lease(seconds: str) -> timedelta:
    shortest, longest = LEASES
    asked = timedelta(seconds=int(seconds[:9])) if seconds.isascii() and seconds.isdecimal() else WANTED_LEASE
    return min(max(asked, shortest), longest)


def is_signed(subscription: PushSubscription, body: bytes, signature: str) -> bool:
    """Whether the header X-Hub-Signature proves that the hub which knows our secret sent this body."""
    method, _equals, said = signature.strip().partition("=")
    if method.lower() not in METHODS:
        return False
    expected = hmac.new(subscription.secret.encode(), body, getattr(hashlib, method.lower())).hexdigest()
    return hmac.compare_digest(expected.encode(), said.strip().lower().encode("utf-8", "replace"))


def accept(subscription: PushSubscription, body: bytes, content_type: str, now: datetime) -> None:
    """Keep a signed delivery until it is imported."""
    PushSubscription.objects.filter(pk=subscription.pk).update(last_delivery_at=now)
    if subscription.deliveries.count() < MOST_WAITING:
        subscription.deliveries.create(body=body, content_type=content_type[:200], received_at=now)
    else:
        _poll_instead(subscription.feed_id, now)


# --- importing it -----------------------------------------------------------------------------------------------------
def import_deliveries(now: datetime) -> list[importing.PollReport]:
    """Import what was delivered. A second worker that does the same does no harm: every item is known then."""
    waiting = PushDelivery.objects.select_related("subscription__feed").filter(received_at__lte=now)[:100]
    return [report for delivery in waiting if (report := _import(delivery, now))]


def _import(delivery: PushDelivery, now: datetime) -> importing.PollReport | None:
    feed = delivery.subscription.feed
    delivery.delete()  # a document that breaks something does so once: the feed is polled then, as without a hub
    if feed.status != Feed.Status.ACTIVE:
        return None
    try:
        parsed = parsing.parse(
            bytes(delivery.body), url=delivery.subscription.topic_url, content_type=delivery.content_type
        )
    except ParseError as error:
        logger.info("feed %s: a delivery could not be read: %s", feed.pk, error)
        parsed = None
    if parsed is None or feed.last_success_at is None:  # its first import is a poll
        _poll_instead(feed.pk, now)
        return None
    return importing.take_delivery(feed, parsed, now)


def _poll_instead(feed_id: int, now: datetime) -> None:
    Feed.objects.filter(pk=feed_id, status=Feed.Status.ACTIVE, next_poll_at__gt=now).update(next_poll_at=now)
