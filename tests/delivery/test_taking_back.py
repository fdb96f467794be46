"""A launched issue comes back to the desk as long as nobody can have got it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse

from articles.models import Article
from newsletter.delivery import (
    campaigns,
    claiming,
    dispatch,
    ending,
    newcomers,
    recovering,
    sweeping,
    taking_back,
)
from newsletter.delivery.journal import Mark
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Edition, Issue, ReaderGroup
from newsletter.subscribers.models import Newsletter, Subscriber
from tests.delivery.conftest import Clock, sweep_and_end
from tests.factories import NOW, make_offer, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db

WHY = "Taken back by Ada before the first mail left."


def again(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("issue__newsletter").get(pk=campaign.pk)


def test_issue_is_held_at_once_and_then_as_if_it_had_never_been_launched(campaign: Campaign) -> None:
    issue = Issue.objects.get()

    assert taking_back.take_back(campaign, reason=WHY)

    issue.refresh_from_db()
    assert (issue.status, issue.launched_at, issue.reason) == ("held", None, WHY)
    assert again(campaign).status == Campaign.Status.TAKEN_BACK
    assert Send.objects.count() == 5

    sweep_and_end()

    assert not Campaign.objects.exists()
    assert not Send.objects.exists()
    assert not Edition.objects.exists()
    assert not ReaderGroup.objects.exists()


def test_it_can_be_approved_and_launched_again_for_everybody(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    issue = Issue.objects.get()
    taking_back.take_back(campaign, reason=WHY)
    sweep_and_end()
    issue.refresh_from_db()

    assert issue.approve(now=NOW)
    second = campaigns.launch(issue, now=NOW)
    assert second is not None
    dispatch.drain(again(second), clock=clock, seconds=30)

    assert len(smtp_mailers.messages) == 5


def test_offers_that_it_carried_count_nobody(newsletter: Newsletter, approved_issue: Callable[..., Issue]) -> None:
    shopper = make_subscription(newsletter=newsletter)
    offers_newsletter = Newsletter.objects.create(slug="offers", name="Offers", kind=Newsletter.Kind.OFFERS)
    make_subscription(newsletter=offers_newsletter, subscriber=shopper.subscriber)
    offer = make_offer(ceiling=10)
    offer.newsletters.add(newsletter)
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    offer.refresh_from_db()
    assert offer.shown_count == 1

    assert taking_back.take_back(campaign, reason=WHY)

    offer.refresh_from_db()
    assert offer.shown_count == 0


def test_it_is_too_late_while_a_worker_holds_a_mail_and_ever_after(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    claimed = claiming.claim(campaign, now=NOW)
    assert claimed is not None
    assert not taking_back.take_back(campaign, reason=WHY)

    claiming.give_back(claimed, [reader.send_pk for reader in claimed.waiting])
    dispatch.drain(again(campaign), clock=clock, seconds=30)

    assert not taking_back.take_back(campaign, reason=WHY)
    assert campaign.sends.filter(status=Send.Status.SENT).count() == 5


def test_it_is_too_late_after_a_worker_died_that_may_have_handed_one_over(campaign: Campaign) -> None:
    claimed = claiming.claim(campaign, now=NOW)
    assert claimed is not None
    claimed.journal.mark(claimed.waiting[0].send_pk, Mark.DRAWN)
    claimed.journal.abandon()

    later = NOW + 2 * claiming.LEASE
    recovering.recover_abandoned(now=later)

    assert not campaign.batches.held().exists()
    assert not taking_back.is_possible(again(campaign))
    assert not taking_back.take_back(campaign, reason=WHY)


def test_it_is_deleted_slice_by_slice_and_whoever_comes_next_goes_on(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "SLICE", 2)
    taking_back.take_back(campaign, reason=WHY)

    assert ending.go_on(again(campaign), clock=lambda: NOW, seconds=0)
    left = Send.objects.count()
    with connection.execute_wrapper(dying_at_second_slice()), pytest.raises(OSError, match="died"):
        ending.go_on(again(campaign), clock=lambda: NOW, seconds=30)
    left_then = Send.objects.count()
    sweep_and_end()

    assert (left, left_then) == (3, 1)
    assert not Campaign.objects.exists()
    assert not Send.objects.exists()
    assert list(sweeping.rings(now=NOW)) == []


def dying_at_second_slice() -> Callable[..., Any]:
    """A worker that dies right after a slice was deleted, and before that is committed."""
    slices: list[str] = []

    def execute(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        answer = execute(sql, *rest)
        if sql.startswith("DELETE"):
            slices.append(sql)
            if len(slices) == 2:
                raise OSError("died")
        return answer

    return execute


def test_it_is_not_launched_again_before_its_mails_are_deleted(campaign: Campaign) -> None:
    taking_back.take_back(campaign, reason=WHY)
    issue = Issue.objects.get()
    issue.approve(now=NOW)

    for _ring in sweeping.rings(now=NOW):
        pass
    assert campaigns.launch(issue, now=NOW) is None
    issue.refresh_from_db()
    waiting = (issue.status, issue.launched_at)
    sweep_and_end()
    for _ring in sweeping.rings(now=NOW):
        pass

    issue.refresh_from_db()
    assert waiting == ("approved", None)
    assert issue.launched_at == NOW
    assert again(Campaign.objects.get()).sends.count() == 5


def test_nobody_has_its_articles_while_its_mails_are_being_deleted(
    campaign: Campaign, approved_issue: Callable[..., Issue]
) -> None:
    articles = list(Article.objects.all())
    reader = Subscriber.objects.order_by("pk")[0]
    had = newcomers.received(reader, [article.pk for article in articles])
    taking_back.take_back(campaign, reason=WHY)

    other = campaigns.launch(approved_issue(articles=articles), now=NOW)

    assert len(had) == 2
    assert other is not None
    assert other.sends.filter(status=Send.Status.QUEUED).count() == 5
    Campaign.objects.filter(pk=other.pk).delete()
    assert newcomers.received(reader, [article.pk for article in articles]) == set()


def test_mails_that_are_being_created_at_that_moment_are_not(campaign: Campaign) -> None:
    Campaign.objects.filter(pk=campaign.pk).update(filled_to=0)
    filling_in = again(campaign)
    make_subscription(newsletter=filling_in.issue.newsletter)

    taking_back.take_back(campaign, reason=WHY)

    assert not campaigns.fill_slice(filling_in, now=NOW)
    assert Send.objects.count() == 5


def test_a_paused_campaign_that_handed_nothing_over_comes_back(campaign: Campaign) -> None:
    campaign.pause(reason="Paused by Ada.")

    assert taking_back.take_back(campaign, reason=WHY)


@pytest.mark.django_db(transaction=True)
def test_either_a_worker_or_the_editor_wins(campaign: Campaign) -> None:
    start = Barrier(2)

    def editor() -> bool:
        start.wait(10)
        try:
            return taking_back.take_back(campaign, reason=WHY)
        finally:
            connection.close()

    def worker() -> bool:
        start.wait(10)
        try:
            claimed = claiming.claim(campaign, now=NOW)
            if claimed:
                claimed.journal.close()
            return claimed is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        taken, claimed = pool.submit(editor), pool.submit(worker)

    assert taken.result() is not claimed.result()
    sweep_and_end()
    assert Campaign.objects.exists() is claimed.result()


def test_campaigns_page_offers_it_until_it_is_too_late(admin_client: Client, campaign: Campaign) -> None:
    page, address = (reverse(f"admin:delivery_campaign_{name}", args=[campaign.pk]) for name in ("change", "take_back"))

    assert address in admin_client.get(page).text
    assert "Nothing was handed over yet." in admin_client.get(address).text
    claiming.claim(campaign, now=NOW)
    assert address not in admin_client.get(page).text
    assert "It is too late" in admin_client.post(address, follow=True).text

    campaign.batches.all().update(lease="", lease_until=None)
    answer = admin_client.post(address, follow=True)
    assert "It is back at the desk" in answer.text
    assert "Its mails are being deleted" in admin_client.get(page).text
    desk = reverse("issue_desk:desk", args=[campaign.issue_id])
    assert "first launch are still being deleted" in admin_client.get(desk).text
    sweep_and_end()
    assert "still being deleted" not in admin_client.get(desk).text


def test_one_turn_in_the_foreground_clears_up_and_launches_what_was_approved_again(campaign: Campaign) -> None:
    taking_back.take_back(campaign, reason=WHY)
    Issue.objects.get().approve(now=NOW)

    call_command("tick")

    assert Campaign.objects.get().pk != campaign.pk
