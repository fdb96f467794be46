"""Cancelling while workers are busy: the books close, and the articles of whoever did not get it are owed again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from articles.models import Article
from newsletter.delivery import campaigns, claiming, sweeping
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.settling import Ledger
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.factories import NOW, make_subscription

pytestmark = pytest.mark.django_db

MakeIssue = Callable[..., Issue]


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: MakeIssue) -> Campaign:
    for _ in range(3):
        make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    return campaign


def sweep(*, minutes: int = 0) -> None:
    for _campaign in sweeping.sweep(now=NOW + timedelta(minutes=minutes)):
        pass


def test_what_a_worker_held_and_gave_back_is_cancelled_too(
    campaign: Campaign, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    claim = claiming.claim(campaign, now=NOW)
    assert claim is not None
    ledger = Ledger(campaign, clock=lambda: NOW)
    ledger.open(claim)
    ledger.note(Outcome(claim.waiting[0].send_pk, Fate.ACCEPTED))
    ledger.note(Outcome(claim.waiting[1].send_pk, Fate.DEFERRED, "450 later"))

    campaigns.cancel(campaign, now=NOW)
    ledger.close()
    sweep()

    assert sorted(campaign.sends.values_list("status", "reason")) == [
        ("sent", ""),
        ("skipped", "cancelled"),
        ("skipped", "cancelled"),
    ]
    again = campaigns.launch(approved_issue(articles=list(Article.objects.all())), now=NOW)
    assert again is not None
    assert again.sends.filter(status=Send.Status.QUEUED).count() == 2


def test_what_a_worker_held_that_died_is_cancelled_too(campaign: Campaign) -> None:
    claiming.claim(campaign, now=NOW)

    campaigns.cancel(campaign, now=NOW)
    sweep(minutes=4)

    assert set(campaign.sends.values_list("status", "reason")) == {("skipped", "cancelled")}
