"""Amazon SES by its API: no batches, a library of its own, and 400 for much that is no reader's fault."""

from __future__ import annotations

import json
from base64 import b64decode
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config import environment
from newsletter.delivery import dispatch
from newsletter.delivery.models import Campaign, Send
from newsletter.lib import mail
from tests.delivery.conftest import Clock, books
from tests.servers.http import HttpServer, Request, Response

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/v2/email/outbound-emails"
TAKEN = Response(b'{"MessageId": "0100018f-1"}', content_type="application/json")


def refusal(code: str, words: str = "No.", *, status: int = 400, **headers: str) -> Response:
    """As Amazon answers: what it is stands in a header."""
    said = {"x-amzn-ErrorType": code, **{name.replace("_", "-"): value for name, value in headers.items()}}
    body = json.dumps({"message": words}).encode()
    return Response(body, status=status, headers=said, content_type="application/json")


def mail_of(request: Request) -> EmailMessage:
    found = message_from_bytes(b64decode(json.loads(request.body)["Content"]["Raw"]["Data"]), policy=default)
    assert isinstance(found, EmailMessage)
    return found


def recipient_of(request: Request) -> str:
    (address,) = json.loads(request.body)["Destination"]["ToAddresses"]
    assert isinstance(address, str)
    return address


@pytest.fixture
def amazon(http_server: HttpServer, settings: Settings) -> HttpServer:
    http_server.answer(PATH, TAKEN)
    url = f"ses://key:secret@eu-west-1?endpoint_url={http_server.url('').rstrip('/')}&connections=1&timeout=5"
    mailer = environment.mailer("MAILER_URL", url)
    settings.MAILERS = {"default": mailer, "campaigns": mailer}
    return http_server


def test_everybody_gets_one_mail_with_their_own_way_out(campaign: Campaign, clock: Clock, amazon: HttpServer) -> None:
    dispatch.drain(campaign, clock=clock, seconds=10)

    mails = {recipient_of(request): mail_of(request) for request in amazon.requests}
    assert sorted(mails) == [f"reader{number}@example.org" for number in range(5)]
    assert len(amazon.requests) == 5
    assert books(campaign) == {"sent": 5}
    assert all(mails[each]["To"] == each for each in mails)
    assert len({one["List-Unsubscribe"] for one in mails.values()}) == 5
    assert all(one.get_body(("plain",)) and one.get_body(("html",)) for one in mails.values())


@pytest.mark.parametrize(
    ("code", "status"),
    [("TooManyRequestsException", 429), ("LimitExceededException", 400), ("ThrottlingException", 400), ("", 503)],
)
def test_not_now_pauses_and_costs_nobody_an_attempt(
    campaign: Campaign, clock: Clock, amazon: HttpServer, code: str, status: int
) -> None:
    amazon.answer(PATH, refusal(code, "Maximum sending rate exceeded.", status=status, Retry_After="30"))

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": 5})
    assert campaign.resume_at is not None
    assert set(campaign.sends.values_list("attempt_count", flat=True)) == {0}


@pytest.mark.parametrize(
    "code", ["SendingPausedException", "AccountSuspendedException", "MailFromDomainNotVerifiedException"]
)
def test_account_that_may_not_send_waits_for_a_person(
    campaign: Campaign, clock: Clock, amazon: HttpServer, code: str
) -> None:
    amazon.answer(PATH, refusal(code))

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at, books(campaign)) == ("paused", None, {"queued": 5})
    assert len(amazon.requests) == 1


def test_address_that_it_refuses_stops_nobody_else(campaign: Campaign, clock: Clock, amazon: HttpServer) -> None:
    def answer(request: Request) -> Response:
        bad = recipient_of(request) == "reader2@example.org"
        return refusal("BadRequestException", "Local address contains control or whitespace") if bad else TAKEN

    amazon.answer(PATH, answer)

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert books(campaign) == {"sent": 4, "failed": 1}
    assert campaign.sends.get(status="failed", subscriber__email="reader2@example.org")


def test_call_that_is_cut_off_is_unknown_and_not_made_again_by_the_library(
    campaign: Campaign, clock: Clock, amazon: HttpServer
) -> None:
    cut = Response(b'{"MessageId": "0100018f-1"}', content_type="application/json", cut_after=3)
    amazon.answer(PATH, TAKEN, cut, TAKEN)

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert len(amazon.requests) == 5
    assert books(campaign) == {"sent": 4, "deferred": 1}
    assert campaign.sends.get(status="deferred").reason == Send.Reason.UNKNOWN


def test_server_that_is_away_pauses_and_blames_nobody(campaign: Campaign, clock: Clock, amazon: HttpServer) -> None:
    amazon.stop()

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign)) == ("paused", {"queued": 5})
    assert campaign.resume_at is not None


def test_missing_credentials_wait_for_a_person(
    campaign: Campaign, clock: Clock, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    mailer = environment.mailer("MAILER_URL", "ses://eu-west-1")
    settings.MAILERS = {"default": mailer, "campaigns": mailer}

    dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, campaign.resume_at, books(campaign)) == ("paused", None, {"queued": 5})


def test_single_mail_that_it_will_never_take_is_given_up_and_others_are_not(amazon: HttpServer) -> None:
    context = {"old": "a@example.org", "new": "b@example.org", "undo_url": "https://example.org/", "days": 7}
    answers = (refusal("BadRequestException"), refusal("TooManyRequestsException", status=429))
    verdicts = []

    for answer in answers:
        amazon.answer(PATH, answer)
        with pytest.raises(mail.NotAccepted) as refused:
            mail.send(template="address_changed", to="reader@example.org", context=context, language="en")
        verdicts.append(refused.value.is_permanent)

    assert verdicts == [True, False]


@pytest.mark.parametrize("url", ["ses://", "ses://key@eu-west-1", "ses://key:secret@", "ses://eu-west-1?tls=1"])
def test_address_that_says_too_little_or_too_much_is_refused_with_the_form_it_should_have(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"ses://|means nothing here"):
        environment.mailer("MAILER_URL", url)
