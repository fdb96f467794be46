"""One sender of the sending benchmark, as a process: ``python -m tests.benchmarks.sending_run KIND PORT COUNT …``.

It makes and sends one digest to so many readers, without a database: what the wire and the making of the bytes cost.
It says that it is ready, waits for a line on its standard input, and prints its figures as JSON; see sending.py.
"""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import json
import os
import resource
import smtplib
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape

os.environ["DATABASE_URL"] = "sqlite:///:memory:"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, mailers
from django.template import engines

from newsletter.delivery import tracking
from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Fate
from newsletter.delivery.personalization import Letter, Outgoing
from newsletter.delivery.recipients import Recipient
from newsletter.delivery.transports.smtp import SmtpOptions, SmtpTransport
from newsletter.digests.greetings import Greeting
from newsletter.digests.models import Issue
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.slots import Slot
from newsletter.subscribers.models import Newsletter

STORIES = 10
NOW = datetime(2026, 11, 22, 6, tzinfo=UTC)
NAMES = ("Ada", "", "Reader of the paper", "Jürgen Müller", "Anna-Maria", "Zoë", "Ngozi", "Lars", "María José", "Bo")
SENDER = "news@gazette.example"
URL = "https://news.example.org/articles/the-bridge-opens-after-all/"
_WORDS = "The council met on the quay and agreed on what everybody had hoped for since the spring. "
_STYLE = "font-family: Charter, Georgia, serif; font-size: 17px; line-height: 26px; color: #23211e; padding: 8px 24px;"


def main() -> None:
    kind, port, count, connections, window, first = sys.argv[1], *map(int, sys.argv[2:])
    send = {"django": send_by_django, "smtplib": send_by_smtplib}.get(kind)
    if send is None:

        def send(port: int, readers: Iterator[Recipient]) -> int:
            is_measured = kind == "measured"
            return send_ours(port, readers, connections=connections, window=window, is_measured=is_measured)

    len(next(messages(recipients(0, 1))).data)  # what is loaded once is loaded now
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    before, began_at = _cpu(), time.monotonic()
    accepted_count = send(port, recipients(first, count))
    cpu, ended_at = _cpu() - before, time.monotonic()
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    figures = {"accepted": accepted_count, "cpu": cpu, "peak_mb": peak, "began_at": began_at, "ended_at": ended_at}
    sys.stdout.write(json.dumps(figures) + "\n")


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def recipients(first: int, count: int) -> Iterator[Recipient]:
    for number in range(first, first + count):
        name, signed_up_at = NAMES[number % len(NAMES)], NOW - timedelta(days=number % 400)
        email = f"reader{number}@example.org"
        yield Recipient(number, 1, number, number, email, name, "html", 0, signed_up_at, 0, "")


def mail() -> RenderedMail:
    """Ten stories: 33 KB of HTML, 6 KB of text, 40 KB on the wire."""
    title, url = "The bridge opens after all that time", URL
    cell = f'<tr><td style="{_STYLE}">'
    paragraphs = "".join(f'{cell}<p style="{_STYLE} margin: 0;">{_WORDS * 4}</p></td></tr>\n' for _ in range(3))
    story = f'{cell}<h2 style="{_STYLE}"><a href="{url}">{title}</a></h2></td></tr>\n{paragraphs}'
    foot = (
        f"{cell}To {Slot.EMAIL.mark}, who signed up on {Slot.SIGNED_UP_ON.mark}.\n"
        f'<a href="{Slot.UNSUBSCRIBE_URL.mark}">Leave</a> <a href="{Slot.PREFERENCES_URL.mark}">Change</a></td></tr>\n'
    )
    html = f"<html><body><p>{Slot.GREETING.mark}</p>\n<table>\n{story * STORIES}{foot}</table></body></html>\n"
    text = f"{Slot.GREETING.mark}\n\n" + f"{title}\n{_WORDS * 6}\n{url}\n\n" * STORIES
    text += f"Leave: {Slot.UNSUBSCRIBE_URL.mark}\nChange: {Slot.PREFERENCES_URL.mark}\nTo {Slot.EMAIL.mark}\n"
    return RenderedMail(subject=title, text=text, html=html, greeting=Greeting("Good morning, {name}", "Good morning"))


def letter(*, is_measured: bool = False) -> Letter:
    """``is_measured``: its stories are linked as for readers who agreed to it, with a third signed link."""
    newsletter = Newsletter(
        pk=1, slug="latest-news", name="Latest news", sender_name="Gazette", sender_address=SENDER, language="en",
        time_zone="Europe/Berlin",
    )  # fmt: skip
    campaign = Campaign(pk=1, issue=Issue(newsletter=newsletter, number=1, send_at=NOW), started_at=NOW)
    made = mail()
    return Letter(campaign=campaign, mail=tracking.measured(made, {URL: 1}, counts_opens=True) if is_measured else made)


def messages(readers: Iterator[Recipient], *, is_measured: bool = False) -> Iterator[Outgoing]:
    return map(letter(is_measured=is_measured).to, readers)


def send_ours(
    port: int, readers: Iterator[Recipient], *, connections: int, window: int, is_measured: bool = False
) -> int:
    options = SmtpOptions("127.0.0.1", port, connections=connections, window=window)
    with SmtpTransport(options, local_hostname="news.example") as transport:
        made = messages(readers, is_measured=is_measured)
        return sum(outcome.fate is Fate.ACCEPTED for outcome in transport.deliver(made))


def send_by_smtplib(port: int, readers: Iterator[Recipient]) -> int:
    """The same bytes over one connection of the standard library's."""
    count = 0
    with smtplib.SMTP("127.0.0.1", port, "news.example") as client:
        for message in messages(readers):
            client.sendmail(message.sender, [message.recipient], message.data)
            count += 1
    return count


def send_by_django(port: int, readers: Iterator[Recipient]) -> int:
    """What one writes first: for every reader render the templates, build a message, send it, over one connection."""
    backend_path = "django.core.mail.backends.smtp.EmailBackend"
    settings.MAILERS = {"default": {"BACKEND": backend_path, "OPTIONS": {"host": "127.0.0.1", "port": port}}}
    made, count = letter(), 0
    sources = [_as_template(text) for text in (made.mail.text, made.mail.html)]
    text, html = (engines["django"].from_string(source) for source in sources)
    with mailers["default"] as backend:
        for message in map(made.to, readers):
            assert message.reader
            context = dict(message.reader.values)
            built = EmailMultiAlternatives(made.mail.subject, text.render(context), SENDER, [message.recipient])
            built.attach_alternative(html.render(context), "text/html")
            count += backend.send_messages([built])
    return count


def _as_template(text: str) -> str:
    """With a story as a loop would have it: every one is rendered for every reader."""
    for slot in Slot:
        text = text.replace(slot.mark, f"{{{{ {slot.value} }}}}")
    return text.replace(escape("The bridge opens"), '{{ title|default:"The bridge opens" }}')


if __name__ == "__main__":
    main()
