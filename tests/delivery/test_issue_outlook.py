"""What the desk knows of an issue's readers without counting them, and what one of them gets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from articles.models import Article
from newsletter.delivery import outlooks
from newsletter.delivery.issue_desk import as_reader
from newsletter.delivery.issue_desk.board import board
from newsletter.delivery.models import IssueOutlook, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Subscriber, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import (
    NOW,
    make_article,
    make_campaign,
    make_edition,
    make_editor,
    make_issue,
    make_newsletter,
    make_send,
    make_subscription,
    make_topic,
)

pytestmark = pytest.mark.django_db


def received(subscription: Subscription, *articles: Article, is_alert: bool = False) -> None:
    """An earlier issue with these articles, which this reader has had."""
    issue = make_issue(
        newsletter=subscription.newsletter, articles=articles, is_alert=is_alert, status=Issue.Status.APPROVED,
        approved_at=NOW, launched_at=NOW - timedelta(hours=20), send_at=NOW - timedelta(hours=20),
    )  # fmt: skip
    edition = make_edition(issue=issue, articles=articles)
    campaign = make_campaign(issue=issue, started_at=NOW - timedelta(hours=20))
    make_send(
        edition=edition, campaign=campaign, subscription=subscription, status=Send.Status.SENT,
        settled_at=NOW - timedelta(hours=20),
    )  # fmt: skip


def test_desk_says_who_has_had_a_story_and_leaves_it_aside_if_most_have() -> None:
    newsletter = make_newsletter()
    readers = [make_subscription(newsletter=newsletter) for _ in range(4)]
    old, alert, new = make_article(title="Old"), make_article(title="Alert"), make_article(title="New")
    for reader in readers[:3]:
        received(reader, old)
    received(readers[0], alert, is_alert=True)
    issue = make_issue(newsletter=newsletter, articles=[old, alert, new])

    outlooks.work_out(issue, clock=lambda: NOW)
    laid = board(issue, now=NOW)

    assert [story.headline for story in laid.stories] == ["New", "Alert"]  # what was an alert does not lead
    assert laid.stories[1].sent == "already sent to 25 % as an alert"
    (group,) = laid.waiting
    assert (group.key, group.stories[0].headline) == ("had", "Old")
    assert "75 %" in group.stories[0].sent


def test_outlook_is_worked_out_anew_only_when_it_is_old_or_the_issue_changed() -> None:
    issue = make_issue(articles=[make_article()])
    first = [outlooks.renew(clock=lambda: NOW), outlooks.renew(clock=lambda: NOW + timedelta(seconds=30))]

    Issue.objects.filter(pk=issue.pk).update(version=5)
    changed = outlooks.renew(clock=lambda: NOW + timedelta(seconds=30))
    IssueOutlook.objects.update(took_seconds=10.0)  # as with a million readers
    Issue.objects.filter(pk=issue.pk).update(version=6)
    costly = outlooks.renew(clock=lambda: NOW + timedelta(seconds=90))

    assert (first, changed, costly) == ([1, 0], 1, 0)


def test_reader_gets_what_they_follow_and_have_not_had() -> None:
    sport, town = make_topic(name="Sport"), make_topic(name="Town")
    had, match, council = make_article(title="Had", topics=[sport]), make_article(title="Match", topics=[sport]), None
    council = make_article(title="Council", topics=[town])
    subscription = make_subscription(topics=[sport])
    received(subscription, had)
    issue = make_issue(newsletter=subscription.newsletter, articles=[had, match, council])

    share = as_reader.share_of(issue, subscription.subscriber, on=None, now=NOW)

    assert share.mail
    assert "Match" in share.mail.html
    assert {fate.headline: fate.why for fate in share.fates} == {
        "Had": "they have had it", "Match": "story 1", "Council": "in none of the topics that they follow",
    }  # fmt: skip


def test_after_the_run_it_is_what_the_ledger_says() -> None:
    subscription = make_subscription()
    article = make_article(title="This morning")
    received(subscription, article)
    issue = Send.objects.get().campaign.issue
    Issue.objects.filter(pk=issue.pk).update(launched_at=NOW)
    issue.refresh_from_db()

    told = [
        as_reader.share_of(issue, subscription.subscriber, on=on, now=NOW + timedelta(minutes=10))
        for on in (None, NOW.date())
    ]

    for share in told:
        assert share.mail
        assert "This morning" in share.mail.html
        assert share.issue == issue


def test_on_a_day_to_come_it_has_what_is_released_by_then_and_pauses_are_over() -> None:
    newsletter = make_newsletter()
    paused_until = NOW.date() + timedelta(days=2)
    subscription = make_subscription(
        newsletter=newsletter, status=Subscription.Status.PAUSED, paused_until=paused_until
    )
    issue = make_issue(newsletter=newsletter, articles=[make_article(title="Old news")])
    make_article(title="Embargoed", released_at=NOW + timedelta(days=1))

    told = [
        as_reader.share_of(issue, subscription.subscriber, on=NOW.date() + timedelta(days=days), now=NOW)
        for days in (1, 2)
    ]

    assert [share.mail is None for share in told] == [True, False]
    assert {fate.headline for fate in told[1].fates} == {"Old news", "Embargoed"}
    subscription.refresh_from_db()
    assert subscription.status == Subscription.Status.PAUSED  # it was a rehearsal
    assert issue.items.count() == 1


def test_who_has_had_enough_for_a_day_is_told_to_get_nothing(settings: Settings) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    subscription = make_subscription()
    received(subscription, make_article(title="This morning’s news"))
    Send.objects.update(settled_at=NOW)
    issue = make_issue(newsletter=subscription.newsletter, articles=[make_article()])

    today = as_reader.share_of(issue, subscription.subscriber, on=None, now=NOW)
    tomorrow = as_reader.share_of(issue, subscription.subscriber, on=NOW.date() + timedelta(days=1), now=NOW)

    assert (today.mail, "as many mails that day" in today.sentence) == (None, True)
    assert tomorrow.mail


def test_on_a_day_that_is_over_it_is_what_they_got() -> None:
    subscription = make_subscription()
    received(subscription, make_article(title="Yesterday’s news"))
    issue = make_issue(newsletter=subscription.newsletter, articles=[make_article()])

    share = as_reader.share_of(
        issue, subscription.subscriber, on=(NOW - timedelta(hours=20)).date(), now=NOW + timedelta(days=1)
    )

    assert share.issue != issue
    assert share.mail
    assert "Yesterday’s news" in share.mail.html


def test_a_day_lasts_until_its_last_second() -> None:
    subscription = make_subscription()
    received(subscription, make_article(title="Late news"))
    issue = make_issue(newsletter=subscription.newsletter, articles=[make_article()])
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    Issue.objects.exclude(pk=issue.pk).update(launched_at=midnight - timedelta(seconds=30))

    share = as_reader.share_of(
        issue, subscription.subscriber, on=(midnight - timedelta(days=1)).date(), now=NOW + timedelta(days=1)
    )

    assert share.mail
    assert "Late news" in share.mail.html


def test_who_is_not_meant_is_told_why() -> None:
    stranger = Subscriber.objects.create(email="stranger@example.org")
    paused = make_subscription(status=Subscription.Status.PAUSED)
    issue = make_issue(newsletter=paused.newsletter, articles=[make_article()], cadence="daily")

    said = [as_reader.share_of(issue, each, on=None, now=NOW).sentence for each in (stranger, paused.subscriber)]

    assert "never signed up" in said[0]
    assert "paused" in said[1]


def test_who_must_not_be_mailed_is_not_said_to_get_it() -> None:
    bounced = make_subscription()
    issue = make_issue(newsletter=bounced.newsletter, articles=[make_article()])
    suppress(email=bounced.subscriber.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW)

    share = as_reader.share_of(issue, bounced.subscriber, on=None, now=NOW)

    assert "suppression list" in share.sentence
    assert share.mail is None


def test_page_finds_a_reader_by_the_beginning_of_their_address(client: Client) -> None:
    client.force_login(make_editor())
    subscription = make_subscription(email="anna.berg@example.org")
    issue = make_issue(newsletter=subscription.newsletter, articles=[make_article(released_at=timezone.now())])
    address = reverse("issue_desk:as_reader", args=[issue.pk])

    found = client.get(address, {"q": "anna."}).content.decode()
    shown = client.get(address, {"reader": subscription.subscriber_id}).content.decode()

    assert "anna.berg@example.org" in found
    assert "stories, as things stand" in shown
