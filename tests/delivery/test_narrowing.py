"""Announcements go to the readers that somebody chose, and to no others."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from newsletter.delivery import audience, campaigns
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Label, Newsletter, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import (
    NOW,
    make_editor,
    make_issue,
    make_newsletter,
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

    assert "Nothing was changed" in page.content.decode()
    issue.refresh_from_db()
    assert issue.narrowing == {}


def test_digest_is_not_narrowed(client: Client) -> None:
    client.force_login(make_editor())

    assert client.get(f"/admin/audience/issue/{make_issue().pk}/").status_code == 403
