"""How a provider's transport draws messages: what is begun, what is given back, and what ends it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from django.db import OperationalError
from pytest_django import Settings

from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.transports.providers.transport import ProviderTransport
from tests.delivery.provider_runs import READERS, alone, delivered, fates, use
from tests.servers.http import HttpServer, Request, Response
from tests.servers.mailgun import Bad, MailgunServer

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_call_that_was_put_off_is_not_made_again_when_no_more_messages_may_go(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    def source() -> Iterator[Outgoing | None]:
        yield from messages[:8]
        while not mailgun.calls:
            yield None

    mailgun.then(Bad(status=429, headers={"Retry-After": "1"}))

    outcomes, error = delivered(source())

    assert (outcomes, error) == ([], None)
    assert len(mailgun.calls) == 1


def test_test_of_an_issue_waits_as_long_as_the_provider_asks_for(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(Bad(status=429, headers={"Retry-After": "1"}))
    test = Outgoing(0, messages[0].sender, messages[0].recipient, messages[0].data)

    outcomes, error = delivered([test])

    assert (fates(outcomes), error) == ({"accepted": 1}, None)


def test_messages_are_asked_for_while_every_connection_is_busy(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    def source() -> Iterator[Outgoing | None]:
        yield from alone(messages[8:12])
        yield from messages[:8]
        while not mailgun.calls:
            yield None

    mailgun.then(Bad(takes=True, delay=1.8))

    outcomes, error = delivered(source())

    assert (fates(outcomes), error) == ({"accepted": 8}, None)  # it was too late for the four others
    assert len(mailgun.calls) == 1


def test_what_cannot_be_begun_soon_after_the_last_message_goes_back_to_the_queue(
    messages: list[Outgoing], mailgun: MailgunServer
) -> None:
    mailgun.then(*[Bad(takes=True, delay=0.4)] * READERS)

    outcomes, error = delivered(alone(messages[:12]))

    assert error is None
    assert fates(outcomes).keys() == {"accepted"}
    assert len(outcomes) == len(mailgun.calls) < 6


def test_only_few_editions_wait_for_more_of_their_readers(
    messages: list[Outgoing], mailgun: MailgunServer, settings: Settings
) -> None:
    waiting: list[int] = []

    def source() -> Iterator[Outgoing]:
        for count, message in enumerate(alone(messages)):
            waiting.append(count - len(outcomes))
            yield message

    use(settings, f"mailgun://key@mg.example.org?api_url={mailgun.url}&connections=1")
    outcomes: list[Outcome] = []

    with ProviderTransport("campaigns") as transport:
        for outcome in transport.deliver(source()):
            outcomes.append(outcome)  # noqa: PERF402 (source looks at it meanwhile)

    assert max(waiting) <= 17


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
