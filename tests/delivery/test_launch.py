"""From an approved issue to the ledger: who gets which edition, who gets nothing and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from articles.writing import merging
from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.approval import BlockedError
from newsletter.digests.models import Edition, Issue
from newsletter.subscribers.models import Newsletter, Subscription
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_article, make_newsletter, make_subscription, make_topic

pytestmark = pytest.mark.django_db

MakeIssue = Callable[..., Issue]


def launched(issue: Issue) -> Campaign:
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign is not None
    return campaign


def articles_of(send: Send) -> set[int]:
    assert send.edition
    return set(send.edition.articles.values_list("pk", flat=True))


def test_readers_get_the_articles_of_their_topics_and_share_editions(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    harbor, schools = make_topic(), make_topic()
    on_harbor, on_schools, on_both = (
        make_article(topics=[harbor]),
        make_article(topics=[schools]),
        make_article(topics=[harbor, schools]),
    )
    follows_harbor = [make_subscription(newsletter=newsletter, topics=[harbor]) for _ in range(2)]
    follows_all = make_subscription(newsletter=newsletter)

    campaign = launched(approved_issue(articles=[on_harbor, on_schools, on_both]))

    sends = {send.subscriber_id: send for send in campaign.sends.all()}
    assert articles_of(sends[follows_harbor[0].subscriber_id]) == {on_harbor.pk, on_both.pk}
    assert sends[follows_harbor[0].subscriber_id].edition_id == sends[follows_harbor[1].subscriber_id].edition_id
    assert articles_of(sends[follows_all.subscriber_id]) == {on_harbor.pk, on_schools.pk, on_both.pk}
    assert Edition.objects.count() == 2


def test_only_active_readers_of_the_cadence_are_in_the_ledger(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    daily = make_subscription(newsletter=newsletter, cadence="daily")
    make_subscription(newsletter=newsletter, cadence="weekly")
    make_subscription(newsletter=newsletter, status=Subscription.Status.PENDING, confirmed_at=None)
    make_subscription(newsletter=newsletter, status=Subscription.Status.PAUSED)
    make_subscription(newsletter=newsletter, status=Subscription.Status.ENDED, ended_at=NOW)
    make_subscription(newsletter=make_newsletter())

    campaign = launched(approved_issue(cadence="daily"))

    assert [send.subscriber_id for send in campaign.sends.all()] == [daily.subscriber_id]


def test_suppressed_reader_is_in_the_ledger_as_skipped(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    make_subscription(newsletter=newsletter)
    suppressed = make_subscription(newsletter=newsletter)
    suppress(email=suppressed.subscriber.email, reason="by_hand", now=NOW)  # type: ignore[arg-type]

    campaign = launched(approved_issue())

    send = campaign.sends.get(subscriber=suppressed.subscriber_id)
    assert (send.status, send.reason) == (Send.Status.SKIPPED, Send.Reason.SUPPRESSED)


def test_reader_who_had_everything_is_skipped_and_the_late_joiner_is_not(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    articles = [make_article(), make_article()]
    early = make_subscription(newsletter=newsletter)
    launched(approved_issue(articles=articles)).sends.update(status=Send.Status.SENT)
    late = make_subscription(newsletter=newsletter)

    campaign = launched(approved_issue(articles=articles))

    assert campaign.sends.get(subscriber=early.subscriber_id).reason == Send.Reason.NOTHING_NEW
    assert campaign.sends.get(subscriber=late.subscriber_id).status == Send.Status.QUEUED


@pytest.mark.parametrize(
    ("status", "reason", "is_owed_again"),
    [("sent", "", False), ("queued", "", False), ("deferred", "", False), ("failed", "refused", True)],
)
def test_what_is_on_its_way_is_not_sent_twice_and_what_failed_is_owed_again(
    newsletter: Newsletter,
    approved_issue: MakeIssue,
    status: str,
    reason: str,
    is_owed_again: bool,
) -> None:
    articles = [make_article()]
    make_subscription(newsletter=newsletter)
    launched(approved_issue(articles=articles)).sends.update(status=status, reason=reason)

    second = campaigns.launch(approved_issue(articles=articles), now=NOW)

    assert (second is not None) is is_owed_again


def test_article_of_another_newsletter_counts_as_received(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    article = make_article()
    reader = make_subscription(newsletter=newsletter)
    other = make_newsletter()
    make_subscription(newsletter=other, subscriber=reader.subscriber)
    launched(approved_issue(newsletter=other, articles=[article])).sends.update(status=Send.Status.SENT)

    issue = approved_issue(articles=[article])

    assert campaigns.launch(issue, now=NOW) is None


def test_duplicate_that_was_merged_counts_as_received(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    duplicate, article = make_article(), make_article()
    make_subscription(newsletter=newsletter)
    launched(approved_issue(articles=[duplicate])).sends.update(status=Send.Status.SENT)

    merging.merge(duplicate=duplicate, into=article, editor=None, now=NOW)

    assert campaigns.launch(approved_issue(articles=[article]), now=NOW) is None


def test_issue_with_nothing_new_for_anybody_is_skipped_and_says_so(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    articles = [make_article()]
    make_subscription(newsletter=newsletter)
    launched(approved_issue(articles=articles)).sends.update(status=Send.Status.SENT)
    issue = approved_issue(articles=articles)

    campaigns.launch(issue, now=NOW)

    issue.refresh_from_db()
    assert issue.status == Issue.Status.SKIPPED
    assert "Nothing new" in issue.reason
    assert issue.launched_at is None


def test_issue_without_readers_is_skipped_and_says_so(approved_issue: MakeIssue) -> None:
    issue = approved_issue()

    assert campaigns.launch(issue, now=NOW) is None

    issue.refresh_from_db()
    assert (issue.status, "no active readers" in issue.reason) == (Issue.Status.SKIPPED, True)


def test_withdrawn_and_expired_articles_are_in_no_edition(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    stays, withdrawn, expired = make_article(), make_article(), make_article(expires_at=NOW - timedelta(minutes=1))
    issue = approved_issue(articles=[stays, withdrawn, expired])
    withdrawn.withdraw(NOW)
    make_subscription(newsletter=newsletter)

    campaign = launched(issue)

    assert articles_of(campaign.sends.get()) == {stays.pk}


def test_article_that_was_released_since_the_rule_approved_goes_along(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    make_subscription(newsletter=newsletter)
    issue = approved_issue()
    late = make_article()

    assert late.pk in articles_of(launched(issue).sends.get())


def test_launching_twice_makes_one_campaign(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    make_subscription(newsletter=newsletter)
    issue = approved_issue()
    same = Issue.objects.get(pk=issue.pk)

    first, second = campaigns.launch(issue, now=NOW), campaigns.launch(same, now=NOW)

    assert first is not None
    assert second is None
    assert Campaign.objects.count() == 1


def test_database_refuses_a_second_send_per_reader_and_issue(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    make_subscription(newsletter=newsletter)
    send = launched(approved_issue()).sends.get()

    with pytest.raises(IntegrityError, match=r"one_send_per_subscriber_and_campaign|UNIQUE"), transaction.atomic():
        Send.objects.create(campaign=send.campaign, subscriber=send.subscriber, edition=send.edition)


def test_announcement_without_text_is_skipped_and_says_so(approved_issue: MakeIssue) -> None:
    updates = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    make_subscription(newsletter=updates)
    issue = approved_issue(newsletter=updates, articles=[make_article()])

    assert campaigns.launch(issue, now=NOW) is None

    issue.refresh_from_db()
    assert (issue.status, "Nothing to say" in issue.reason) == (Issue.Status.SKIPPED, True)


@pytest.mark.parametrize("readers", [1, 30])
def test_launch_costs_the_same_queries_for_any_number_of_readers(
    newsletter: Newsletter,
    approved_issue: MakeIssue,
    readers: int,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    for _ in range(readers):
        make_subscription(newsletter=newsletter)
    issue = approved_issue()

    with django_assert_max_num_queries(69):  # type: ignore[attr-defined]  # three of them PostgreSQL alone needs
        launched(issue)


@pytest.mark.parametrize(
    "change",
    [
        {"send_at": NOW + timedelta(hours=2)},
        {"status": Issue.Status.HELD, "reason": "Held by Ada."},
        {"status": Issue.Status.DRAFT},
        {"status": Issue.Status.CANCELLED},
    ],
)
def test_issue_that_was_put_off_since_the_sweep_found_it_stays(
    newsletter: Newsletter, approved_issue: MakeIssue, change: dict[str, object]
) -> None:
    make_subscription(newsletter=newsletter)
    found = approved_issue()
    Issue.objects.filter(pk=found.pk).update(**change)

    assert campaigns.launch(found, now=NOW) is None

    stored = Issue.objects.get(pk=found.pk)
    assert {name: getattr(stored, name) for name in change} == change
    assert (stored.launched_at, Campaign.objects.count()) == (None, 0)


def test_launch_sends_what_an_editor_changed_since_the_sweep_found_it(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    harbor = make_subscription(newsletter=newsletter, cadence="weekly")
    make_subscription(newsletter=newsletter, cadence="daily")
    found = approved_issue(cadence="daily")
    Issue.objects.filter(pk=found.pk).update(cadence="weekly")

    assert [send.subscriber_id for send in launched(found).sends.all()] == [harbor.subscriber_id]


def test_reader_of_a_topic_that_has_only_an_advertisement_waits(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    harbor, schools = make_topic(), make_topic()
    only_an_ad = make_subscription(newsletter=newsletter, topics=[harbor])
    with_news = make_subscription(newsletter=newsletter, topics=[harbor, schools])
    ad, news = make_article(topics=[harbor], is_sponsored=True), make_article(topics=[schools])

    campaign = launched(approved_issue(articles=[ad, news]))

    skipped = campaign.sends.get(subscriber=only_an_ad.subscriber_id)
    assert (skipped.status, skipped.reason) == (Send.Status.SKIPPED, Send.Reason.NOTHING_NEW)
    assert articles_of(campaign.sends.get(subscriber=with_news.subscriber_id)) == {ad.pk, news.pk}


def test_nothing_is_sent_at_once_that_the_preflight_finds_wrong(newsletter: Newsletter) -> None:
    Newsletter.objects.filter(pk=newsletter.pk).update(postal_address="")
    newsletter.refresh_from_db()
    make_article()

    with pytest.raises(BlockedError, match="It cannot be sent: The newsletter has no postal address"):
        campaigns.send_now(newsletter=newsletter, now=NOW)

    assert not Issue.objects.exists()
