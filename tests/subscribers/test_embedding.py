"""The form inside other sites: the frame, and the script that puts it there."""

from __future__ import annotations

import gzip
import re

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.subscribers.models import SignUp
from tests.factories import make_newsletter
from tests.subscribers.forms import last_sign_up

pytestmark = pytest.mark.django_db
PUBLIC_PAGES = ["/", "/subscribe/", "/subscribe/check-inbox/", "/newsletters/"]


def test_frame_may_stand_anywhere_and_sets_no_cookie(client: Client) -> None:
    newsletter = make_newsletter()

    response = client.get(f"/embed/{newsletter.slug}/")

    policy = response["Content-Security-Policy"]
    assert response.status_code == 200
    assert "frame-ancestors *" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in response
    assert not response.cookies
    assert newsletter.consent_text in response.content.decode()


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_no_other_page_may_stand_in_a_frame(path: str, client: Client) -> None:
    make_newsletter()

    response = client.get(path)

    assert "frame-ancestors 'none'" in response["Content-Security-Policy"]
    assert response["X-Frame-Options"] == "DENY"


def test_frame_takes_the_form_and_answers_in_itself() -> None:
    newsletter, other = make_newsletter(), make_newsletter()
    client = Client(enforce_csrf_checks=True, headers={"Origin": "null", "Sec-Fetch-Site": "cross-site"})

    response = client.post(
        f"/embed/{newsletter.slug}/",
        {"email": "reader@example.org", "newsletters": other.slug, "page_url": "https://blog.example/a"},
    )

    assert response.status_code == 200
    assert "Check your inbox" in response.content.decode()
    assert "frame-ancestors *" in response["Content-Security-Policy"]
    row = last_sign_up()
    assert row.subscriptions.get().newsletter == newsletter
    assert row.page_url == "https://blog.example/a"


def test_frame_remembers_the_page_that_it_stands_on(client: Client) -> None:
    newsletter = make_newsletter()

    named = client.get(f"/embed/{newsletter.slug}/", {"page": "https://blog.example/a"}).content.decode()
    by_referrer = client.get(f"/embed/{newsletter.slug}/", headers={"Referer": "https://blog.example/"})

    assert 'name="page_url" value="https://blog.example/a"' in named
    assert 'name="page_url" value="https://blog.example/"' in by_referrer.content.decode()


def test_mistake_is_told_in_the_frame(client: Client) -> None:
    newsletter = make_newsletter()

    wrong = client.post(f"/embed/{newsletter.slug}/", {"email": "reader"})
    doubtful = client.post(f"/embed/{newsletter.slug}/", {"email": "ada@gmial.com"})

    assert wrong.status_code == 400
    assert 'class="error"' in wrong.content.decode()
    assert "ada@gmail.com" in doubtful.content.decode()
    assert not SignUp.objects.exists()


def test_robot_in_the_frame_is_answered_as_ever_and_dropped(client: Client) -> None:
    path = f"/embed/{make_newsletter().slug}/"

    person = client.post(path, {"email": "reader@example.org"})
    robot = client.post(path, {"email": "robot@example.org", "comment": "buy"})

    assert robot.content == person.content
    assert SignUp.objects.count() == 1


def test_mail_can_be_asked_for_again_in_the_frame(client: Client, settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 3
    path = f"/embed/{make_newsletter().slug}/"
    offered = client.post(path, {"email": "reader@example.org"})
    again = {"again": "1", "email": "reader@example.org"}

    answer, robot = client.post(path, again), client.post(path, {**again, "comment": "buy"})
    stranger, too_many = client.post(path, {**again, "email": "nobody@example.org"}), client.post(path, again)

    assert 'name="again"' in offered.content.decode()
    assert "another mail is on its way" in answer.content.decode()
    assert answer.content == robot.content == stranger.content
    assert (too_many.status_code, SignUp.objects.filter(is_asked_again=True).count()) == (429, 2)


def test_network_over_its_limit_is_told_in_the_frame(client: Client, settings: Settings) -> None:
    settings.SIGN_UPS_PER_NETWORK_AND_HOUR = 1
    path = f"/embed/{make_newsletter().slug}/"
    client.post(path, {"email": "reader@example.org"})

    response = client.post(path, {"email": "other@example.org"})

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert "frame-ancestors *" in response["Content-Security-Policy"]


def test_closed_newsletter_says_so_and_takes_nobody(client: Client) -> None:
    path = f"/embed/{make_newsletter(is_open=False).slug}/"

    assert "takes no new readers" in client.get(path).content.decode()
    client.post(path, {"email": "reader@example.org"})

    assert not SignUp.objects.exists()


def test_frame_of_no_newsletter_is_not_found(client: Client) -> None:
    assert client.get("/embed/none-such/").status_code == 404


def test_script_is_small_open_to_every_page_and_knows_no_third_party(client: Client) -> None:
    response = client.get("/embed.js")

    source = response.content.decode()
    assert response["Content-Type"].startswith("text/javascript")
    assert len(gzip.compress(response.content)) < 5 * 1024
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not response.cookies
    assert not re.search(r"https?://|cookie\s*=|localStorage|innerHTML|eval\(|\.style\b", source)


def test_script_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    etag = client.get("/embed.js")["ETag"]

    assert client.get("/embed.js", headers={"If-None-Match": etag}).status_code == 304
