"""Taking a form in: POST /subscribe/ and the use case behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from newsletter.subscribers.models import (
    Cadence,
    ConsentRecord,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
    TopicSet,
)
from newsletter.subscribers.signup import sign_up
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription, make_topic
from tests.subscribers.forms import form, last_sign_up, post_form

pytestmark = pytest.mark.django_db
Status = Subscription.Status


def test_sign_up_makes_pending_wishes_and_waits_for_its_mail() -> None:
    news, offers = make_newsletter(), make_newsletter()
    topic = make_topic()

    row = sign_up(
        form=form(news, offers, topics=(topic.slug,), cadence="weekly", name="Ada", time_zone="Europe/Berlin"), now=NOW
    )

    assert row is not None
    assert row.status == SignUp.Status.WAITING
    assert row.expires_at == NOW + timedelta(days=7)
    assert row.subscriber.name == "Ada"
    wishes = row.subscriptions.all()
    assert {wish.newsletter for wish in wishes} == {news, offers}
    assert {wish.status for wish in wishes} == {Status.PENDING}
    assert {wish.cadence for wish in wishes} == {Cadence.WEEKLY}
    assert {wish.topic_set for wish in wishes} == {TopicSet.objects.of([topic])}
    assert not ConsentRecord.objects.exists()


def test_active_subscription_is_never_changed_by_a_form() -> None:
    subscriber = make_subscriber(email="reader@example.org", name="Ada", language="de")
    active = make_subscription(subscriber=subscriber, cadence=Cadence.DAILY)
    before = Subscription.objects.values().get(pk=active.pk)

    sign_up(form=form(active.newsletter, cadence="weekly", name="Mallory", language="fr"), now=NOW)

    subscriber.refresh_from_db()
    assert Subscription.objects.values().get(pk=active.pk) == before
    assert (subscriber.name, subscriber.language) == ("Ada", "de")


def test_paused_subscription_is_never_changed_by_a_form() -> None:
    paused = make_subscription(email="reader@example.org", status=Status.PAUSED, paused_until=NOW.date())

    sign_up(form=form(paused.newsletter), now=NOW)

    paused.refresh_from_db()
    assert paused.status == Status.PAUSED


def test_ended_subscription_is_reopened_pending() -> None:
    ended = make_subscription(email="reader@example.org", status=Status.ENDED, ended_at=NOW, ended_reason="page")

    sign_up(form=form(ended.newsletter, cadence="weekly"), now=NOW)

    ended.refresh_from_db()
    assert (ended.status, ended.cadence) == (Status.PENDING, "weekly")
    assert not Subscription.objects.mailable().exists()


def test_two_spellings_of_an_address_are_one_person() -> None:
    newsletter = make_newsletter()

    sign_up(form=form(newsletter, email="Reader@example.org"), now=NOW)
    sign_up(form=form(newsletter, email="reader@EXAMPLE.org"), now=NOW)

    assert Subscriber.objects.count() == Subscription.objects.count() == 1


def test_closed_newsletter_cannot_be_signed_up_for() -> None:
    assert sign_up(form=form(make_newsletter(is_open=False)), now=NOW) is None
    assert not Subscriber.objects.exists()


def test_sign_up_takes_the_same_few_queries_for_a_new_and_a_known_address(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    newsletters = [make_newsletter(), make_newsletter(), make_newsletter()]
    known = make_subscription(newsletter=newsletters[0], email="known@example.org")

    with django_assert_num_queries(12):
        sign_up(form=form(*newsletters, email="new@example.org"), now=NOW)
    with django_assert_num_queries(12):
        sign_up(form=form(*newsletters, email=known.subscriber.email), now=NOW)


def test_every_address_gets_the_same_answer(client: Client) -> None:
    newsletter = make_newsletter()
    make_subscription(newsletter=newsletter, email="active@example.org")
    make_subscription(newsletter=newsletter, email="pending@example.org", status=Status.PENDING, confirmed_at=None)
    make_subscription(newsletter=newsletter, email="ended@example.org", status=Status.ENDED, ended_at=NOW)
    suppress(email="suppressed@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)

    answers = {
        (response.status_code, response.content, tuple(sorted(response.items())))
        for kind in ("new", "active", "pending", "ended", "suppressed")
        for response in [post_form(client, newsletter, email=f"{kind}@example.org")]
    }

    assert len(answers) == 1
    status, _content, headers = answers.pop()
    assert status == 303
    assert dict(headers)["Location"] == "/subscribe/check-inbox/"
    assert client.get("/subscribe/check-inbox/").status_code == 200


def test_form_on_another_site_works_without_cookie_or_token() -> None:
    client = Client(enforce_csrf_checks=True, headers={"Origin": "https://elsewhere.example"})
    newsletter = make_newsletter()

    response = post_form(client, newsletter)

    assert response.status_code == 303
    assert not response.cookies
    assert last_sign_up().subscriber.email == "reader@example.org"


def test_sign_up_keeps_where_it_came_from() -> None:
    newsletter = make_newsletter()
    client = Client(headers={"Referer": "https://elsewhere.example/story", "User-Agent": "Browser\x00 1.0"})

    post_form(client, newsletter)

    row = last_sign_up()
    assert row.page_url == "https://elsewhere.example/story"
    assert row.ip_address == "127.0.0.1"
    assert row.user_agent == "Browser 1.0"


@pytest.mark.parametrize(
    "email",
    ["", "reader", "x@localhost", "a@example.org\r\nBcc: b@example.org", "a@example.org, b@example.org", "x" * 5000,
     "a@b@example.org", "nul\x00@example.org", "\ud800@example.org".encode("utf-8", "surrogatepass").decode("latin-1")],
)  # fmt: skip
def test_what_is_no_address_is_answered_with_the_form_and_a_reason(client: Client, email: str) -> None:
    newsletter = make_newsletter()

    response = post_form(client, newsletter, email=email, cadence="weekly")

    assert response.status_code == 400
    page = response.content.decode()
    assert 'class="error"' in page
    assert f'value="{newsletter.slug}" checked' in page
    assert not SignUp.objects.exists()


def test_form_without_a_newsletter_says_so_and_keeps_the_address(client: Client) -> None:
    make_newsletter()

    response = post_form(client, email="reader@example.org")

    assert response.status_code == 400
    assert "at least one newsletter" in response.content.decode()
    assert 'value="reader@example.org"' in response.content.decode()


@pytest.mark.parametrize(
    "odd",
    [
        {"topics": ["nothing-of-that-name", "\x00", "x" * 10_000]},
        {"cadence": "every-second"},
        {"language": "tlh"},
        {"language": "../../etc/passwd"},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../../etc/localtime"},
        {"name": "x" * 10_000},
        {"name": "Evil\r\nBcc: a@example.org\x00\u202e"},
        {"page_url": "javascript:alert(1)"},
        {"page_url": "https://example.org/" + "x" * 5000},
        {"unknown": "field"},
        {"topics": ["a"] * 900},
    ],
)
def test_odd_values_of_the_other_fields_do_no_harm(client: Client, odd: dict[str, Any]) -> None:
    newsletter = make_newsletter()

    response = post_form(client, newsletter, **odd)

    assert response.status_code == 303
    row = last_sign_up()
    wish = row.subscriptions.get()
    assert (wish.cadence, wish.topic_set) == (newsletter.default_cadence, None)
    assert (row.subscriber.language, row.subscriber.time_zone) == ("", "")
    assert not row.page_url.startswith("javascript")
    assert "\n" not in row.subscriber.name
    assert "\x00" not in row.subscriber.name


def test_odd_newsletters_beside_a_real_one_are_left_out(client: Client) -> None:
    newsletter = make_newsletter()

    response = client.post(
        "/subscribe/",
        {"email": "reader@example.org", "newsletters": [newsletter.slug, "none-such", "\x00", "' OR 1=1"]},
    )

    assert response.status_code == 303
    assert last_sign_up().subscriptions.get().newsletter == newsletter


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_body_that_is_no_form_is_answered_not_failed(client: Client, content_type: str) -> None:
    make_newsletter()

    response = client.post("/subscribe/", data=b"\x00garbage", content_type=content_type)

    assert response.status_code == 400


def test_get_shows_the_form_and_changes_nothing(client: Client) -> None:
    newsletter = make_newsletter()

    response = client.get("/subscribe/", {"email": "reader@example.org", "newsletters": newsletter.slug})

    assert response.status_code == 200
    assert newsletter.consent_text in response.content.decode()
    assert "checked" not in response.content.decode().split("<legend>How often", 1)[0]
    assert not SignUp.objects.exists()


def test_site_without_newsletters_says_so(client: Client) -> None:
    response = client.get("/subscribe/")

    assert response.status_code == 200
    assert "no newsletter" in response.content.decode()


def test_refused_form_escapes_what_was_entered(client: Client) -> None:
    response = post_form(client, make_newsletter(), email='"><script>alert(1)</script>')

    assert "<script>alert" not in response.content.decode()
