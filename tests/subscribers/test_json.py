"""POST /subscribe/ for programs: the same door as the form, answered in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers.models import SignUp, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_subscription
from tests.subscribers.forms import last_sign_up

pytestmark = pytest.mark.django_db


def post_json(client: Client, body: Any, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/subscribe/", raw, content_type="application/json", headers=headers)


def test_json_is_taken_like_a_form(client: Client) -> None:
    news, offers = make_newsletter(), make_newsletter()
    body = {
        "email": "reader@example.org", "newsletters": [news.slug, offers.slug], "cadence": "weekly", "name": "Ada",
        "page_url": "https://elsewhere.example/story",
    }  # fmt: skip

    response = post_json(client, body)

    assert response.status_code == 202
    assert response.json()["status"] == "accepted"
    assert response.json()["suggestion"] is None
    row = last_sign_up()
    assert {wish.newsletter for wish in row.subscriptions.all()} == {news, offers}
    assert (row.page_url, row.subscriber.name) == ("https://elsewhere.example/story", "Ada")
    assert not response.cookies


def test_one_newsletter_need_not_be_a_list(client: Client) -> None:
    newsletter = make_newsletter()

    assert post_json(client, {"email": "reader@example.org", "newsletters": newsletter.slug}).status_code == 202
    assert last_sign_up().subscriptions.get().newsletter == newsletter


def test_form_that_asks_for_json_gets_it_without_a_preflight(client: Client) -> None:
    data = {"email": "reader@example.org", "newsletters": make_newsletter().slug}

    response = client.post("/subscribe/", data, headers={"Accept": "application/json", "Origin": "https://a.example"})

    assert response.status_code == 202
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html, application/json"]
)
def test_browser_gets_a_page(accept: str, client: Client) -> None:
    data = {"email": "reader@example.org", "newsletters": make_newsletter().slug}

    response = client.post("/subscribe/", data, headers={"Accept": accept})

    assert response.status_code == 303
    assert "Access-Control-Allow-Origin" not in response


def test_every_address_gets_the_same_answer(client: Client) -> None:
    newsletter = make_newsletter()
    make_subscription(newsletter=newsletter, email="active@example.org")
    pending = Subscription.Status.PENDING
    make_subscription(newsletter=newsletter, email="pending@example.org", status=pending, confirmed_at=None)
    suppress(email="suppressed@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)

    answers = {
        (response.status_code, response.content, tuple(sorted(response.items())))
        for kind in ("new", "active", "pending", "suppressed", "robot")
        for response in [
            post_json(client, {
                "email": f"{kind}@example.org", "newsletters": [newsletter.slug],
                "comment": "buy" if kind == "robot" else "",
            })
        ]
    }  # fmt: skip

    assert len(answers) == 1
    assert not SignUp.objects.filter(subscriber__email="robot@example.org").exists()


def test_wrong_fields_are_named(client: Client) -> None:
    response = post_json(client, {"email": "reader"})

    assert response.status_code == 422
    errors = response.json()["errors"]
    assert "@" in errors["email"][0]
    assert "newsletter" in errors[""][0]
    assert response["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "body", [b" ", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"email": ' + b"1" * 5000 + b"}"]
)
def test_body_that_is_no_json_object_is_answered_not_failed(body: bytes, client: Client) -> None:
    response = post_json(client, body)

    assert response.status_code in {400, 422}
    assert response.json()["status"] == "refused"


@pytest.mark.parametrize(
    "odd",
    [
        {"email": ["reader@example.org", {}]},
        {"email": {"a": 1}},
        {"email": None},
        {"email": "\ud800@example.org"},
        {"newsletters": [[], {}, 7, None]},
        {"newsletters": {}},
    ],
)
def test_odd_values_of_the_needed_fields_are_refused(odd: dict[str, Any], client: Client) -> None:
    newsletter = make_newsletter()

    response = post_json(client, {"email": "reader@example.org", "newsletters": [newsletter.slug], **odd})

    assert response.status_code == 422
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(
    "odd",
    [{"name": "A\ud800da\x00"}, {"topics": [None, 3, "\x00"]}, {"cadence": []}, {"page_url": "https://x/\ud800"},
     {"language": {"a": []}}],
)  # fmt: skip
def test_odd_values_of_the_other_fields_do_no_harm(odd: dict[str, Any], client: Client) -> None:
    newsletter = make_newsletter()

    response = post_json(client, {"email": "reader@example.org", "newsletters": [newsletter.slug], **odd})

    assert response.status_code == 202


def test_suggestion_is_told_and_stops_nothing(client: Client) -> None:
    response = post_json(client, {"email": "ada@gmial.com", "newsletters": [make_newsletter().slug]})

    assert (response.status_code, response.json()["suggestion"]) == (202, "ada@gmail.com")
    assert last_sign_up().subscriber.email == "ada@gmial.com"


def test_network_over_its_limit_is_told_when_to_come_back(client: Client, settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 1
    body = {"email": "reader@example.org", "newsletters": [make_newsletter().slug]}
    post_json(client, body)

    response = post_json(client, body)

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert response.json()["status"] == "limited"


def test_script_of_another_site_may_ask_first_and_brings_no_cookie(client: Client) -> None:
    headers = {
        "Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }  # fmt: skip

    response = client.options("/subscribe/", headers=headers)

    assert response.status_code == 204
    assert response["Access-Control-Allow-Origin"] == "*"
    assert "Content-Type" in response["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.parametrize("path", ["/", "/subscribe/check-inbox/", "/newsletters/", "/healthz/web"])
def test_no_other_page_is_open_to_scripts_of_other_sites(path: str, client: Client) -> None:
    response = client.get(path, headers={"Origin": "https://elsewhere.example", "Accept": "application/json"})

    assert "Access-Control-Allow-Origin" not in response
