"""Handing over for real: an SMTP server on loopback, good and bad, and what the ledger then says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django import Settings

from articles.models import Article
from newsletter.delivery import campaigns, dispatch, sweeping
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.personalization import message_id
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.delivery.conftest import Clock, books
from tests.factories import NOW, make_article
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db(transaction=True)

MakeIssue = Callable[..., Issue]


def drain(campaign: Campaign, clock: Clock) -> None:
    dispatch.drain(campaign, clock=clock, seconds=10)


def test_everybody_gets_one_message_and_the_books_close(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    drain(campaign, clock)
    drain(campaign, clock)

    recipients = [message.recipients[0] for message in smtp_mailers.messages]
    assert sorted(recipients) == [f"reader{number}@example.org" for number in range(5)]
    assert books(campaign) == {"sent": 5}
    assert campaign.finish(NOW)


def test_message_is_proper_mime_with_the_headers_of_a_newsletter(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    drain(campaign, clock)

    received = smtp_mailers.messages[0]
    send = campaign.sends.get(subscriber__email=received.recipients[0])
    mail = received.parsed
    assert mail["Message-ID"] == message_id(campaign.pk, send.pk)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    unsubscribe_token = Subscription.objects.get(subscriber=send.subscriber).unsubscribe_token
    assert unsubscribe_token in mail["List-Unsubscribe"]
    assert mail["List-ID"].endswith("<latest-news.localhost.localdomain>")
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert not mail.defects
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        content = body.get_content()
        assert unsubscribe_token in content
        assert "\ue000" not in content
        title = Article.objects.values_list("title", flat=True).first()
        assert title is not None
        assert title in content
    raw = received.content
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_a_mailbox_for_leaving_stands_behind_the_one_click_address(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    settings.UNSUBSCRIBE_MAILBOX = "leave@news.example.org"

    drain(campaign, clock)

    received = smtp_mailers.messages[0]
    token = Subscription.objects.get(subscriber__email=received.recipients[0]).unsubscribe_token
    one_click, by_mail = received.parsed["List-Unsubscribe"].split(", ")
    assert one_click == f"<{settings.SITE_URL}/unsubscribe/{token}/>"
    assert by_mail == f"<mailto:leave@news.example.org?subject=unsubscribe%20{token}>"


def test_refused_address_fails_alone_and_is_suppressed(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user", recipient="reader2@example.org")

    drain(campaign, clock)

    send = campaign.sends.get(subscriber__email="reader2@example.org")
    assert (send.status, send.reason, send.response) == ("failed", "bad_address", "550 5.1.1 no such user")
    assert books(campaign) == {"sent": 4, "failed": 1}
    assert Suppression.objects.get().email == "reader2@example.org"


def test_ledger_keeps_the_servers_words_without_the_address(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "550 5.7.1 <reader2@example.org>: go away", recipient="reader2@example.org")

    drain(campaign, clock)

    refused = campaign.sends.get(subscriber__email="reader2@example.org")
    assert refused.response == "550 5.7.1 <r…@example.org>: go away"


def test_policy_refusal_blames_no_address(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    smtp_mailers.refuse(Stage.RCPT, "550 5.7.1 not welcome", recipient="reader2@example.org")

    drain(campaign, clock)

    assert campaign.sends.get(subscriber__email="reader2@example.org").reason == Send.Reason.REFUSED
    assert not Suppression.objects.exists()


def test_temporary_refusal_is_tried_again_later_and_then_delivered(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 greylisted", recipient="reader2@example.org", times=1)

    drain(campaign, clock)
    waiting = books(campaign)
    clock.wind(minutes=30)
    drain(campaign, clock)

    assert waiting == {"sent": 4, "deferred": 1}
    assert books(campaign) == {"sent": 5}
    assert len(smtp_mailers.messages) == 5


def test_what_is_deferred_beyond_the_deadline_has_failed(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 try later", recipient="reader2@example.org")
    for _try in range(30):
        drain(campaign, clock)
        clock.wind(hours=1.5)

    assert campaign.sends.get(subscriber__email="reader2@example.org").reason == Send.Reason.EXPIRED


def test_who_may_have_it_when_the_deadline_comes_is_not_told_to_be_without_it(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.hang_up(Stage.STORED, recipient="reader1@example.org", times=1)
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 try later", recipient="reader2@example.org", times=1)
    drain(campaign, clock)
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 try later", recipient="reader1@example.org")
    smtp_mailers.hang_up(Stage.STORED, recipient="reader2@example.org")
    campaign.sends.update(attempt_count=30)

    clock.wind(hours=72)
    drain(campaign, clock)

    reasons = dict(campaign.sends.filter(status="failed").values_list("subscriber__email", "reason"))
    assert reasons == dict.fromkeys(["reader1@example.org", "reader2@example.org"], "unknown")


def test_hang_up_in_the_middle_of_a_message_counts_as_not_sent_and_is_repeated(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.hang_up(Stage.BODY, after=2, times=1)

    drain(campaign, clock)
    clock.wind(minutes=30)
    drain(campaign, clock)

    assert books(campaign) == {"sent": 5}
    assert len({message.recipients for message in smtp_mailers.messages}) == 5


def test_lost_answer_is_repeated_once_with_the_same_message_id(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.hang_up(Stage.STORED, after=2, times=1)

    drain(campaign, clock)
    uncertain = campaign.sends.get(status=Send.Status.DEFERRED)
    clock.wind(minutes=30)
    drain(campaign, clock)

    copies = [m for m in smtp_mailers.messages if m.parsed["Message-ID"] == message_id(campaign.pk, uncertain.pk)]
    assert uncertain.reason == Send.Reason.UNKNOWN
    assert [copy.content for copy in copies] == [copies[0].content] * 2
    assert books(campaign) == {"sent": 5}


def test_answer_lost_twice_is_not_repeated_again(campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer) -> None:
    smtp_mailers.hang_up(Stage.STORED, recipient="reader2@example.org")

    for _ in range(4):
        drain(campaign, clock)
        clock.wind(hours=2)

    copies = [m for m in smtp_mailers.messages if m.recipients == ("reader2@example.org",)]
    assert len(copies) == 2
    assert campaign.sends.get(subscriber__email="reader2@example.org").reason == Send.Reason.UNKNOWN


def test_server_that_is_down_pauses_the_campaign_and_blames_nobody(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.stop()
    drain(campaign, clock)
    campaign.refresh_from_db()
    paused = (campaign.status, books(campaign))

    smtp_mailers.start()
    clock.wind(minutes=1)
    for each in sweeping.sweep(now=clock()):
        drain(each, clock)

    assert paused == ("paused", {"queued": 5})
    assert "cannot be reached" in campaign.reason
    assert books(campaign) == {"sent": 5}


def test_server_that_refuses_the_sender_pauses_until_a_person_acts(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.MAIL, "550 5.7.1 you are blocked")

    drain(campaign, clock)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at, books(campaign)) == ("paused", None, {"queued": 5})
    assert not Suppression.objects.exists()


def test_message_refused_again_and_again_pauses_instead_of_burning_the_list(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.MESSAGE, "554 5.7.1 looks like spam")

    drain(campaign, clock)

    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.PAUSED
    assert books(campaign) == {"queued": 3, "failed": 2}


def test_reader_who_left_after_the_launch_is_not_mailed(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    leaver, complainer, erased = campaign.sends.order_by("pk")[:3]
    assert complainer.subscriber
    assert erased.subscriber
    Subscription.objects.get(subscriber=leaver.subscriber).end(NOW, reason="page")
    suppress(email=complainer.subscriber.email, reason=Suppression.Reason.COMPLAINT, now=NOW)
    erased.subscriber.delete()

    drain(campaign, clock)

    assert len(smtp_mailers.messages) == 2
    reasons = sorted(campaign.sends.filter(status="skipped").values_list("reason", flat=True))
    assert reasons == ["left", "left", "suppressed"]


def test_article_withdrawn_after_the_launch_is_in_no_later_mail(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    withdrawn, stays = Article.objects.order_by("pk")
    withdrawn.withdraw(NOW)

    drain(campaign, clock)

    assert len(smtp_mailers.messages) == 5
    for message in smtp_mailers.messages:
        body = message.parsed.get_body(("plain",))
        assert body is not None
        assert stays.title in body.get_content()
        assert withdrawn.title not in body.get_content()


def test_issue_whose_every_article_was_withdrawn_mails_nobody(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    for article in Article.objects.all():
        article.withdraw(NOW)

    drain(campaign, clock)

    assert not smtp_mailers.messages
    assert set(campaign.sends.values_list("reason", flat=True)) == {Send.Reason.WITHDRAWN}


def test_paused_campaign_claims_nothing_and_goes_on_when_resumed(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    campaign.pause(reason="the editor wants to look again")
    drain(campaign, clock)
    sent_while_paused = len(smtp_mailers.messages)

    campaign.resume(NOW)
    drain(campaign, clock)

    assert sent_while_paused == 0
    assert books(campaign) == {"sent": 5}


def test_cancelled_campaign_gives_its_articles_back(
    campaign: Campaign, newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer, clock: Clock
) -> None:
    campaigns.cancel(campaign, now=NOW)
    drain(campaign, clock)

    again = campaigns.launch(approved_issue(articles=list(Article.objects.all())), now=NOW)

    assert not smtp_mailers.messages
    assert books(campaign) == {"skipped": 5}
    assert again is not None
    assert books(again) == {"queued": 5}


def test_next_day_brings_only_what_is_new(
    newsletter: Newsletter, campaign: Campaign, approved_issue: MakeIssue, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    drain(campaign, clock)
    old = list(Article.objects.all())
    fresh = make_article(released_at=NOW + timedelta(hours=20))
    tomorrow = NOW + timedelta(days=1)

    second = campaigns.launch(approved_issue(articles=[*old, fresh], send_at=tomorrow), now=tomorrow)

    assert second is not None
    clock.wind(days=1)
    drain(second, clock)
    for message in smtp_mailers.messages[5:]:
        body = message.parsed.get_body(("plain",))
        assert body is not None
        assert fresh.title in body.get_content()
        assert not any(article.title in body.get_content() for article in old)


def test_what_is_deferred_is_tried_until_the_deadline_and_not_only_for_some_hours(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    smtp_mailers.refuse(Stage.RCPT, "450 4.2.0 try later", recipient="reader2@example.org")

    for _ in range(22):
        drain(campaign, clock)
        clock.wind(hours=1)
    waiting = books(campaign)
    smtp_mailers.behave()
    clock.wind(hours=1)
    drain(campaign, clock)

    assert waiting == {"sent": 4, "deferred": 1}
    assert books(campaign) == {"sent": 5}
