"""A campaign that stops for a person calls one; and what a draft's mail knows of its readers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.delivery import dispatch, outlooks
from newsletter.delivery.models import Campaign
from newsletter.digests import drafting, notices
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_article, make_editor, make_newsletter, make_schedule, make_subscription
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db(transaction=True)


def test_editors_are_mailed_once_when_a_campaign_stops_for_a_person(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    make_editor(is_superuser=True, email="editor@example.org")
    smtp_mailers.refuse(Stage.MAIL, "550 5.7.1 sender blocked", times=1)

    dispatch.drain(campaign, clock=clock, seconds=10)
    dispatch.drain(campaign, clock=clock, seconds=10)
    told = [notices.tell(now=clock()), notices.tell(now=clock())]

    assert told == [1, 0]
    [message] = smtp_mailers.messages
    assert message.recipients == ("editor@example.org",)
    assert message.parsed["Subject"] == f"{campaign.issue} has stopped on its way"
    text = message.parsed.get_body(("plain",))
    assert text is not None
    assert "550 5.7.1 sender blocked" in text.get_content()
    assert f"/admin/delivery/campaign/{campaign.pk}/change/" in text.get_content()


def test_editors_are_not_mailed_about_what_goes_on_again(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    make_editor(is_superuser=True, email="editor@example.org")
    smtp_mailers.refuse(Stage.MAIL, "550 5.7.1 sender blocked", times=1)

    dispatch.drain(campaign, clock=clock, seconds=10)
    Campaign.objects.get(pk=campaign.pk).resume(NOW)

    assert notices.tell(now=clock()) == 0


def test_mail_about_a_draft_says_how_many_get_it_once_that_is_known(clock: Clock, smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(tells_of_drafts=True)
    make_editor(is_superuser=True, email="editor@example.org")
    for _number in range(2):
        make_subscription(newsletter=newsletter, cadence="daily")
    make_article()
    schedule = make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(minutes=30))
    drafting.issue_of_run(schedule, NOW + timedelta(minutes=30), now=NOW)
    outlooks.renew(clock=clock)

    notices.tell(now=NOW)

    [message] = smtp_mailers.messages
    text = message.parsed.get_body(("plain",))
    assert text is not None
    assert "As things stand, 2 readers get it." in " ".join(text.get_content().split())
