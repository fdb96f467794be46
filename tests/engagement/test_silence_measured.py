"""Silence from the first tick to the return, with real mails: agreed, mailed, never clicked, asked, back by a click."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from newsletter.delivery import campaigns, dispatch
from newsletter.digests.models import Issue
from newsletter.engagement import silence
from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import Newsletter, PersonalMail, Silence, Subscriber, Subscription
from tests.factories import NOW, make_article, make_issue, make_newsletter
from tests.servers.smtp import Received, SmtpServer
from tests.subscribers.forms import last_sign_up, post_form

pytestmark = pytest.mark.django_db
MEASURED = re.compile(r"http://localhost:8000(/c/[\w=-]{32}/\d+/)")
STORIES = 6


class Calendar:
    """The day that it is, for the pages as for everything else."""

    def __init__(self) -> None:
        self.now = NOW

    def wind(self, days: int) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    made = Calendar()
    monkeypatch.setattr("django.utils.timezone.now", lambda: made.now)
    return made


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(slug="latest-news", name="Latest news", measures_clicks=True, silence_days=30)


def joined(newsletter: Newsletter, email: str) -> Subscriber:
    """Somebody who signed up and confirmed, and agreed to be measured, by the pages."""
    client = Client()
    post_form(client, newsletter, email=email, measuring="1")
    row = last_sign_up()
    client.post(f"/confirm/{row.token}/", {"measuring": "1"})
    return Subscriber.objects.get(email=email)


def send_issue(newsletter: Newsletter, server: SmtpServer, now: datetime) -> dict[str, Received]:
    """A digest of six new stories, by recipient."""
    server.forget()
    articles = [make_article(released_at=now - timedelta(hours=1)) for _ in range(STORIES)]
    issue = make_issue(
        newsletter=newsletter, articles=articles, status=Issue.Status.APPROVED, approved_at=now, send_at=now
    )
    campaign = campaigns.launch(issue, now=now)
    assert campaign
    dispatch.drain(campaign, clock=lambda: now, seconds=30)
    return {each.recipients[0]: each for each in server.messages}


def clicks(message: Received) -> list[str]:
    body: Any = message.parsed.get_body(("html",))
    return list(dict.fromkeys(MEASURED.findall(body.get_content())))


def test_reader_who_never_clicks_gets_less_is_asked_and_comes_back_by_a_click(
    newsletter: Newsletter, calendar: Calendar, smtp_mailers: SmtpServer, client: Client
) -> None:
    quiet, lively = joined(newsletter, "quiet@example.org"), joined(newsletter, "lively@example.org")
    subscription = Subscription.objects.get(subscriber=quiet)
    for _ in range(4):  # longer than the days of silence, all in all
        calendar.wind(9)
        mails = send_issue(newsletter, smtp_mailers, calendar.now)
        client.get(clicks(mails[lively.email])[0])

    assert silence.sweep(now=calendar.now) == {"silent": 1}
    calendar.wind(9)
    mails = send_issue(newsletter, smtp_mailers, calendar.now)
    client.get(clicks(mails[lively.email])[0])
    assert len(clicks(mails[lively.email])) == STORIES
    assert len(clicks(mails[quiet.email])) < STORIES

    calendar.wind(30)
    assert silence.sweep(now=calendar.now) == {"asked": 1}
    smtp_mailers.forget()
    personal_mail.deliver(mail_id=PersonalMail.objects.get().pk, now=calendar.now)
    assert [each.recipients[0] for each in smtp_mailers.messages] == [quiet.email]
    assert Silence.objects.get(subscription=subscription).stage == Silence.Stage.ASKED

    client.get(clicks(mails[quiet.email])[0])
    assert not Silence.objects.exists()
    calendar.wind(1)
    mails = send_issue(newsletter, smtp_mailers, calendar.now)
    assert [len(clicks(mail)) for mail in mails.values()] == [STORIES, STORIES]
