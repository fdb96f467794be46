"""Announcements go to the readers that somebody chose, and to no others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.delivery import audience, campaigns, outlooks
from newsletter.digests import approval
from newsletter.digests.changing import Desk
from newsletter.digests.models import Issue
from newsletter.digests.narrowing import Narrowing
from newsletter.digests.versions import StaleError
from newsletter.engagement.models import Event
from newsletter.subscribers.models import Label, Newsletter, Subscriber, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import (
    NOW,
    make_edition,
    make_editor,
    make_issue,
    make_newsletter,
    make_send,
    make_subscriber,
    make_subscription,
    make_topic,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def updates() -> Newsletter:
    return make_newsletter(kind="announcements", language="en", cadences=["daily", "weekly"])


def announcement(newsletter: Newsletter, **narrowing: Any) -> Issue:
    return make_issue(
        newsletter=newsletter, body="The office is closed.", status="approved", approved_at=NOW, narrowing=narrowing
    )


def of(issue: Issue) -> set[int]:
    return set(audience.readers(issue).values_list("pk", flat=True))


def test_readers_of_a_language_are_those_who_named_it_or_nothing_where_it_is_the_usual_one(updates: Newsletter) -> None:
    english, silent, german, swiss = (
        make_subscription(newsletter=updates, subscriber=make_subscriber(language=language))
        for language in ("en-gb", "", "de", "de-ch")
    )

    assert of(announcement(updates, language="en")) == {english.pk, silent.pk}
    assert of(announcement(updates, language="de")) == {german.pk, swiss.pk}


def test_followers_are_those_who_follow_it_in_a_digest(updates: Newsletter) -> None:
    digest, harbor, schools = make_newsletter(), make_topic(), make_topic()
    follows, all_topics, other, none = (make_subscription(newsletter=updates) for _ in range(4))
    make_subscription(newsletter=digest, subscriber=follows.subscriber, topics=[harbor, schools])
    make_subscription(newsletter=digest, subscriber=all_topics.subscriber)
    make_subscription(newsletter=digest, subscriber=other.subscriber, topics=[schools])

    assert of(announcement(updates, topics=[harbor.pk])) == {follows.pk, all_topics.pk}
    assert none.pk in of(announcement(updates))


def test_label_or_topic_that_is_gone_narrows_to_nobody(updates: Newsletter) -> None:
    label, topic = Label.objects.create(name="Volunteers"), make_topic()
    labeled = make_subscription(newsletter=updates)
    labeled.subscriber.labels.add(label)
    make_subscription(newsletter=make_newsletter(), subscriber=labeled.subscriber)
    make_subscription(newsletter=updates)
    by_label, by_topic = announcement(updates, label=label.pk), announcement(updates, topics=[topic.pk])
    assert (of(by_label), of(by_topic)) == ({labeled.pk}, {labeled.pk})

    label.delete()
    topic.delete()

    assert (of(by_label), of(by_topic)) == (set(), set())


def test_all_conditions_hold_together_and_consent_above_them(updates: Newsletter) -> None:
    label = Label.objects.create(name="Volunteers")

    def volunteer(**fields: Any) -> Subscription:
        subscription = make_subscription(newsletter=updates, cadence="weekly", **fields)
        subscription.subscriber.labels.add(label)
        return subscription

    wanted, suppressed = volunteer(), volunteer()
    volunteer(status="paused")
    make_subscription(newsletter=updates, cadence="weekly")
    suppress(email=suppressed.subscriber.email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    issue = announcement(updates, label=label.pk, language="en")
    Issue.objects.filter(pk=issue.pk).update(cadence="weekly")

    campaign = campaigns.launch(Issue.objects.get(pk=issue.pk), now=NOW)

    assert campaign
    assert {send.subscriber_id: send.status for send in campaign.sends.all()} == {
        wanted.subscriber_id: "queued", suppressed.subscriber_id: "skipped",
    }  # fmt: skip


def test_editor_chooses_the_readers_and_sees_how_many_they_are(client: Client, updates: Newsletter) -> None:
    client.force_login(make_editor())
    label = Label.objects.create(name="Volunteers")
    make_subscription(newsletter=updates, email="volunteer@example.org").subscriber.labels.add(label)
    make_subscription(newsletter=updates, email="other@example.org")
    issue = make_issue(newsletter=updates)
    here = f"/admin/audience/issue/{issue.pk}/"

    before = client.get(here).content.decode()
    client.post(here, {"label": label.pk, "cadence": "daily", "language": "", "topics": []})
    after = client.get(here).content.decode()

    assert ("2 readers" in before, "All active readers" in before) == (True, True)
    assert ("1 reader" in after, "volunteer@example.org" in after, "other@example.org" in after) == (True, True, False)
    issue.refresh_from_db()
    assert (issue.narrowing, issue.cadence) == ({"label": label.pk}, "daily")


def test_what_went_out_keeps_its_readers(client: Client, updates: Newsletter) -> None:
    client.force_login(make_editor())
    make_subscription(newsletter=updates)
    issue = announcement(updates)
    campaigns.launch(issue, now=NOW)

    page = client.post(f"/admin/audience/issue/{issue.pk}/", {"language": "en"}, follow=True)

    assert "nothing of it can be changed" in page.content.decode()
    issue.refresh_from_db()
    assert issue.narrowing == {}


def test_digest_is_not_narrowed(client: Client) -> None:
    client.force_login(make_editor())

    assert client.get(f"/admin/audience/issue/{make_issue().pk}/").status_code == 403


def test_narrowing_is_a_version_that_an_approver_must_have_seen_and_that_is_taken_back(
    client: Client, updates: Newsletter
) -> None:
    publisher, editor = make_editor(username="ada"), make_editor(username="ben")
    label = Label.objects.create(name="Volunteers")
    issue = make_issue(newsletter=updates, body="The office is closed.", send_at=NOW + timedelta(days=1))
    client.force_login(editor)

    client.post(f"/admin/audience/issue/{issue.pk}/", {"label": label.pk, "seen": issue.version})

    with pytest.raises(StaleError, match="whom it is for"):
        approval.approve(issue, by=publisher, now=NOW, seen=issue.version)
    issue.refresh_from_db()
    assert issue.status == Issue.Status.DRAFT
    page = client.get(reverse("issue_desk:versions", args=[issue.pk])).content.decode()
    assert "Volunteers" in page
    Desk(issue, by=editor, seen=issue.version, now=NOW).undo()
    issue.refresh_from_db()
    assert issue.narrowing == {}


def test_second_editor_does_not_overwrite_readers_that_they_have_not_seen(client: Client, updates: Newsletter) -> None:
    label = Label.objects.create(name="Volunteers")
    issue = make_issue(newsletter=updates, body="The office is closed.")
    seen = issue.version
    Desk(issue, by=make_editor(username="ada"), seen=seen, now=NOW).narrow(Narrowing(label=label.pk), cadence="")
    client.force_login(make_editor(username="ben"))

    answer = client.post(f"/admin/audience/issue/{issue.pk}/", {"language": "en", "seen": seen}, follow=True)

    issue.refresh_from_db()
    assert issue.narrowing == {"label": label.pk}
    assert "ada changed this meanwhile" in answer.content.decode()


def test_bringing_back_an_old_text_leaves_the_readers_alone(updates: Newsletter) -> None:
    editor, label = make_editor(), Label.objects.create(name="Volunteers")
    issue = make_issue(newsletter=updates, body="The office is closed.")

    def hand() -> Desk:
        issue.refresh_from_db()
        return Desk(issue, by=editor, seen=issue.version, now=NOW)

    hand().write({"body": "The office is open."})
    old = issue.versions.order_by("-pk")[0]
    hand().narrow(Narrowing(label=label.pk), cadence="daily")
    hand().write({"body": "The office is closed on Monday."})
    hand().restore(old)

    issue.refresh_from_db()
    assert (issue.body, issue.narrowing, issue.cadence) == ("The office is open.", {"label": label.pk}, "daily")


def test_desk_says_whom_it_is_for_to_who_approves_it(client: Client, updates: Newsletter) -> None:
    client.force_login(make_editor())
    label = Label.objects.create(name="Volunteers")
    issue = make_issue(newsletter=updates, body="The office is closed.", send_at=timezone.now() + timedelta(days=1))
    desk = reverse("issue_desk:desk", args=[issue.pk])

    before = client.get(desk).content.decode()
    Issue.objects.filter(pk=issue.pk).update(narrowing={"label": label.pk})
    after = client.get(desk).content.decode()

    assert "All active readers of the newsletter." in before
    assert "Active readers who have the label “Volunteers”." in after


def test_where_readers_are_many_the_worker_counts_and_the_page_says_what_it_found(
    client: Client, updates: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.delivery.desk.narrowing.views.MOST_COUNTED", 2)
    client.force_login(make_editor())
    label = Label.objects.create(name="Volunteers")
    readers = [make_subscription(newsletter=updates).subscriber for _ in range(4)]
    for reader in readers[:3]:
        reader.labels.add(label)
    suppress(email=readers[0].email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    far = timezone.now() + timedelta(days=20)
    issue = make_issue(newsletter=updates, body="The office is closed.", send_at=far)
    here = f"/admin/audience/issue/{issue.pk}/"

    assert "are being counted" in client.get(here).content.decode()
    outlooks.renew(clock=timezone.now)
    assert "3 readers" in client.get(here).content.decode()
    client.post(here, {"label": label.pk, "cadence": "", "language": "", "topics": []})
    assert "are being counted" in client.get(here).content.decode()
    outlooks.renew(clock=lambda: timezone.now() + timedelta(minutes=1))

    assert "2 readers" in client.get(here).content.decode()
    assert outlooks.renew(clock=lambda: timezone.now() + timedelta(hours=1)) == 0


def measured(newsletter: Newsletter, *, mailed_ago: int = 3, clicked_ago: int | None = None) -> Subscription:
    """A reader who agreed, got a mail so many days ago, and perhaps clicked in it."""
    subscription = make_subscription(newsletter=newsletter)
    Subscriber.objects.filter(pk=subscription.subscriber_id).update(allows_measuring=True)
    at = NOW - timedelta(days=mailed_ago)
    send = make_send(
        edition=make_edition(issue=make_issue(newsletter=newsletter)), subscription=subscription, status="sent",
        settled_at=at,
    )  # fmt: skip
    if clicked_ago is not None:
        at = NOW - timedelta(days=clicked_ago)
        Event.objects.create(send=send, kind="clicked", source="link", source_id=str(send.pk), at=at)
    return subscription


def test_active_are_those_who_were_seen_and_inactive_those_who_could_have_been(updates: Newsletter) -> None:
    Newsletter.objects.update(measures_clicks=True)
    updates.refresh_from_db()
    clicked, clicked_before = measured(updates, clicked_ago=2), measured(updates, mailed_ago=9, clicked_ago=9)
    quiet, not_mailed = measured(updates), measured(updates, mailed_ago=20)
    not_measured, elsewhere = measured(updates, clicked_ago=2), measured(make_newsletter(), clicked_ago=2)
    Subscriber.objects.filter(pk=not_measured.subscriber_id).update(allows_measuring=False)
    here = make_subscription(newsletter=updates, subscriber=elsewhere.subscriber)

    active = of(announcement(updates, activity="active", days=7))
    inactive = of(announcement(updates, activity="inactive", days=7))
    longer = of(announcement(updates, activity="active", days=10))

    assert active == {clicked.pk}
    assert longer == {clicked.pk, clicked_before.pk}
    assert inactive == {quiet.pk}
    assert {not_mailed.pk, here.pk, not_measured.pk}.isdisjoint(active | inactive)


def test_activity_is_that_before_the_launch_whatever_comes_after(updates: Newsletter) -> None:
    Newsletter.objects.update(measures_clicks=True)
    updates.refresh_from_db()
    reader = measured(updates, mailed_ago=3, clicked_ago=-1)
    issue = announcement(updates, activity="inactive", days=7)
    issue.launched_at = NOW

    assert of(issue) == {reader.pk}


def test_who_measures_nothing_any_more_has_nobody_active_or_inactive(updates: Newsletter) -> None:
    measured(updates)

    assert of(announcement(updates, activity="inactive", days=7)) == set()


def test_page_offers_activity_only_where_it_is_measured_and_says_of_how_many(
    client: Client, updates: Newsletter
) -> None:
    client.force_login(make_editor())
    measured(updates, clicked_ago=1)
    make_subscription(newsletter=updates)
    issue = make_issue(newsletter=updates, body="The office is closed.")
    url = f"/admin/audience/issue/{issue.pk}/"

    before = client.get(url).content.decode()
    Newsletter.objects.update(measures_clicks=True)
    after = client.post(url, {"activity": "active", "days": "14", "seen": issue.version}, follow=True).content.decode()

    issue.refresh_from_db()
    assert 'name="activity"' not in before
    assert "measures neither opens nor clicks" in before
    assert "1 reader of the newsletter agreed to be measured" in after
    assert "opened or clicked something in the last 14 days" in after
    assert issue.narrowing == {"activity": "active", "days": 14}
