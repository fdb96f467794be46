"""Readers who are silent for long: short digests, one question, then a pause; the first sign of life ends it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.issue_desk.as_reader import share_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Edition, Issue
from newsletter.engagement import silence
from newsletter.engagement.feedback import Report, record
from newsletter.engagement.models import Event, Rating
from newsletter.insights.growth import Step, figures
from newsletter.insights.why import explain
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import Change, Newsletter, PersonalMail, Silence, Subscription
from newsletter.subscribers.preferences import Choice, Preferences, save_preferences
from tests.factories import (
    NOW,
    make_article,
    make_campaign,
    make_edition,
    make_issue,
    make_newsletter,
    make_subscription,
)
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LONG_AGO = NOW - 400 * DAY


@pytest.fixture
def newsletter(db: None) -> Newsletter:
    return make_newsletter(name="Latest news", measures_clicks=True, silence_days=30)


def reader(newsletter: Newsletter, *, agreed: bool = True, **fields: object) -> Subscription:
    row = make_subscription(newsletter=newsletter, confirmed_at=LONG_AGO, **fields)  # type: ignore[arg-type]
    row.subscriber.allows_measuring = agreed
    row.subscriber.save()
    return row


def mailed(newsletter: Newsletter, *readers: Subscription, count: int = 4) -> list[Send]:
    """So many mails of the last days that each of them got."""
    sends = []
    for number in range(1, count + 1):
        issue = make_issue(newsletter=newsletter, status=Issue.Status.APPROVED, approved_at=NOW)
        edition = make_edition(issue=issue)
        campaign = make_campaign(issue=issue, started_at=NOW - number * DAY)
        sends += [
            Send.objects.create(
                campaign=campaign, edition=edition, subscriber=each.subscriber, status=Send.Status.SENT,
                settled_at=NOW - number * DAY,
            )
            for each in readers
        ]  # fmt: skip
    return sends


def clicked(send: Send, *, at: datetime = NOW - DAY) -> None:
    Event.objects.create(send=send, kind="clicked", source="test", source_id=f"{send.pk}-{at}", at=at)


@pytest.fixture
def silent(newsletter: Newsletter) -> Subscription:
    """One who is silent, beside one who clicks."""
    quiet, lively = reader(newsletter), reader(newsletter)
    sends = mailed(newsletter, quiet, lively)
    clicked(sends[1])
    return quiet


def stages() -> dict[int, str]:
    return dict(Silence.objects.values_list("subscription_id", "stage"))


def test_who_shows_no_sign_of_life_is_silent_and_who_clicks_is_not(silent: Subscription) -> None:
    assert silence.sweep(now=NOW) == {"silent": 1}
    assert silence.sweep(now=NOW) == {}
    assert stages() == {silent.pk: "short"}


@pytest.mark.parametrize(
    "case", ["not measured", "not agreed", "off", "new", "few mails", "nobody seen", "answered", "imported"]
)
def test_nobody_is_called_silent_who_could_not_be_heard(newsletter: Newsletter, case: str) -> None:
    quiet = reader(newsletter, agreed=case != "not agreed")
    lively = reader(newsletter)
    sends = mailed(newsletter, quiet, lively, count=2 if case == "few mails" else 4)
    if case != "nobody seen":
        clicked(sends[1])
    if case == "nobody seen":
        Rating.objects.create(issue=sends[1].campaign.issue, subscriber=lively.subscriber, answer="yes", at=NOW)
        Rating.objects.create(issue=sends[0].campaign.issue, subscriber=quiet.subscriber, answer="yes", at=LONG_AGO)
    if case == "answered":
        Rating.objects.create(issue=sends[0].campaign.issue, subscriber=quiet.subscriber, answer="no", at=NOW - DAY)
    if case == "new":
        Subscription.objects.filter(pk=quiet.pk).update(confirmed_at=NOW - 3 * DAY)
    if case == "imported":
        Subscription.objects.filter(pk=quiet.pk).update(imported_at=NOW - 3 * DAY)
    newsletter.measures_clicks = case != "not measured"
    newsletter.silence_days = None if case == "off" else 30
    newsletter.save()

    silence.sweep(now=NOW)

    assert quiet.pk not in stages()


def launched(newsletter: Newsletter, count: int = 6) -> Campaign:
    articles = [make_article() for _ in range(count)]
    issue = make_issue(newsletter=newsletter, articles=articles, status=Issue.Status.APPROVED, approved_at=NOW)
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign
    return campaign


def test_silent_readers_share_a_short_edition_that_leads_to_the_rest(
    newsletter: Newsletter, silent: Subscription, smtp_mailers: SmtpServer
) -> None:
    another = reader(newsletter)
    mailed(newsletter, another)
    silence.sweep(now=NOW)

    campaign = launched(newsletter)
    dispatch.drain(campaign, clock=lambda: NOW, seconds=30)

    counts = {edition.is_short: edition.items.count() for edition in Edition.objects.filter(issue=campaign.issue)}
    assert counts[True] == 3
    assert counts[False] > 6
    assert campaign.sends.filter(edition__is_short=True).count() == 2
    mails = {message.recipients[0]: message.parsed for message in smtp_mailers.messages}
    for kind in ("html", "plain"):
        body = mails[silent.subscriber.email].get_body((kind,)).get_content()  # type: ignore[union-attr]
        assert f"{campaign.issue.items.filter(is_told=True).count() - 3} more stories on the site" in body
    share = share_of(campaign.issue, silent.subscriber, on=None, now=NOW)
    assert sum(fate.is_in for fate in share.fates) <= 3


def test_after_twice_as_long_they_are_asked_once_whatever_sweeps(
    newsletter: Newsletter, silent: Subscription, smtp_mailers: SmtpServer
) -> None:
    silence.sweep(now=NOW)
    for later in (29, 30, 31, 32):
        silence.sweep(now=NOW + later * DAY)

    mail = PersonalMail.objects.get(kind="still_interested")
    assert mail.created_at == NOW + 30 * DAY
    assert personal_mail.deliver(mail_id=mail.pk, now=NOW + 30 * DAY)

    (message,) = smtp_mailers.messages
    assert message.parsed["Subject"] == "Do you still want Latest news?"
    for kind in ("html", "plain"):
        body = message.parsed.get_body((kind,)).get_content()  # type: ignore[union-attr]
        for answer in ("keep", "less", "leave"):
            assert f"/stay/{make_token(Purpose.STAY, silent.pk)}/{answer}/" in body


def test_who_has_had_the_mails_of_a_day_is_asked_on_another(
    newsletter: Newsletter, silent: Subscription, settings: Settings
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    silence.sweep(now=NOW)
    later = NOW + 31 * DAY
    Send.objects.filter(subscriber=silent.subscriber).update(settled_at=later)
    Campaign.objects.update(started_at=later)

    silence.sweep(now=later)
    assert not PersonalMail.objects.exists()
    silence.sweep(now=later + DAY)
    assert PersonalMail.objects.count() == 1


@pytest.fixture
def paused(newsletter: Newsletter, silent: Subscription, smtp_mailers: SmtpServer) -> Subscription:
    silence.sweep(now=NOW)
    silence.sweep(now=NOW + 30 * DAY)
    personal_mail.deliver(mail_id=PersonalMail.objects.get().pk, now=NOW + 30 * DAY)
    silence.sweep(now=NOW + 61 * DAY)
    silent.refresh_from_db()
    return silent


def test_without_an_answer_it_pauses_and_every_page_says_why(
    newsletter: Newsletter, paused: Subscription, client: Client
) -> None:
    assert paused.status == "paused"
    assert Change.objects.get(subscriber=paused.subscriber).by == Change.By.SILENT
    page = client.get(f"/preferences/{paused.subscriber.preferences_token}/").text
    assert "We have not heard from you for a long time" in page
    issue = make_issue(newsletter=newsletter, launched_at=NOW + 70 * DAY, status=Issue.Status.APPROVED, approved_at=NOW)
    assert "after a long silence" in explain(subscriber=paused.subscriber, issue=issue).sentence
    (growth,) = figures(step=Step.WEEK, now=NOW)
    assert growth.silent_count == 1


def test_who_could_not_be_asked_is_not_paused(silent: Subscription) -> None:
    silence.sweep(now=NOW)
    silence.sweep(now=NOW + 30 * DAY)
    silence.sweep(now=NOW + 90 * DAY)

    assert stages() == {silent.pk: "asked"}


@pytest.mark.parametrize("end", ["skipped", "gone"])
def test_who_could_not_be_asked_is_asked_again_after_as_long(silent: Subscription, end: str) -> None:
    silence.sweep(now=NOW)
    silence.sweep(now=NOW + 30 * DAY)
    question = PersonalMail.objects.filter(subscriber=silent.subscriber)
    question.delete() if end == "gone" else question.update(
        status="skipped", skipped_reason="unknown", email="", settled_at=NOW + 31 * DAY
    )

    silence.sweep(now=NOW + 60 * DAY)
    short = stages()
    silence.sweep(now=NOW + 90 * DAY)

    assert short == {silent.pk: "short"}
    assert stages() == {silent.pk: "asked"}
    assert question.filter(status="waiting").count() == 1


def by_click(client: Client, row: Subscription) -> None:
    send = Send.objects.filter(subscriber=row.subscriber).latest("pk")
    record(Report("test", "clicked", row.subscriber.email, NOW + 62 * DAY, "late", send.pk), now=NOW + 62 * DAY)


def by_answer(client: Client, row: Subscription) -> None:
    client.post(f"/stay/{make_token(Purpose.STAY, row.pk)}/", {"action": "keep"})


def by_resuming(client: Client, row: Subscription) -> None:
    client.post(f"/preferences/{row.subscriber.preferences_token}/", {"action": "resume"})


@pytest.mark.parametrize("sign", [by_click, by_answer, by_resuming])
def test_sign_of_life_brings_them_back_at_once(
    paused: Subscription, client: Client, sign: Callable[[Client, Subscription], None]
) -> None:
    sign(client, paused)

    paused.refresh_from_db()
    assert paused.status == "active"


def test_pause_until_a_day_that_the_reader_chose_outlasts_the_silence(
    newsletter: Newsletter, paused: Subscription
) -> None:
    until, now = (NOW + 90 * DAY).date(), NOW + 62 * DAY
    wishes = Preferences((Choice(newsletter, is_wanted=True, cadence=paused.cadence),), paused_until=until)

    save_preferences(subscriber=paused.subscriber, preferences=wishes, now=now)
    silence.sweep(now=now + DAY)

    paused.refresh_from_db()
    assert (paused.status, paused.paused_until) == ("paused", until)
    assert stages() == {}


def test_whom_an_editor_brings_back_is_silent_no_longer_and_may_be_again(
    newsletter: Newsletter, paused: Subscription
) -> None:
    paused.resume()

    silence.sweep(now=NOW + 62 * DAY)

    assert stages() == {}
    (growth,) = figures(step=Step.WEEK, now=NOW)
    assert growth.silent_count == 0


@pytest.mark.parametrize("answer", ["", "keep/", "less/", "leave/"])
def test_opening_the_question_changes_nothing(paused: Subscription, client: Client, answer: str) -> None:
    shown = client.get(f"/stay/{make_token(Purpose.STAY, paused.pk)}/{answer}")

    assert shown.status_code == 200
    assert stages() == {paused.pk: "paused"}


def test_question_can_be_answered_with_less_and_with_leaving(
    newsletter: Newsletter, paused: Subscription, client: Client
) -> None:
    page = f"/stay/{make_token(Purpose.STAY, paused.pk)}/"

    client.post(page, {"action": "less_often", "cadence": "weekly"})
    paused.refresh_from_db()
    assert (paused.status, paused.cadence) == ("active", "weekly")
    leave = client.get(page).context["leave_url"]
    client.post(leave, {"action": "leave"})
    paused.refresh_from_db()
    assert paused.status == "ended"


@pytest.mark.django_db(transaction=True)
def test_two_sweeps_at_once_ask_once(newsletter: Newsletter) -> None:
    quiet = [reader(newsletter) for _ in range(6)]
    lively = reader(newsletter)
    clicked(mailed(newsletter, lively, *quiet)[0])
    silence.sweep(now=NOW)
    start = Barrier(2)

    def work(_number: int) -> None:
        start.wait(10)
        try:
            silence.sweep(now=NOW + 31 * DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))

    assert PersonalMail.objects.count() == len(quiet)
