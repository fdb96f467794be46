"""Cancelling while workers are busy: the books close, and the articles of whoever did not get it are owed again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from articles.models import Article
from newsletter.delivery import campaigns, claiming, ending
from newsletter.delivery.models import Batch, Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.settling import Ledger
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import sweep_and_end
from tests.factories import NOW, make_send, make_subscription

pytestmark = pytest.mark.django_db

MakeIssue = Callable[..., Issue]


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: MakeIssue) -> Campaign:
    for _ in range(3):
        make_subscription(newsletter=newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    return campaign


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
    sweep_and_end()

    assert sorted(campaign.sends.values_list("status", "reason")) == [
        ("sent", ""),
        ("skipped", "cancelled"),
        ("skipped", "cancelled"),
    ]
    again = campaigns.launch(approved_issue(articles=list(Article.objects.all())), now=NOW)
    assert again is not None
    assert again.sends.filter(status=Send.Status.QUEUED).count() == 2


def test_who_may_have_it_already_is_not_said_to_be_without_it(campaign: Campaign) -> None:
    claim = claiming.claim(campaign, now=NOW)
    assert claim is not None
    ledger = Ledger(campaign, clock=lambda: NOW)
    ledger.open(claim)
    ledger.note(Outcome(claim.waiting[0].send_pk, Fate.UNKNOWN, "the connection broke off"))

    campaigns.cancel(campaign, now=NOW)
    ledger.close()
    sweep_and_end()

    assert sorted(campaign.sends.values_list("status", "reason")) == [
        ("failed", "unknown"),
        ("skipped", "cancelled"),
        ("skipped", "cancelled"),
    ]
    assert not campaign.sends.filter(next_attempt_at__isnull=False).exists()


def test_what_a_worker_held_that_died_is_cancelled_too(campaign: Campaign) -> None:
    claiming.claim(campaign, now=NOW)

    campaigns.cancel(campaign, now=NOW)
    sweep_and_end(now=NOW + timedelta(minutes=4))

    assert set(campaign.sends.values_list("status", "reason")) == {("skipped", "cancelled")}


def test_what_is_more_than_a_request_may_wait_for_is_skipped_slice_by_slice(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each kind: in a batch that nobody holds, put off, held by a worker, and in no batch yet."""
    monkeypatch.setattr(ending, "FIRST", 1)
    monkeypatch.setattr(ending, "SLICE", 1)
    packed, put_off, held = campaign.sends.order_by("pk")
    fresh = [make_send(campaign=campaign, status="queued") for _ in range(3)]
    batch = {"open_count": 1, "campaign": campaign}
    Batch.objects.create(sends=str(packed.pk), **batch)
    mine = Batch.objects.create(sends=str(held.pk), lease="mine", lease_until=NOW + timedelta(minutes=3), **batch)
    Send.objects.filter(pk=put_off.pk).update(status="deferred", next_attempt_at=NOW + timedelta(hours=1))
    Campaign.objects.filter(pk=campaign.pk).update(packed_to=held.pk)

    assert campaigns.cancel(campaign, now=NOW)
    at_once = campaign.sends.filter(status="skipped").count()
    sweep_and_end()
    left = set(campaign.sends.exclude(status="skipped").values_list("pk", flat=True))
    Batch.objects.filter(pk=mine.pk).update(lease="", lease_until=None)
    sweep_and_end()

    assert at_once == 3
    assert left == {held.pk}
    assert campaign.sends.filter(status="skipped", reason="cancelled").count() == 3 + len(fresh)
    assert not Batch.objects.exists()
    assert list(ending.unfinished(NOW)) == []


def test_nothing_is_asked_of_a_cancelled_ledger_that_is_done(
    campaign: Campaign, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    campaigns.cancel(campaign, now=NOW)
    ending.go_on(Campaign.objects.get(), clock=lambda: NOW, seconds=30)

    with django_assert_num_queries(5):
        assert list(ending.unfinished(NOW)) == []


def test_send_that_is_in_no_batch_by_mistake_is_skipped_too(campaign: Campaign) -> None:
    last = campaign.sends.order_by("-pk").first()
    assert last is not None
    Campaign.objects.filter(pk=campaign.pk).update(packed_to=last.pk)

    campaigns.cancel(campaign, now=NOW)
    sweep_and_end()

    assert not campaign.sends.exclude(status="skipped").exists()
