"""Rows 6, 7, 8, 9 and 39: scanners, foreign forms, frames, redirects, and what a page tells others."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import serializers
from django.test import Client

from newsletter.subscribers.models import ConsentRecord, SignUp, Subscriber, Subscription
from tests.factories import make_newsletter, make_sign_up, make_subscription

pytestmark = pytest.mark.django_db
METHODS = ("get", "head", "options")


@pytest.fixture
def subscription() -> Subscription:
    return make_subscription()


def token_pages(subscription: Subscription) -> list[str]:
    row = make_sign_up(subscriber=subscription.subscriber)
    pending = make_subscription(subscriber=subscription.subscriber, newsletter=make_newsletter(), status="pending")
    row.subscriptions.add(pending)
    preferences = f"/preferences/{subscription.subscriber.preferences_token}/"
    return [
        f"/confirm/{row.token}/",
        preferences,
        f"{preferences}address/",
        f"{preferences}erase/",
        f"{preferences}new-link/",
        f"/unsubscribe/{subscription.unsubscribe_token}/",
    ]


def everything() -> str:
    rows = [row for model in (Subscriber, Subscription, SignUp, ConsentRecord) for row in model._default_manager.all()]
    return str(serializers.serialize("json", rows))


@pytest.mark.parametrize("method", METHODS)
def test_scanner_that_opens_every_link_changes_nothing(subscription: Subscription, method: str) -> None:
    pages = token_pages(subscription)
    before = everything()

    for page in pages:
        for query in ("", "?action=leave_all", "?List-Unsubscribe=One-Click&wishes=1&choosing=1"):
            response = getattr(Client(), method)(page + query)
            assert response.status_code == 200, (method, page)

    assert everything() == before


def test_one_click_needs_no_cookie_no_token_and_no_redirect(subscription: Subscription) -> None:
    client = Client(enforce_csrf_checks=True)

    response = client.post(f"/unsubscribe/{subscription.unsubscribe_token}/", {"List-Unsubscribe": "One-Click"})

    subscription.refresh_from_db()
    assert (response.status_code, subscription.status) == (200, Subscription.Status.ENDED)
    assert not client.cookies


def test_form_on_a_foreign_page_can_do_no_more_than_ask_for_a_mail() -> None:
    client = Client(
        enforce_csrf_checks=True, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    )

    response = client.post("/subscribe/", {"email": "reader@example.org", "newsletters": make_newsletter().slug})

    assert response.status_code == 303
    assert not Subscription.objects.exclude(status="pending").exists()
    assert not client.cookies


def test_desk_takes_no_form_from_a_foreign_page(admin_client: Client) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Origin": "https://evil.example"})
    client.cookies = admin_client.cookies

    assert client.post("/admin/subscribers/attack/switch/").status_code == 403


def test_every_page_but_the_frame_refuses_to_be_framed(subscription: Subscription) -> None:
    pages = ["/", "/subscribe/", "/subscribe/check-inbox/", "/newsletters/", "/my-link/", *token_pages(subscription)]
    for page in pages:
        response = Client().get(page)
        assert "frame-ancestors 'none'" in response["Content-Security-Policy"], page
        assert response["X-Frame-Options"] == "DENY", page

    framed = Client().get(f"/embed/{subscription.newsletter.slug}/")
    assert "frame-ancestors *" in framed["Content-Security-Policy"]
    assert framed.content.count(b"<form") == 1


def test_no_parameter_leads_away(subscription: Subscription) -> None:
    query = "?" + "&".join(f"{name}=https://evil.example/" for name in ("next", "url", "page", "return", "to", "u"))
    targets = [
        "/subscribe/",
        "/subscribe/check-inbox/",
        "/c/https://evil.example/",
        "/c/AAAA",
        *token_pages(subscription),
    ]
    for page in targets:
        for response in (Client().get(page + query), Client().post(page + query, {"next": "https://evil.example"})):
            assert urlsplit(response.get("Location", "")).netloc in {"", "testserver"}, page


def test_token_pages_tell_their_address_to_nobody(subscription: Subscription) -> None:
    for page in token_pages(subscription):
        response = Client().get(page)
        html = response.content.decode()
        assert response["Referrer-Policy"] == "no-referrer", page
        assert "no-store" in response["Cache-Control"], page
        assert "noindex" in response["X-Robots-Tag"], page
        foreign = re.findall(r"""(?:src|href|action|srcset)=["'](?:https?:)?//(?!localhost)[^"']*""", html)
        assert foreign == [], page


def test_reader_who_signs_up_chooses_and_leaves_gets_no_cookie(subscription: Subscription) -> None:
    client = Client()
    steps: list[Any] = [client.get("/"), client.get("/subscribe/"), client.get("/subscribe/challenge/")]
    steps.append(
        client.post("/subscribe/", {"email": "r@example.org", "newsletters": subscription.newsletter.slug}, follow=True)
    )
    for page in token_pages(subscription)[:2]:
        steps += [client.get(page), client.post(page, {"action": "save"}, follow=True)]
    unsubscribe = f"/unsubscribe/{subscription.unsubscribe_token}/"
    steps += [client.get(unsubscribe), client.post(unsubscribe), client.post(unsubscribe, {"action": "undo"})]

    assert [step.status_code for step in steps] == [200, 200, 204, 200, 200, 200, 200, 200, 200, 200, 200]
    assert not client.cookies
    assert not any("Cookie" in step.get("Vary", "") for step in steps)
