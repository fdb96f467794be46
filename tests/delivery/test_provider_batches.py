"""Batches through a provider: every reader's own outcome, whatever becomes of the call."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pytest_django import Settings

from newsletter.delivery.outcomes import SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from tests.delivery.provider_runs import READERS, delivered, fates, use
from tests.servers.http import HttpServer, Request, Response
from tests.servers.mailgun import Bad, MailgunServer

pytestmark = pytest.mark.django_db(transaction=True)

IN_DOUBT = {
    "cut": Bad(hangs_up=True, takes=True),
    "500": Bad(status=500, takes=True),
    "504": Bad(status=504, takes=True),
}


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


@pytest.mark.parametrize("value", ["9" * 20, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_absurd_request_for_patience_is_an_hour(value: str, messages: list[Outgoing], mailgun: MailgunServer) -> None:
    mailgun.then(Bad(status=429, headers={"Retry-After": value}))

    _outcomes, error = delivered(messages)

    assert isinstance(error, TransportDownError)
    assert error.retry_after == 3600


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


def test_provider_that_failed_is_tried_with_one_reader_the_next_time(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(status=500)] * 6)
    delivered(messages)

    in_doubt, error = delivered(messages)
    outcomes, _error = delivered(messages)

    assert isinstance(error, TransportDownError)
    assert fates(in_doubt) == {"unknown": 3}
    assert fates(outcomes) == {"accepted": READERS}
    assert [len(call.to) for call in mailgun.calls[3:]] == [1, 1, 1, 1, 8, 8, 7]


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
