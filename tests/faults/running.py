"""Cases on a running product: from the machine they need to the line of the table."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests import product
from tests.console import Console
from tests.faults.cases import SLOW, Case
from tests.faults.machine import Machine, machine
from tests.faults.trial import Result, Trial
from tests.product import Product
from tests.servers.mailgun import MailgunServer
from tests.servers.smtp import SmtpServer

RAISED = "raised unexpected"  # what Celery says of a task of ours that fails, as they may only without their database
_numbers = itertools.count(1)


@dataclass
class Site:
    """A product on a machine that may be broken, and the relay it sends to. ``is_sound`` until a case went wrong."""

    product: Product
    console: Console
    machine: Machine
    relay: SmtpServer
    provider: MailgunServer
    is_sound: bool = True


@contextmanager
def site(*, database: str, needs: str = "") -> Iterator[Site]:
    """``database``: "sqlite" or "postgresql", a server of its own. Raises Unavailable."""
    parts = {part: needs == part for part in ("disk", "clock", "tls")}
    on_server = database == "postgresql"
    with (
        machine(database=on_server, **parts) as its_machine,
        SmtpServer(tls=its_machine.tls) as relay,
        MailgunServer() as provider,
    ):
        environment = {"MAILER_URL": relay.url, **its_machine.environment}
        if needs == "provider":
            environment["CAMPAIGN_MAILER_URL"] = f"mailgun://key@mg.example.org?api_url={provider.url}&batch=100"
        name = f"faults-{needs or 'plain'}-{next(_numbers)}"
        bad_words = RAISED if needs in {"", "provider", "tls"} else "\0"
        with (
            product.running(name, on_given_redis=True, bad_words=bad_words, **environment) as running_product,
            Console(running_product) as console,
        ):
            yield Site(running_product, console, its_machine, relay, provider)


def run(case: Case, on: Site, *, readers: int, patience: float = 2 * SLOW) -> Result:
    """Let it happen and wait for the end. The figures are the sink's beside the ledger's."""
    on.relay.forget()
    trial = Trial(on.product, on.console, on.machine, on.relay, on.provider, slug_of(case), max(readers, case.fewest))
    trial.prepare()
    try:
        case.happen(trial)
        books = trial.until(case.ends, seconds=patience)
        if case.ends != "finished":
            books = trial.settled()
    finally:
        on.relay.behave()
    return trial.result(books)


def complaints(case: Case, result: Result) -> Sequence[str]:
    """What the promises forbid and the result shows; empty if all is well."""
    found = []
    if result.lost:
        found.append(f"{result.lost} lost")
    if result.strangers:
        found.append(f"{result.strangers} got it who should not have")
    if result.repeated > case.may_repeat:
        found.append(f"{result.repeated} repeated, where {case.may_repeat} could have been in flight")
    if result.changed:
        found.append(f"{result.changed} repeats were other messages")
    if not result.figures_agree:
        found.append(f"the ledger says {result.counts['sent']} sent, the sink has {result.received}")
    return found


def slug_of(case: Case) -> str:
    return re.sub(r"[^a-z0-9]+", "-", case.name.lower()).strip("-")[:40]
