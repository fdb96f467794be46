"""Offers: only for those who asked for offers, never alone, by turns, and to no more readers than agreed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from newsletter.delivery import campaigns, dispatch, forecasting
from newsletter.delivery.models import Campaign, MailboxMessage, Send
from newsletter.digests.models import Edition, Issue, IssueOffer, Offer
from newsletter.digests.rendering import render_edition, render_web
from newsletter.digests.rotation import whose_turn
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription
from tests.delivery.conftest import Clock
from tests.factories import (
    NOW,
    make_article,
    make_issue,
    make_newsletter,
    make_offer,
    make_schedule,
    make_subscription,
)

pytestmark = pytest.mark.django_db

MakeIssue = Callable[..., Issue]


@pytest.fixture
def special() -> Newsletter:
    return make_newsletter(kind="offers", slug="special-offers", name="Special offers")


def booked(*newsletters: Newsletter, **fields: object) -> Offer:
    offer = make_offer(**fields)
    offer.newsletters.set(newsletters)
    return offer


def reader(newsletter: Newsletter, *, asks: Newsletter | None = None) -> Subscription:
    subscription = make_subscription(newsletter=newsletter)
    if asks:
        make_subscription(newsletter=asks, subscriber=subscription.subscriber)
    return subscription


def launched(issue: Issue) -> Campaign:
    campaign = campaigns.launch(issue, now=NOW)
    assert campaign is not None
    return campaign


def shown(campaign: Campaign) -> Mapping[int | None, set[int]]:
    """subscription -> the offers in its mail"""
    editions = {edition.pk: set(edition.offers.values_list("pk", flat=True)) for edition in Edition.objects.all()}
    sends = campaign.sends.exclude(edition=None)
    return {send.subscriber_id: editions[send.edition_id] for send in sends if send.edition_id}


def test_only_those_who_asked_for_offers_get_one_at_its_place(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    offer = booked(newsletter, place="lead", title="Two cups for one", advertiser="Quay Coffee")
    asking, refusing = reader(newsletter, asks=special), reader(newsletter)
    left = reader(newsletter, asks=special)
    Subscription.objects.filter(subscriber=left.subscriber, newsletter=special).update(status="ended", ended_at=NOW)

    campaign = launched(
        approved_issue(articles=[make_article(title="First"), make_article(title="Second")], is_arranged=True)
    )

    assert shown(campaign) == {
        asking.subscriber_id: {offer.pk},
        refusing.subscriber_id: set(),
        left.subscriber_id: set(),
    }
    edition = campaign.sends.get(subscriber=asking.subscriber_id).edition
    assert edition
    mail = render_edition(edition=edition)
    assert mail
    places = [mail.text.index(words) for words in ("First", "Advertisement", "Quay Coffee", "Two cups", "Second")]
    assert places == sorted(places)
    assert mail.html.index("Advertisement") < mail.html.index("Two cups") < mail.html.rindex("Second")
    plain = render_edition(edition=campaign.sends.get(subscriber=refusing.subscriber_id).edition)  # type: ignore[arg-type]
    assert plain
    assert "Two cups" not in plain.html + plain.text


def test_web_version_shows_it_labelled(newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue) -> None:
    booked(newsletter, place="end")
    reader(newsletter, asks=special)
    issue = launched(approved_issue()).issue

    html = render_web(issue=issue, now=NOW).html

    assert html.index("Advertisement") < html.index("Two cups for one")
    assert 'rel="sponsored' in html
    last_day = issue.carried_offers.get().offer.ends_on
    a_day_later = datetime.combine(last_day + timedelta(days=1), time(12), UTC)
    assert "Two cups for one" not in render_web(issue=issue, now=a_day_later).html


def test_who_gets_no_article_gets_no_offer(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    article = make_article()
    booked(newsletter)
    asking = reader(newsletter, asks=special)
    launched(approved_issue(articles=[article]))
    Send.objects.update(status="sent", settled_at=NOW)
    reader(newsletter)

    campaign = launched(approved_issue(articles=[article]))

    send = campaign.sends.get(subscriber=asking.subscriber_id)
    assert (send.status, send.reason, send.edition) == ("skipped", "nothing_new", None)


def test_issue_with_only_an_offer_is_not_sent(special: Newsletter) -> None:
    booked(special)
    make_subscription(newsletter=special)
    issue = make_issue(newsletter=special, status="approved", approved_at=NOW)

    assert campaigns.launch(issue, now=NOW) is None

    issue.refresh_from_db()
    assert issue.status == "skipped"


def test_edition_whose_articles_were_all_withdrawn_is_not_sent_for_its_offer(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue, clock: Clock, mailbox_mailers: None
) -> None:
    article = make_article()
    booked(newsletter)
    reader(newsletter, asks=special)
    campaign = launched(approved_issue(articles=[article]))
    article.withdraw(NOW)

    dispatch.drain(campaign, clock=clock, seconds=5)

    assert campaign.sends.get().reason == "withdrawn"


def test_edition_that_withdrawals_leave_an_advertisement_alone_is_not_sent(
    newsletter: Newsletter, approved_issue: MakeIssue, clock: Clock, mailbox_mailers: None
) -> None:
    news, ad = make_article(), make_article(is_sponsored=True)
    make_subscription(newsletter=newsletter)
    campaign = launched(approved_issue(articles=[news, ad]))
    news.withdraw(NOW)

    dispatch.drain(campaign, clock=clock, seconds=5)

    assert campaign.sends.get().reason == "withdrawn"


def test_who_leaves_the_offers_before_the_hand_over_gets_the_mail_without(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue, clock: Clock, mailbox_mailers: None
) -> None:
    booked(newsletter)
    stays, leaves = reader(newsletter, asks=special), reader(newsletter, asks=special)
    campaign = launched(approved_issue())
    Subscription.objects.get(newsletter=special, subscriber=leaves.subscriber).end(NOW, reason="one_click")

    dispatch.drain(campaign, clock=clock, seconds=5)

    mails = {mail.recipient: bytes(mail.raw) for mail in MailboxMessage.objects.all()}
    assert b"Two cups" in mails[stays.subscriber.email]
    assert b"Two cups" not in mails[leaves.subscriber.email]


def test_stopped_offer_is_in_no_mail_from_then_on(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue, clock: Clock, mailbox_mailers: None
) -> None:
    offer = booked(newsletter)
    reader(newsletter, asks=special)
    campaign = launched(approved_issue())
    Offer.objects.filter(pk=offer.pk).update(is_stopped=True)

    dispatch.drain(campaign, clock=clock, seconds=5)

    assert b"Two cups" not in bytes(MailboxMessage.objects.get().raw)


@pytest.mark.parametrize("fields", [
    {"starts_on": NOW.date() + timedelta(days=1), "ends_on": NOW.date() + timedelta(days=2)},
    {"starts_on": NOW.date() - timedelta(days=2), "ends_on": NOW.date() - timedelta(days=1)},
    {"is_stopped": True},
])  # fmt: skip
def test_offer_that_does_not_run_is_not_shown(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue, fields: dict[str, object]
) -> None:
    booked(newsletter, **fields)
    asking = reader(newsletter, asks=special)

    assert shown(launched(approved_issue())) == {asking.subscriber_id: set()}


def test_rivals_for_a_place_take_turns_by_weight(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    often, seldom = booked(newsletter, weight=2), booked(newsletter, weight=1)
    elsewhere = booked(newsletter, place="lead")
    reader(newsletter, asks=special)

    for _number in range(6):
        launched(approved_issue())

    turns = Counter(IssueOffer.objects.values_list("offer", flat=True))
    assert turns == {often.pk: 4, seldom.pk: 2, elsewhere.pk: 6}


@given(weights=st.dictionaries(st.integers(1, 50), st.integers(1, 6), min_size=1, max_size=5))
def test_each_has_exactly_its_share_after_a_round(weights: dict[int, int]) -> None:
    had: Counter[int] = Counter()
    for _turn in range(sum(weights.values())):
        had[whose_turn(weights, had)] += 1

    assert had == weights


def test_ceiling_is_kept_over_issues_and_what_failed_is_given_back(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    offer = booked(newsletter, ceiling=5)
    for _number in range(3):
        reader(newsletter, asks=special)

    first = launched(approved_issue())
    assert sum(bool(each) for each in shown(first).values()) == 3
    failed = first.sends.first()
    assert failed
    Send.objects.update(status="sent", settled_at=NOW)
    Send.objects.filter(pk=failed.pk).update(status="failed", reason="refused")
    second = launched(approved_issue())
    assert sum(bool(each) for each in shown(second).values()) == 3
    Send.objects.filter(campaign=second).update(status="sent", settled_at=NOW)
    third = launched(approved_issue())

    assert sum(bool(each) for each in shown(third).values()) == 0
    offer.refresh_from_db()
    assert (offer.shown_count, offer.is_used_up) == (5, True)
    assert third.sends.filter(status="queued").count() == 3  # they get the issue without it


def test_forecast_says_who_will_be_shown_what(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    offer = booked(newsletter, ceiling=2)
    for asks in (special, special, special, None):
        reader(newsletter, asks=asks)
    issue = approved_issue()

    forecast = forecasting.of_issue(issue, now=NOW)

    assert [(each.pk, count) for each, count in forecast.offers] == [(offer.pk, 2)]
    campaign = launched(issue)
    assert Counter(bool(each) for each in shown(campaign).values()) == {True: 2, False: 2}


def test_where_none_runs_readers_are_not_told_apart_and_nothing_more_is_asked(
    newsletter: Newsletter, special: Newsletter, approved_issue: MakeIssue
) -> None:
    for asks in (special, None):
        reader(newsletter, asks=asks)

    with CaptureQueriesContext(connection) as queries:
        campaign = launched(approved_issue())

    assert campaign.issue.editions.count() == 1
    assert not any("takes_offers" in query["sql"] for query in queries)


class CeilingHolds(TestCase):
    @hypothesis_settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
    @given(data=st.data())
    def test_whatever_is_launched_in_whatever_order(self, data: st.DataObject) -> None:
        newsletter, special = make_newsletter(), make_newsletter(kind="offers")
        rivals = [
            booked(
                newsletter,
                ceiling=data.draw(st.none() | st.integers(1, 12)),
                weight=data.draw(st.integers(1, 3)),
                place=data.draw(st.sampled_from(["lead", "stories", "end"])),
            )
            for _number in range(data.draw(st.integers(1, 3)))
        ]
        asking = data.draw(st.lists(st.booleans(), min_size=1, max_size=6))
        for asks in asking:
            reader(newsletter, asks=special if asks else None)
        for _number in range(data.draw(st.integers(1, 5))):
            campaign = campaigns.launch(
                make_issue(newsletter=newsletter, articles=[make_article()], status="approved", approved_at=NOW),
                now=NOW,
            )
            assert campaign
            for send in campaign.sends.all():
                fate = data.draw(st.sampled_from(["sent", "queued", "failed"]))
                Send.objects.filter(pk=send.pk).update(
                    status=fate, settled_at=NOW, reason="refused" if fate == "failed" else ""
                )

        wants = {
            pk: Subscription.objects.filter(subscriber=pk, newsletter=special).exists()
            for pk in Subscriber.objects.values_list("pk", flat=True)
        }
        for offer in rivals:
            got = Send.objects.holding().filter(edition__offers=offer)
            assert offer.ceiling is None or got.count() <= offer.ceiling
            assert all(wants[send.subscriber_id] for send in got if send.subscriber_id)


@pytest.mark.django_db(transaction=True)
def test_ceiling_holds_where_issues_are_launched_side_by_side(special: Newsletter) -> None:
    both = [make_newsletter(kind="announcements") for _ in range(2)]
    offer = booked(*both, ceiling=7)
    issues = []
    for each in both:
        for _number in range(6):
            reader(each, asks=special)
        issues += [
            make_issue(newsletter=each, body="Come and see.", status="approved", approved_at=NOW) for _ in range(2)
        ]
    start = Barrier(len(issues))

    def launch(issue: Issue) -> None:
        start.wait(10)
        try:
            campaigns.launch(issue, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(issues)) as pool:
        list(pool.map(launch, issues))

    assert Send.objects.filter(status="queued").count() == 24
    assert Send.objects.filter(edition__offers=offer).count() == 7


def test_ceiling_and_last_day_hold_over_the_waves_of_an_issue(special: Newsletter) -> None:
    newsletter = make_newsletter(offers_delivery_time=True)
    schedule = make_schedule(newsletter=newsletter)
    offer = booked(newsletter, ceiling=3, ends_on=NOW.date())
    for hour in (6, 6, 9, 9, 3):  # the last one's is tomorrow's
        subscription = make_subscription(newsletter=newsletter, hour=hour)
        make_subscription(newsletter=special, subscriber=subscription.subscriber)
    issue = make_issue(
        newsletter=newsletter, schedule=schedule, cadence="daily", articles=[make_article()], status="approved",
        approved_at=NOW, run_date=NOW.date(),
    )  # fmt: skip

    campaign = launched(issue)
    first = set(Send.objects.filter(edition__offers=offer).values_list("subscriber", flat=True))
    later = []
    for hours in (3, 21):
        campaigns.launch_wave(Campaign.objects.get(pk=campaign.pk), now=NOW + timedelta(hours=hours))
        later.append(Send.objects.filter(edition__offers=offer).count())

    assert campaign.sends.count() == 5
    assert (len(first), later) == (2, [3, 3])
    assert issue.carried_offers.count() == 1
