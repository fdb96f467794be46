"""Row 4: whether an address is known, pending or suppressed must not show, in no answer and in no amount of work."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from newsletter.subscribers.models import Newsletter, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription

pytestmark = pytest.mark.django_db
STATES = ("unknown", "pending", "active", "left", "suppressed", "erased")
PERSONAL = re.compile(r'(?<=name="form_time" value=")[^"]*|[a-z]+@example\.org')


def address(state: str) -> str:
    return f"{state}@example.org"


@pytest.fixture
def newsletter() -> Newsletter:
    newsletter = make_newsletter()
    for state in ("pending", "active"):
        make_subscription(newsletter=newsletter, subscriber=make_subscriber(email=address(state)), status=state)
    left = make_subscriber(email=address("left"))
    make_subscription(newsletter=newsletter, subscriber=left, status="ended", ended_at=NOW)
    suppress(email=address("suppressed"), reason=Suppression.Reason.COMPLAINT, now=NOW)
    suppress(email=address("erased"), reason=Suppression.Reason.ERASED, now=NOW)
    return newsletter


def answers(send: Any) -> dict[str, tuple[Any, ...]]:
    """For each state: status, headers, the page one ends on, and how many statements of which kind were run."""
    Client().get("/subscribe/")  # what is looked up once and remembered
    send(Client(), "warm@example.org")
    found = {}
    for state in STATES:
        client = Client()
        with CaptureQueriesContext(connection) as queries:
            response = send(client, address(state))
        work = [re.sub(r"\W.*", "", query["sql"]) for query in queries]
        location = response.get("Location", "")
        page = client.get(location).content.decode() if location else ""
        body = PERSONAL.sub("", response.content.decode() + page)
        found[state] = (response.status_code, sorted(response.items()), body, work, dict(client.cookies))
    return found


def same_for_all(found: dict[str, tuple[Any, ...]]) -> None:
    for state, (status, headers, body, work, cookies) in found.items():
        unknown = found["unknown"]
        assert (status, headers, body, cookies) == (*unknown[:3], {}), state
        assert work == unknown[3], state


def test_page_answers_alike(newsletter: Newsletter) -> None:
    found = answers(lambda client, email: client.post("/subscribe/", {"email": email, "newsletters": newsletter.slug}))

    assert found["unknown"][0] == 303
    same_for_all(found)


def test_json_answers_alike(newsletter: Newsletter) -> None:
    def send(client: Client, email: str) -> Any:
        values = json.dumps({"email": email, "newsletters": [newsletter.slug]})
        return client.post("/subscribe/", values, content_type="application/json")

    found = answers(send)

    assert found["unknown"][0] == 202
    same_for_all(found)


def test_frame_answers_alike(newsletter: Newsletter) -> None:
    found = answers(lambda client, email: client.post(f"/embed/{newsletter.slug}/", {"email": email}))

    assert found["unknown"][0] == 200
    same_for_all(found)


def test_asking_for_the_mail_again_answers_alike(newsletter: Newsletter) -> None:
    found = answers(lambda client, email: client.post("/subscribe/check-inbox/", {"email": email}))

    assert found["unknown"][0] == 303
    same_for_all(found)


def test_asking_for_ones_link_answers_alike_with_the_same_work(newsletter: Newsletter) -> None:
    found = answers(lambda client, email: client.post("/my-link/", {"email": email}))

    assert found["unknown"][0] == 303
    same_for_all(found)
