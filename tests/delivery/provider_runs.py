"""Handing messages over to a provider of the tests, and what was said of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime

from pytest_django import Settings

from config import environment
from newsletter.delivery import recipients
from newsletter.delivery.letters import LetterBox
from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Outcome, SenderRefusedError, TransportDownError
from newsletter.delivery.personalization import Outgoing
from newsletter.delivery.settling import Ledger
from newsletter.delivery.transports.providers.transport import ProviderTransport

READERS = 24


def outgoing(campaign: Campaign, clock: Callable[[], datetime]) -> list[Outgoing]:
    letters, ledger = LetterBox(campaign), Ledger(campaign, clock=clock)
    answer = recipients.ask(campaign, list(campaign.sends.values_list("pk", flat=True)))
    return [message for reader in answer.mailable if (message := letters.message(reader, ledger=ledger))]


def alone(messages: list[Outgoing]) -> list[Outgoing]:
    """Each of an edition of its own."""
    return [message._replace(letter=copy(message.letter)) for message in messages]


def use(settings: Settings, url: str) -> None:
    settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", url)}


def delivered(messages: Iterable[Outgoing | None]) -> tuple[list[Outcome], Exception | None]:
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
