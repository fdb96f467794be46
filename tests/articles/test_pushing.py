"""Hubs push news to us: asked for, confirmed, signed, renewed, ended; polling goes on without them."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from articles.feeds import polling, pushing
from articles.models import Article, Feed, PushDelivery, PushSubscription
from tests.articles.documents import item, rss
from tests.factories import make_feed
from tests.servers.http import HttpServer, Response

pytestmark = pytest.mark.django_db

HUB = '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="hub" href="/hub"/>'
Status = PushSubscription.Status


@pytest.fixture(autouse=True)
def _site_on_the_internet(settings: Settings) -> None:
    settings.SITE_URL = "https://news.example.org"
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def subscription(http_server: HttpServer) -> PushSubscription:
    """Of a feed that was polled once and names a hub, which was asked and has not confirmed yet."""
    http_server.answer("/hub", Response(status=202))
    make_feed(url=http_server.serve("/feed.xml", rss(item(1), head=HUB)), next_poll_at=timezone.now())
    assert [report.new for report in polling.poll_due(timezone.now())] == [1]
    assert pushing.ask_hubs(timezone.now()) == 1
    return PushSubscription.objects.get()


def callback(subscription: PushSubscription) -> str:
    return urlsplit(pushing.callback_url(subscription)).path


def confirmed(client: Client, subscription: PushSubscription, **said: str) -> int:
    values = {"hub.mode": "subscribe", "hub.topic": subscription.topic_url, "hub.challenge": "<b>42", **said}
    answer = client.get(callback(subscription), values)
    if answer.status_code == 200:
        assert (answer.content, answer.headers["Content-Type"]) == (b"<b>42", "text/plain; charset=utf-8")
    subscription = PushSubscription.objects.filter(pk=subscription.pk).first() or subscription
    return answer.status_code


def delivered(client: Client, subscription: PushSubscription, body: bytes, *, signature: str | None = None) -> int:
    if signature is None:
        signature = "sha256=" + hmac.new(subscription.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature": signature} if signature else {}
    answer = client.post(callback(subscription), body, content_type="application/rss+xml", headers=headers)
    return answer.status_code


def test_hub_is_asked_with_all_that_it_needs(http_server: HttpServer, subscription: PushSubscription) -> None:
    asked = {name: value[0] for name, value in parse_qs(http_server.requests[-1].body.decode()).items()}

    assert asked["hub.mode"] == "subscribe"
    assert asked["hub.topic"] == http_server.url("/feed.xml")
    assert asked["hub.callback"] == f"https://news.example.org/feeds/push/{subscription.token}/"
    assert (asked["hub.secret"], int(asked["hub.lease_seconds"])) == (subscription.secret, 864_000)
    assert subscription.status == Status.ASKED


def test_confirmed_subscription_brings_news_without_a_poll(
    client: Client, http_server: HttpServer, subscription: PushSubscription
) -> None:
    assert confirmed(client, subscription, **{"hub.lease_seconds": "3600"}) == 200
    polls = len(http_server.requests)

    assert delivered(client, subscription, rss(item(2), item(1))) == 202
    (report,) = pushing.import_deliveries(timezone.now())

    assert (report.new, report.unchanged) == (1, 1)
    assert Article.objects.filter(status="published").count() == 2
    assert (len(http_server.requests), PushDelivery.objects.count()) == (polls, 0)
    subscription.refresh_from_db()
    assert subscription.delivers(timezone.now())
    assert not subscription.delivers(timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize("signature", ["", "sha256=", "sha256=" + "0" * 64, "md5=x", "sha256=é", "sha1=" + "0" * 40])
def test_delivery_without_the_right_signature_is_refused(
    client: Client, subscription: PushSubscription, signature: str
) -> None:
    assert delivered(client, subscription, rss(item(2)), signature=signature) == 403
    assert not PushDelivery.objects.exists()


def test_delivery_is_limited_in_size_and_number(
    client: Client, subscription: PushSubscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "MAX_DELIVERY_BYTES", 5000)
    monkeypatch.setattr(pushing, "MOST_WAITING", 2)

    assert delivered(client, subscription, b"x" * 5001) == 413
    assert [delivered(client, subscription, rss(item(number))) for number in range(4)] == [202] * 4
    assert PushDelivery.objects.count() == 2
    assert Feed.objects.due(timezone.now()).exists(), "it is polled instead"


def test_unknown_or_unwanted_callbacks_do_nothing(client: Client, subscription: PushSubscription) -> None:
    assert client.get("/feeds/push/unknown/").status_code == 404
    assert client.post("/feeds/push/unknown/", b"x", content_type="text/xml").status_code == 404
    assert client.put(callback(subscription)).status_code == 405
    assert confirmed(client, subscription, **{"hub.topic": "https://elsewhere.example/"}) == 404
    assert confirmed(client, subscription, **{"hub.mode": "unsubscribe"}) == 404, "we did not ask for that"
    assert confirmed(client, subscription, **{"hub.challenge": "x" * 2000}) == 404
    subscription.refresh_from_db()
    assert subscription.status == Status.ASKED


def test_subscription_is_renewed_before_its_lease_ends(
    client: Client, http_server: HttpServer, subscription: PushSubscription
) -> None:
    confirmed(client, subscription, **{"hub.lease_seconds": "86400"})

    assert pushing.ask_hubs(timezone.now() + timedelta(hours=18)) == 0
    assert pushing.ask_hubs(timezone.now() + timedelta(hours=20)) == 1
    assert b"hub.mode=subscribe" in http_server.requests[-1].body


def test_hub_that_never_confirms_is_left_alone_for_a_week(subscription: PushSubscription) -> None:
    now = timezone.now()
    for _number in range(pushing.MOST_FAILURES):
        subscription.refresh_from_db()
        assert subscription.next_request_at is not None
        now = subscription.next_request_at
        pushing.ask_hubs(now)

    subscription.refresh_from_db()
    assert subscription.status == Status.REFUSED
    assert subscription.next_request_at == now + timedelta(days=7)
    assert "does not confirm" in subscription.last_error


def test_feed_that_is_paused_is_unsubscribed(
    client: Client, http_server: HttpServer, subscription: PushSubscription
) -> None:
    pushing.end(subscription.feed, timezone.now())
    pushing.ask_hubs(timezone.now())

    assert b"hub.mode=unsubscribe" in http_server.requests[-1].body
    assert delivered(client, subscription, rss(item(2))) == 410
    assert confirmed(client, subscription) == 404
    assert confirmed(client, subscription, **{"hub.mode": "unsubscribe"}) == 200
    assert not PushSubscription.objects.exists()


def test_hub_may_refuse(client: Client, subscription: PushSubscription) -> None:
    confirmed(client, subscription, **{"hub.mode": "denied", "hub.reason": "no room"})

    subscription.refresh_from_db()
    assert (subscription.status, subscription.last_error) == (Status.REFUSED, "no room")


def test_delivery_that_cannot_be_read_leads_to_a_poll(client: Client, subscription: PushSubscription) -> None:
    confirmed(client, subscription)
    delivered(client, subscription, b"<html>")

    assert pushing.import_deliveries(timezone.now()) == []
    assert Feed.objects.due(timezone.now()).exists()


def test_links_of_the_header_count_first(http_server: HttpServer) -> None:
    link = '<https://other.example/hub>; rel="hub", </canonical.xml>; rel=self, <javascript:x>; rel=hub, <<broken'

    assert pushing.header_links(link, http_server.url("/feed.xml")) == {
        "hub": "https://other.example/hub",
        "self": http_server.url("/canonical.xml"),
    }


def test_site_that_no_hub_can_reach_asks_none(http_server: HttpServer, settings: Settings) -> None:
    settings.SITE_URL = "http://localhost:8000"
    make_feed(url=http_server.serve("/feed.xml", rss(item(1), head=HUB)), next_poll_at=timezone.now())

    assert len(list(polling.poll_due(timezone.now()))) == 1
    assert not PushSubscription.objects.exists()
