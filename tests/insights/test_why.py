"""Every question why somebody did, or didn't, get an issue has an answer in a sentence."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue
from newsletter.engagement.models import Event
from newsletter.insights.desk import choosing
from newsletter.insights.why import explain
from newsletter.subscribers import changes
from newsletter.subscribers.models import ConsentRecord, Subscription, Suppression
from newsletter.subscribers.preferences import Choice, Preferences, save_preferences
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MOST_QUERIES = 17


def launched(subscription: Subscription, **fields: object) -> Issue:
    """An issue with one article, launched at NOW for whoever is there."""
    articles = fields.pop("articles", None) or [factories.make_article()]
    values = {"articles": articles, "status": Issue.Status.APPROVED, "approved_at": NOW, **fields}
    issue = factories.make_issue(newsletter=subscription.newsletter, **values)  # type: ignore[arg-type]
    assert campaigns.launch(issue, now=NOW)
    return issue


def sentence(subscription: Subscription, issue: Issue) -> str:
    issue.refresh_from_db()
    return explain(subscriber=subscription.subscriber, issue=issue).sentence


def another_reader(subscription: Subscription) -> Subscription:
    return factories.make_subscription(newsletter=subscription.newsletter)


@pytest.mark.usefixtures("mailbox_mailers")
def test_who_got_it_is_told_when_and_what_was_reported_since() -> None:
    subscription = factories.make_subscription()
    issue = launched(subscription)
    dispatch.drain(issue.campaign, clock=lambda: NOW, seconds=60)
    send = Send.objects.get()
    Event.objects.create(send=send, kind=Event.Kind.DELIVERED, source="mailgun", source_id="1", at=NOW)

    answer = explain(subscriber=subscription.subscriber, issue=issue)

    assert answer.sentence.startswith(f"They got {issue}: the mail server accepted it")
    assert "delivered" in " ".join(answer.because)
    assert [(fate.is_in, fate.why) for fate in answer.articles] == [(True, "story")]


def test_issue_that_nobody_got_yet_says_where_it_stands() -> None:
    subscription = factories.make_subscription()
    held = factories.make_issue(newsletter=subscription.newsletter, status=Issue.Status.HELD, reason="Look again.")
    draft = factories.make_issue(newsletter=subscription.newsletter)

    assert sentence(subscription, held).endswith("it is held. Look again.")
    assert "it is not approved" in sentence(subscription, draft)


def test_nothing_new_is_explained_article_by_article() -> None:
    topic, other = factories.make_topic(), factories.make_topic()
    subscription = factories.make_subscription(topics=[topic])
    another_reader(subscription)
    had = factories.make_article(topics=[topic])
    earlier = factories.make_edition(articles=[had])
    factories.make_send(
        edition=earlier, subscription=subscription, status=Send.Status.SENT, settled_at=NOW - HOUR,
        campaign=factories.make_campaign(issue=earlier.issue, started_at=NOW - HOUR),
    )  # fmt: skip
    issue = launched(subscription, articles=[had, factories.make_article(topics=[other])])

    answer = explain(subscriber=subscription.subscriber, issue=issue)

    assert answer.sentence == f"They did not get {issue}: nothing in it was new for them."
    planned = f"It was planned for them with the readers of these topics: {topic.name}, who had had 1 of its articles"
    assert f"{planned} by then." in answer.because
    assert {fate.why for fate in answer.articles} == {
        f"they had it in {earlier.issue}", "in none of the topics that they follow"
    }  # fmt: skip


def test_topics_of_that_time_explain_it_not_those_of_today() -> None:
    topic, other = factories.make_topic(), factories.make_topic()
    subscription = factories.make_subscription(topics=[topic])
    another_reader(subscription)
    issue = launched(subscription, articles=[factories.make_article(topics=[other])])
    choice = Choice(subscription.newsletter, is_wanted=True, cadence="daily", topics=(other.slug,))
    save_preferences(subscriber=subscription.subscriber, preferences=Preferences((choice,)), now=NOW + HOUR)

    answer = explain(subscriber=subscription.subscriber, issue=issue)

    assert [fate.why for fate in answer.articles] == ["in none of the topics that they follow"]


def test_suppressed_address_is_the_reason() -> None:
    subscription = factories.make_subscription()
    another_reader(subscription)
    suppress(email=subscription.subscriber.email, reason=Suppression.Reason.COMPLAINT, now=NOW - HOUR)
    issue = launched(subscription)

    answer = explain(subscriber=subscription.subscriber, issue=issue)

    assert answer.sentence == f"They did not get {issue}: their address is on the suppression list."
    assert any("complaint" in fact for fact in answer.because)


def test_who_had_left_before_is_told_so() -> None:
    subscription = factories.make_subscription()
    another_reader(subscription)
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.ONE_CLICK, now=NOW - HOUR)
    issue = launched(subscription)

    assert "they had left on" in sentence(subscription, issue)
    assert "one-click" in sentence(subscription, issue)


def test_who_came_back_later_had_left_then() -> None:
    subscription = factories.make_subscription()
    another_reader(subscription)
    unsubscribe(subscription=subscription, method=ConsentRecord.Method.PAGE, now=NOW - HOUR)
    issue = launched(subscription)
    factories.make_consent(subscription, at=NOW + HOUR)
    Subscription.objects.filter(pk=subscription.pk).update(status="active", ended_at=None)

    assert "they had left on" in sentence(subscription, issue)


def test_who_never_signed_up_or_joined_later_or_did_not_confirm_is_told_so() -> None:
    active = factories.make_subscription()
    stranger = factories.make_subscription()
    late = factories.make_subscription(newsletter=active.newsletter, confirmed_at=NOW + HOUR, status="paused")
    pending = factories.make_subscription(newsletter=active.newsletter, confirmed_at=None, status="pending")
    issue = launched(active)

    assert "they have never signed up for" in sentence(stranger, issue)
    assert "they joined only on" in sentence(late, issue)
    assert "have not used the link" in sentence(pending, issue)


def test_pause_of_that_time_is_the_reason_although_it_ended_since() -> None:
    subscription = factories.make_subscription(status="paused")
    another_reader(subscription)
    issue = launched(subscription)
    with changes.recorded(subscription.subscriber, author=changes.READER, now=NOW + HOUR):
        subscription.resume()

    assert sentence(subscription, issue) == (f"They did not get {issue}: they had paused {subscription.newsletter}.")


def test_cadence_of_that_time_is_the_reason() -> None:
    subscription = factories.make_subscription(cadence="weekly")
    another_reader(subscription)
    issue = launched(subscription, cadence="daily")

    assert "it is for readers who chose “once a day”, and they had chosen “once a week”" in sentence(
        subscription, issue
    )


def test_weekly_reader_of_another_day_is_told_so() -> None:
    newsletter = factories.make_newsletter(offers_delivery_time=True, offered_weekdays=[0, 1], cadences=["weekly"])
    schedule = factories.make_schedule(newsletter=newsletter, cadence="weekly", weekdays=[0])
    subscription = factories.make_subscription(
        newsletter=newsletter, cadence="weekly", weekday=1, confirmed_at=NOW - HOUR
    )
    factories.make_subscription(newsletter=newsletter, cadence="weekly", weekday=0, confirmed_at=NOW - HOUR)

    issue = launched(subscription, schedule=schedule, cadence="weekly", run_date=NOW.date())

    assert sentence(subscription, issue).endswith("their day of the week is another.")


def test_what_nothing_explains_is_said_to_be_unexplained() -> None:
    subscription = factories.make_subscription()
    issue = launched(subscription)
    Send.objects.all().delete()

    assert "nothing that is kept says why" in sentence(subscription, issue)


def test_per_cent_signs_in_names_do_no_harm(client: Client) -> None:
    newsletter = factories.make_newsletter(name="100 %(x)s %d")
    subscription = factories.make_subscription(newsletter=newsletter, cadence="weekly")
    another_reader(subscription)
    issue = launched(subscription, cadence="daily")

    assert "100 %(x)s %d" in sentence(subscription, issue)


@pytest.mark.parametrize("reason", Send.Reason.values)
def test_every_reason_of_the_ledger_makes_a_sentence(reason: str) -> None:
    send = factories.make_send(status=Send.Status.SKIPPED, reason=reason, settled_at=NOW)
    issue = send.campaign.issue
    issue.launched_at = NOW
    assert send.subscriber

    told = explain(subscriber=send.subscriber, issue=issue).sentence

    assert told.startswith(f"They did not get {issue}: ")
    assert "%" not in told


def test_answer_costs_few_queries_and_shows_on_its_page(client: Client) -> None:
    subscription = factories.make_subscription()
    issue = launched(subscription, articles=[factories.make_article() for _number in range(12)])
    with CaptureQueriesContext(connection) as queries:
        explain(subscriber=subscription.subscriber, issue=issue)
    client.force_login(factories.make_editor())

    response = client.get(reverse("desk:why", args=[subscription.subscriber.pk]), {"issue": issue.pk})

    assert len(queries) <= MOST_QUERIES
    assert response.status_code == 200
    assert "is on its way to them" in response.text
    assert client.get(reverse("desk:why", args=[subscription.subscriber.pk]), {"issue": "x"}).status_code == 404


def test_every_issue_can_be_reached_with_what_the_ledger_says(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "PAGE_SIZE", 2)
    send = factories.make_send(status=Send.Status.SKIPPED, reason=Send.Reason.TOO_FEW, settled_at=NOW)
    assert send.subscriber
    issue = send.campaign.issue
    other = factories.make_issue(send_at=NOW - 100 * HOUR)
    older = [factories.make_issue(newsletter=issue.newsletter, send_at=NOW - n * HOUR) for n in (5, 5, 9)]
    client.force_login(factories.make_editor())
    address = reverse("desk:issues", args=[send.subscriber.pk])

    found, query = [], {"newsletter": str(issue.newsletter_id)}
    while True:
        response = client.get(address, query)
        found += [row.issue for row in response.context["page"].rows]
        if not (before := response.context["page"].older):
            break
        query["before"] = before
    first = client.get(address)

    assert found == [issue, older[1], older[0], older[2]]
    assert other not in found
    assert "skipped: fewer articles than the minimum" in first.text
    assert f"{reverse('desk:why', args=[send.subscriber.pk])}?issue={issue.pk}" in first.text
    assert client.get(address, {"before": "x", "newsletter": "x"}).status_code == 200


def test_reader_whose_hour_has_not_come_is_told_when_it_does() -> None:
    newsletter = factories.make_newsletter(offers_delivery_time=True)
    mine = factories.make_subscription(newsletter=newsletter, hour=20)
    factories.make_subscription(newsletter=newsletter)
    schedule = factories.make_schedule(newsletter=newsletter)
    issue = factories.make_issue(
        newsletter=newsletter, schedule=schedule, cadence="daily", run_date=NOW.date(),
        articles=[factories.make_article()],
        status=Issue.Status.APPROVED, approved_at=NOW,
    )  # fmt: skip
    campaigns.launch(issue, now=NOW)

    answer = explain(subscriber=mine.subscriber, issue=issue)

    assert "at their own hour" in answer.sentence
    assert "20:00" in answer.sentence


def test_offers_are_accounted_for_in_what_a_reader_got() -> None:
    special, newsletter = factories.make_newsletter(kind="offers"), factories.make_newsletter()
    free, full = (
        factories.make_offer(place="lead"),
        factories.make_offer(place="end", ceiling=1, advertiser="Harbor Tours"),
    )
    for offer in (free, full):
        offer.newsletters.add(newsletter)
    asking = [factories.make_subscription(newsletter=newsletter) for _ in range(2)]
    for each in asking:
        factories.make_subscription(newsletter=special, subscriber=each.subscriber)
    refusing = factories.make_subscription(newsletter=newsletter)
    issue = factories.make_issue(
        newsletter=newsletter, articles=[factories.make_article()], status="approved", approved_at=NOW
    )
    campaigns.launch(issue, now=NOW)

    told = [" ".join(explain(subscriber=each.subscriber, issue=issue).because) for each in (*asking, refusing)]

    assert sum("Harbor Tours: Two cups for one” was in it" in each for each in told) == 1
    assert sum("others made up the readers" in each for each in told) == 1
    assert sum("Quay Coffee: Two cups for one” was in it" in each for each in told) == 2
    assert "they get no offers" in told[2]


def test_who_an_announcement_or_a_correction_was_not_for_is_told() -> None:
    newsletter = factories.make_newsletter(kind="announcements", language="en")
    reader = factories.make_subscription(newsletter=newsletter)
    factories.make_subscription(newsletter=newsletter, subscriber=factories.make_subscriber(language="de"))
    issue = factories.make_issue(
        newsletter=newsletter, body="Closed.", status="approved", approved_at=NOW, narrowing={"language": "de"}
    )
    campaigns.launch(issue, now=NOW)

    answer = explain(subscriber=reader.subscriber, issue=issue)

    assert "only for readers who read German" in answer.sentence
