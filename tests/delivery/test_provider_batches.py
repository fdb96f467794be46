"""Batches through a provider: every reader's own outcome, whatever becomes of the call."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, recipients
from newsletter.delivery.letters import LetterBox
from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Outcome, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.settling import Ledger
from newsletter.delivery.transports.providers.transport import ProviderTransport
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.conftest import Clock
from tests.factories import NOW, make_subscription
from tests.servers.http import HttpServer, Request, Response
from tests.servers.mailgun import Bad, MailgunServer

pytestmark = pytest.mark.django_db(transaction=True)

READERS = 24
IN_DOUBT = {
    "cut": Bad(hangs_up=True, takes=True),
    "500": Bad(status=500, takes=True),
    "504": Bad(status=504, takes=True),
}


@pytest.fixture
def messages(newsletter: Newsletter, approved_issue: Callable[..., Issue], clock: Clock) -> list[Outgoing]:
    """To 24 readers of one edition."""
    for number in range(READERS):
        make_subscription(newsletter=newsletter, email=f"r{number}@example.org")
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    return outgoing(campaign, clock)


def outgoing(campaign: Campaign, clock: Clock) -> list[Outgoing]:
    letters, ledger = LetterBox(campaign), Ledger(campaign, clock=clock)
    answer = recipients.ask(campaign, list(campaign.sends.values_list("pk", flat=True)))
    return [message for reader in answer.mailable if (message := letters.message(reader, ledger=ledger))]


@pytest.fixture
def mailgun(settings: Settings) -> Iterator[MailgunServer]:
    with MailgunServer() as server:
        url = f"mailgun://key@mg.example.org?api_url={server.url}&batch=8&connections=1&timeout=2"
        settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", url)}
        yield server


def delivered(messages: list[Outgoing]) -> tuple[list[Outcome], Exception | None]:
    """Every outcome, and the error that ended it."""
    outcomes: list[Outcome] = []
    with ProviderTransport("campaigns") as transport:
        try:
            outcomes.extend(transport.deliver(messages))
        except (TransportDownError, SenderRefusedError) as error:
            return outcomes, error
    assert len({outcome.send_pk for outcome in outcomes}) == len(outcomes)
    return outcomes, None


def fates(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(outcome.fate.value for outcome in outcomes)


def test_one_call_mails_a_whole_batch(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS}, None)
    assert [len(call.to) for call in mailgun.calls] == [8, 8, 8]
    assert "queued <20261123.1@mg.example.org>" in outcomes[0].response


def test_one_bad_address_does_not_sink_its_batch(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.refuse("r3@example.org")

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS - 1, "refused": 1}, None)
    assert "r3@example.org" not in {mail.to for mail in mailgun.mails()}
    assert len(mailgun.mails()) == READERS - 1
    refused = next(outcome for outcome in outcomes if outcome.fate == "refused")
    assert "r3@" not in refused.response


@pytest.mark.filterwarnings("ignore:django-anymail has dropped official support for SendGrid")
def test_bad_address_that_is_not_named_is_looked_for(
    messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    taken: list[str] = []

    def answer(request: Request) -> Response:
        people = json.loads(request.body)["personalizations"]
        to = [person["to"][0]["email"] for person in people]
        if "r3@example.org" in to:
            return Response(b'{"errors": [{"message": "Bad Request"}]}', status=400, content_type="application/json")
        taken.extend(to)
        return Response(b"", status=202, content_type="text/plain")

    http_server.answer("/mail/send", answer)
    use(settings, f"sendgrid://key?api_url={http_server.url('/')}&connections=2")

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS - 1, "refused": 1}, None)
    assert sorted(taken) == sorted({message.recipient for message in messages} - {"r3@example.org"})
    assert len(http_server.requests) <= 2 * 5 + 1  # halves of halves


def use(settings: Settings, url: str) -> None:
    settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", url)}


def test_provider_that_refuses_every_batch_is_found_out_after_three_readers(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(status=400, words="the from address is not allowed")] * 99)

    outcomes, error = delivered(messages)

    assert isinstance(error, SenderRefusedError)
    assert fates(outcomes) == {"refused": 3}  # all others go back to the queue
    assert len(mailgun.calls) <= 8


def test_wrong_key_blames_nobody(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(Bad(status=401, words="Forbidden"))

    outcomes, error = delivered(messages)

    assert isinstance(error, SenderRefusedError)
    assert not outcomes


UNTOLD = {
    "unsupported": {"envelope_sender": "bounces@example.org"},
    "not to be put into JSON": {"esp_extra": {"Tag": {"a", "set"}}},
    "no address": {"cc": ["nobody at nowhere"]},
}


@pytest.mark.parametrize("defaults", UNTOLD.values(), ids=UNTOLD)
def test_call_that_cannot_be_made_leaves_nobody_in_doubt(
    defaults: dict[str, Any], messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    settings.ANYMAIL = {"SEND_DEFAULTS": defaults}
    use(settings, f"postmark://token?api_url={http_server.url('/')}")

    outcomes, error = delivered(messages)

    assert isinstance(error, SenderRefusedError)
    assert fates(outcomes) == {"refused": 3}
    assert not http_server.requests


def test_short_request_for_patience_is_obeyed(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(Bad(status=429, headers={"Retry-After": "1"}))

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS}, None)
    assert [len(call.to) for call in mailgun.calls if call.is_taken] == [8, 8, 8]
    assert mailgun.calls[0].to == mailgun.calls[1].to  # it waited with the same call


@pytest.mark.parametrize("value", ["120", "{date}"])
def test_long_request_for_patience_is_passed_on(value: str, messages: list[Outgoing], mailgun: MailgunServer) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=121), usegmt=True)
    mailgun.then(Bad(takes=True), Bad(status=429, headers={"Retry-After": value.format(date=date)}))

    outcomes, error = delivered(messages)

    assert fates(outcomes) == {"accepted": 8}
    assert isinstance(error, TransportDownError)
    assert error.retry_after is not None
    assert 115 < error.retry_after <= 121


def test_provider_that_asks_for_patience_for_ever_is_down(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(*[Bad(status=503, headers={"Retry-After": "0"})] * 99)

    outcomes, error = delivered(messages)

    assert isinstance(error, TransportDownError)
    assert not outcomes
    assert len(mailgun.calls) < 10


@pytest.mark.parametrize("bad", IN_DOUBT.values(), ids=IN_DOUBT)
def test_answer_that_is_lost_leaves_only_its_batch_in_doubt(
    bad: Bad, messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(bad)

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS - 8, "unknown": 8}, None)
    assert max(Counter(mail.to for mail in mailgun.mails()).values()) == 1


def test_answer_that_comes_too_late_leaves_its_batch_in_doubt(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(Bad(takes=True, delay=3))

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS - 8, "unknown": 8}, None)


def test_provider_that_fails_is_tried_with_few_readers_before_it_counts_as_down(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(status=500)] * 99)

    outcomes, error = delivered(messages)

    assert isinstance(error, TransportDownError)
    assert fates(outcomes).keys() == {"unknown"}
    assert len(mailgun.calls) == 3
    assert len(mailgun.calls[2].to) == 1


def test_half_a_batch_that_is_refused_is_told_apart(
    messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    def answer(request: Request) -> Response:
        answers = [
            {"ErrorCode": 406, "Message": f"You tried to send to an inactive recipient: {mail['To']}"}
            if number % 3 == 0
            else {"ErrorCode": 0, "Message": "OK", "MessageID": str(number), "To": mail["To"]}
            for number, mail in enumerate(json.loads(request.body))
        ]
        return Response(json.dumps(answers).encode(), content_type="application/json")

    http_server.answer("/email/batch", answer)
    use(settings, f"postmark://token?api_url={http_server.url('/')}")

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": 16, "refused": 8}, None)
    refused = {outcome.send_pk for outcome in outcomes if outcome.fate == "refused"}
    assert refused == {message.send_pk for message in messages[::3]}
    assert not any("@example.org" in outcome.response and "r…" not in outcome.response for outcome in outcomes)


def test_lost_answer_is_asked_for_again_where_a_key_makes_that_harmless(
    messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    by_key: dict[str, int] = {}

    def answer(request: Request) -> Response:
        key, count = request.headers["Idempotency-Key"], len(json.loads(request.body))
        is_new = key not in by_key
        by_key[key] = count
        told = Response(json.dumps({"data": [{"id": str(n)} for n in range(count)]}).encode())
        return Response(told.body, content_type="application/json", cut_after=3 if is_new else None)

    http_server.answer("/emails/batch", answer)
    use(settings, f"resend://key?api_url={http_server.url('/')}&batch=12")

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS}, None)
    assert list(by_key.values()) == [12, 12]
    assert len(http_server.requests) == 4


@pytest.mark.parametrize("status", [401, 429])
def test_lost_answer_that_cannot_be_asked_for_again_stays_in_doubt(
    status: int, messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    lost = Response(b'{"data": []}', content_type="application/json", cut_after=3)
    http_server.answer("/emails/batch", lost, Response(b"{}", status=status, headers={"Retry-After": "120"}))
    use(settings, f"resend://key?api_url={http_server.url('/')}&batch=12&connections=1")

    outcomes, error = delivered(messages)

    assert isinstance(error, TransportDownError | SenderRefusedError)
    assert fates(outcomes) == {"unknown": 12}  # the other twelve were not handed over


def test_messages_that_break_off_are_raised_when_what_is_under_way_is_answered(
    messages: list[Outgoing], mailgun: MailgunServer, settings: Settings
) -> None:
    def source() -> Iterator[Outgoing]:
        yield from messages[:12]
        raise OperationalError("the database is away")

    use(settings, f"mailgun://key@mg.example.org?api_url={mailgun.url}&batch=4&connections=8")
    mailgun.then(*[Bad(takes=True, delay=0.2)] * 3)
    outcomes: list[Outcome] = []

    with ProviderTransport("campaigns") as transport, pytest.raises(OperationalError):
        outcomes.extend(transport.deliver(source()))

    assert fates(outcomes) == {"accepted": 12}


def test_call_that_breaks_off_is_raised_when_the_others_are_answered(
    messages: list[Outgoing], http_server: HttpServer, settings: Settings
) -> None:
    def answer(request: Request) -> Response:
        mails = json.loads(request.body)
        told: list[object] = [{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": mail["To"]} for mail in mails]
        is_odd = messages[0].recipient in {mail["To"] for mail in mails}
        body = json.dumps(["not a thing that anymail can read"] if is_odd else told)
        return Response(body.encode(), content_type="application/json", delay=0 if is_odd else 0.3)

    http_server.answer("/email/batch", answer)
    use(settings, f"postmark://token?api_url={http_server.url('/')}&batch=8&connections=3")
    outcomes: list[Outcome] = []

    with ProviderTransport("campaigns") as transport, pytest.raises(AttributeError):
        outcomes.extend(transport.deliver(messages))

    assert len(http_server.requests) == 3
    assert fates(outcomes) == {"accepted": 16, "unknown": 8}
    in_doubt = {outcome.send_pk for outcome in outcomes if outcome.fate == "unknown"}
    assert in_doubt == {message.send_pk for message in messages[:8]}


def test_nothing_right_now_sends_what_waits(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    def source() -> Iterator[Outgoing | None]:
        yield from messages[:3]
        while not mailgun.calls:
            yield None
        yield from messages[3:]

    with ProviderTransport("campaigns") as transport:
        outcomes = list(transport.deliver(source()))

    assert fates(outcomes) == {"accepted": READERS}
    assert len(mailgun.calls[0].to) == 3


def test_stopping_says_of_every_message_what_became_of_it(messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(Bad(takes=True, delay=1), Bad(takes=True, delay=1), Bad(takes=True, delay=1))

    with ProviderTransport("campaigns") as transport:
        threading.Timer(0.3, transport.stop, kwargs={"grace": 0.2}).start()
        outcomes = list(transport.deliver(messages))

    assert fates(outcomes) == {"unknown": 8}  # the call under way; what was drawn beside it was not handed over


def test_calls_go_side_by_side(messages: list[Outgoing], mailgun: MailgunServer, settings: Settings) -> None:
    use(settings, f"mailgun://key@mg.example.org?api_url={mailgun.url}&batch=1&connections=8")
    mailgun.then(*[Bad(takes=True, delay=0.2)] * READERS)

    outcomes, error = delivered(messages)

    assert (fates(outcomes), error) == ({"accepted": READERS}, None)
    assert mailgun.most_at_once == 8
