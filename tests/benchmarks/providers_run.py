"""One run of the benchmark of providers in a process of its own; see providers.py."""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from html import escape

from tests.servers.mailgun import MailgunServer


def serve() -> None:
    """Take mail until a line comes in; then say what came."""
    with MailgunServer(only_counts=True) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        took = {"recipients": server.recipient_count, "calls": server.call_count, "bytes": server.byte_count}
        sys.stdout.write(json.dumps({**took, "cpu_seconds": time.process_time()}) + "\n")
        sys.stdout.flush()
        sys.stdin.readline()


if __name__ == "__main__" and sys.argv[1] == "serve":
    serve()
    sys.exit()

import django

django.setup()

from anymail.message import AnymailMessage
from django.core.mail import mailers
from django.core.management import call_command
from django.utils import timezone

from articles.models import Article
from config.demo import filling
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Letter, Outgoing, personal_headers
from newsletter.delivery.recipients import Recipient
from newsletter.delivery.transports.providers.transport import ProviderTransport
from newsletter.digests.models import Appearance, EditionItem, Issue
from newsletter.digests.rendering import IssueRenderer
from newsletter.lib.slots import MARK
from newsletter.subscribers.models import Newsletter
from tests.factories import make_issue

STORIES = 10


def main() -> None:
    kind, readers, per_edition = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if kind == "fill":
        call_command("migrate", verbosity=0)
        filling.fill(now=timezone.now())
        newsletter = Newsletter.objects.filter(kind=Newsletter.Kind.DIGEST).earliest("pk")
        make_issue(newsletter=newsletter, articles=Article.objects.order_by("pk")[:STORIES], send_at=timezone.now())
        return
    letters = [letter() for _ in range(-(-readers // per_edition))]
    started, cpu = time.perf_counter(), time.process_time()
    if kind == "anymail":
        plain(letters, readers, per_edition)
    else:
        ours(letters, readers, per_edition)
    figures = {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def letter() -> Letter:
    issue = Issue.objects.select_related("newsletter").latest("pk")
    appearance = Appearance.of(issue.newsletter)
    appearance.greeting, appearance.nameless_greeting = "Dear {name},", "Dear reader,"
    pks = issue.items.order_by("position").values_list("article_id", flat=True)
    items = [EditionItem(article_id=pk, position=number) for number, pk in enumerate(pks)]
    mail = IssueRenderer(issue, appearance=appearance).render(items)
    assert mail
    return Letter(campaign=Campaign(pk=7, issue=issue, started_at=timezone.now()), mail=mail)


def outgoing(letters: list[Letter], readers: int, per_edition: int) -> Iterator[Outgoing]:
    at = timezone.now()
    for number in range(readers):
        row = Recipient(
            number, number // per_edition, number, number, f"reader{number}@example.org", f"Ada O'Reader {number}",
            "html", 1, at, 0, "",
        )  # fmt: skip
        yield letters[number // per_edition].to(row)


def ours(letters: list[Letter], readers: int, per_edition: int) -> None:
    with ProviderTransport("default") as transport:
        accepted = sum(
            outcome.fate == "accepted" for outcome in transport.deliver(outgoing(letters, readers, per_edition))
        )
    assert accepted == readers


def plain(letters: list[Letter], readers: int, per_edition: int) -> None:
    """As anymail's documentation shows it: addresses as text, merge data, headers and metadata by address."""
    batch: list[Outgoing] = []
    with mailers["default"] as backend:
        for message in outgoing(letters, readers, per_edition):
            batch.append(message)
            if len(batch) == per_edition:
                backend.send_messages([plain_message(batch)])
                batch = []


def plain_message(batch: list[Outgoing]) -> AnymailMessage:
    letter = batch[0].letter
    assert letter
    people = {message.recipient: message.reader for message in batch if message.reader}
    message = AnymailMessage(
        subject=letter.mail.subject,
        body=MARK.sub(r"%recipient.\1%", letter.mail.text),
        from_email=letter.shared_headers["From"],
        to=[f'"{reader.name}" <{address}>' for address, reader in people.items()],
        headers={"Precedence": "bulk"},
    )
    message.attach_alternative(MARK.sub(r"%recipient.\1%", letter.mail.html), "text/html")
    message.merge_data = {
        address: {slot: escape(value) for slot, value in reader.values.items()} for address, reader in people.items()
    }
    message.merge_headers = {
        address: personal_headers(reader.message_id, reader.values) for address, reader in people.items()
    }
    message.merge_metadata = {each.recipient: {"send": str(each.send_pk)} for each in batch}
    return message


if __name__ == "__main__":
    main()
