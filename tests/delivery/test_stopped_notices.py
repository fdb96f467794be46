"""A campaign that stops for a person calls one."""

from __future__ import annotations

import pytest

from newsletter.delivery import dispatch
from newsletter.delivery.models import Campaign
from newsletter.digests import notices
from tests.delivery.conftest import Clock
from tests.factories import make_editor
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
    Campaign.objects.get(pk=campaign.pk).resume()

    assert notices.tell(now=clock()) == 0
