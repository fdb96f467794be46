"""A provider's API: its bad days are not held against the readers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from pytest_django import Settings

from config import environment
from newsletter.delivery import dispatch
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Suppression
from tests.delivery.conftest import Clock, books
from tests.servers.http import HttpServer, Request, Response

pytestmark = pytest.mark.django_db(transaction=True)

MakeIssue = Callable[..., Issue]
UNSIGNED = json.dumps({"ErrorCode": 400, "Message": "The 'From' address is not a Sender Signature on your account."})


def accept(request: Request) -> Response:
    """Postmark's documented answer, to one mail or to several."""
    asked = json.loads(request.body)
    taken = [
        {
            "ErrorCode": 0,
            "Message": "OK",
            "MessageID": "b7bc2f4a",
            "To": mail["To"],
            "SubmittedAt": "2026-11-23T06:00:00Z",
        }
        for mail in (asked if isinstance(asked, list) else [asked])
    ]
    answer = taken if isinstance(asked, list) else taken[0]
    return Response(json.dumps(answer).encode(), content_type="application/json")


@pytest.fixture
def provider(http_server: HttpServer, settings: Settings) -> HttpServer:
    """Postmark's API, as far as we use it, on loopback; it takes everything, one mail after another."""
    http_server.answer("/email", accept)
    http_server.answer("/email/batch", accept)
    mailer = environment.mailer("MAILER_URL", f"postmark://token?api_url={http_server.url('/')}&batch=1&connections=1")
    settings.MAILERS = {"default": mailer, "campaigns": mailer}
    return http_server


def test_everybody_gets_one_message(campaign: Campaign, clock: Clock, provider: HttpServer) -> None:
    dispatch.drain(campaign, clock=clock, seconds=10)

    told = [json.loads(request.body) for request in provider.requests]
    assert sorted(message["To"] for message in told) == [f"reader{number}@example.org" for number in range(5)]
    assert books(campaign) == {"sent": 5}


def test_provider_that_cannot_be_reached_pauses_the_campaign_and_blames_nobody(
    campaign: Campaign, clock: Clock, provider: HttpServer
) -> None:
    provider.stop()

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": 5})
    assert campaign.resume_at is not None


def test_answer_that_was_lost_is_uncertain_for_that_reader_alone(
    campaign: Campaign, clock: Clock, provider: HttpServer
) -> None:
    lost = Response(b'{"ErrorCode": 0}', content_type="application/json", cut_after=5)
    provider.answer("/email", accept, lost, accept)

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert books(campaign) == {"sent": 4, "deferred": 1}
    assert campaign.sends.get(status=Send.Status.DEFERRED).reason == Send.Reason.UNKNOWN


def test_provider_that_refuses_everything_pauses_instead_of_burning_the_list(
    campaign: Campaign, clock: Clock, provider: HttpServer
) -> None:
    provider.serve("/email", UNSIGNED.encode(), status=422, content_type="application/json")

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at) == ("paused", None)
    assert books(campaign) == {"queued": 2, "failed": 3}
    assert not Suppression.objects.exists()


def test_what_the_provider_says_is_kept_without_the_address(
    campaign: Campaign, clock: Clock, provider: HttpServer, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(request: Request) -> Response:
        to = json.loads(request.body)["To"].upper()
        told = {"ErrorCode": 400, "Message": f"This account may not mail {to}."}
        return Response(json.dumps(told).encode(), status=422, content_type="application/json")

    provider.answer("/email", refuse)

    dispatch.drain(campaign, clock=clock, seconds=10)

    responses = list(Send.objects.exclude(response="").values_list("response", flat=True))
    kept = [*responses, str(Campaign.objects.values().get()), caplog.text]
    assert "r…@example.org" in responses[0]
    assert not re.search("reader[0-9]@", "".join(kept), re.IGNORECASE)


def test_answer_that_cannot_be_read_is_asked_for_once_more_only(
    campaign: Campaign, clock: Clock, provider: HttpServer
) -> None:
    campaign.sends.exclude(pk=campaign.sends.order_by("pk")[0].pk).delete()
    odd = json.dumps({"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": ""})
    provider.serve("/email", odd.encode(), content_type="application/json")

    for _ in range(5):
        dispatch.drain(campaign, clock=clock, seconds=10)
        clock.wind(hours=2)

    assert len(provider.requests) == 2
    assert campaign.sends.get().reason == Send.Reason.UNKNOWN


def test_provider_that_is_ill_pauses_the_campaign_for_a_while(
    campaign: Campaign, clock: Clock, provider: HttpServer
) -> None:
    provider.serve("/email", b"oops", status=500)

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": 2, "deferred": 3})
    assert campaign.resume_at is not None
    assert campaign.sends.filter(status=Send.Status.DEFERRED, reason=Send.Reason.UNKNOWN).count() == 3


def test_mailer_that_is_not_set_up_pauses_and_says_so(campaign: Campaign, clock: Clock, settings: Settings) -> None:
    mailer = {"BACKEND": "anymail.backends.postmark.EmailBackend", "OPTIONS": {}}
    settings.MAILERS = {"default": mailer, "campaigns": mailer}

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": 5})
    assert "server_token" in campaign.reason
