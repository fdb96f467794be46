"""An alert from a phone: choose, write, send, take it back; who may, and what is said when it cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from newsletter.delivery import campaigns
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests import factories
from tests.factories import NOW, make_editor, make_newsletter, make_subscription

pytestmark = pytest.mark.django_db

CHOOSE, WRITE = "/admin/alert/", "/admin/alert/write/"


def make_article(title: str = "Headline") -> Article:
    """One that is published by the clock that the pages read."""
    return factories.make_article(released_at=timezone.now() - timedelta(hours=1), title=title)


@pytest.fixture
def updates() -> Newsletter:
    newsletter = make_newsletter(kind="announcements", name="Updates")
    for _ in range(3):
        make_subscription(newsletter=newsletter)
    return newsletter


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_editor())
    return client


def send(desk: Client, newsletter: Newsletter, **fields: str) -> Issue:
    article = make_article(title="Bridge closed")
    values = {"article": str(article.pk), "newsletter": str(newsletter.pk), "headline": "Bridge closed", **fields}
    response = desk.post(WRITE, values)
    issue = Issue.objects.get(is_alert=True)
    assert response.headers["Location"] == reverse("sending:sent_alert", args=[issue.pk])
    return issue


def text(desk: Client, url: str) -> str:
    response = desk.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_pasted_address_leads_to_a_form_that_says_whom_it_reaches(desk: Client, updates: Newsletter) -> None:
    article = make_article(title="Bridge closed")
    before = Issue.objects.create(
        newsletter=updates, number=1, is_alert=True, status="approved", approved_at=NOW, send_at=NOW,
        launched_at=timezone.now() - timedelta(hours=3, minutes=5),
    )  # fmt: skip
    assert before.launched_at

    assert "Bridge closed" in text(desk, CHOOSE)
    page = text(desk, f"{WRITE}?article={settings.SITE_URL}{article.get_absolute_url()}")

    assert "Updates: 3 readers; last alert 3\xa0hours ago" in page
    assert 'value="Bridge closed"' in page


def test_sent_alert_counts_down_and_is_taken_back_with_one_button(desk: Client, updates: Newsletter) -> None:
    issue = send(desk, updates, sentence="Take the ferry.")
    page = text(desk, f"/admin/alert/{issue.pk}/")

    assert "data-seconds" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert 0 < (issue.send_at - timezone.now()).total_seconds() <= 30

    assert "Taken back" in desk.post(f"/admin/alert/{issue.pk}/", follow=True).content.decode()
    issue.refresh_from_db()
    assert issue.status == Issue.Status.CANCELLED
    assert "Write it anew" in text(desk, f"/admin/alert/{issue.pk}/")


def test_too_late_to_take_it_back_is_said_with_what_became_of_it(desk: Client, updates: Newsletter) -> None:
    issue = send(desk, updates)
    campaign = campaigns.launch(issue, now=issue.send_at)
    assert campaign is not None

    page = desk.post(f"/admin/alert/{issue.pk}/", follow=True).content.decode()

    assert "too late to take it back" in page
    assert "<strong>3</strong> waiting" in page
    assert reverse("admin:delivery_campaign_change", args=[campaign.pk]) in page


def test_wrong_address_and_missing_headline_say_what_to_do(desk: Client, updates: Newsletter) -> None:
    article = make_article()

    assert "No article has this address" in text(desk, f"{WRITE}?article=https://elsewhere.example.org/x")
    page = desk.post(WRITE, {"article": article.pk, "newsletter": updates.pk, "headline": " "}).content.decode()

    assert "This field is required" in page
    assert not Issue.objects.exists()


def test_note_that_was_left_in_the_sentence_is_said_beside_it_and_nothing_is_drafted(
    desk: Client, updates: Newsletter
) -> None:
    article = make_article()
    fields = {"article": article.pk, "newsletter": updates.pk, "headline": "Closed", "sentence": "Since TK o'clock"}

    page = desk.post(WRITE, fields).content.decode()

    assert "It cannot be sent: The introduction still has a placeholder: TK" in page
    assert "Since TK o&#x27;clock" in page
    assert not Issue.objects.exists()


def test_without_a_newsletter_of_announcements_the_page_says_so(desk: Client) -> None:
    assert "there is none yet" in text(desk, CHOOSE)


def test_looking_at_an_alert_changes_nothing_and_other_issues_have_no_such_page(
    desk: Client, updates: Newsletter
) -> None:
    plain = Issue.objects.create(newsletter=updates, number=1, send_at=NOW)

    assert desk.get(f"/admin/alert/{plain.pk}/").status_code == 404
    text(desk, f"{WRITE}?article={make_article().pk}")
    assert not Issue.objects.filter(is_alert=True).exists()


@pytest.mark.parametrize(
    ("role", "status"), [("Author", 403), ("Editor", 200), ("Publisher", 200), ("Advertising", 403)]
)
def test_editors_may_send_alerts_and_authors_may_not(client: Client, role: str, status: int) -> None:
    user = User.objects.create_user("desk", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client.force_login(user)

    assert client.get(CHOOSE).status_code == status
    assert ("Send an alert" in client.get("/admin/").content.decode()) == (status == 200)


def test_stranger_is_asked_to_sign_in(client: Client) -> None:
    response = client.get(CHOOSE)

    assert response.status_code == 302
    assert "/login/" in response.headers["Location"]
