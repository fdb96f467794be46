"""One step of the mailing benchmark, as a process: fill an empty site, launch a digest to its readers, or send it.

``python -m tests.benchmarks.mailing_run READERS fill|fill-tracked|launch|drain|baseline`` waits for a line before each
thing that it does, and prints its figures as JSON; see mailing.py.
"""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.mail import EmailMultiAlternatives, mailers
from django.core.management import call_command
from django.db import connection
from django.template import engines
from django.utils import timezone

from articles.models import Article
from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import ReaderValues
from newsletter.delivery.recipients import Recipient
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription, TopicSet
from tests.factories import make_article, make_newsletter, make_topic

TOPICS, ARTICLES = 6, 12


def main() -> None:
    readers, kind = int(sys.argv[1]), sys.argv[2]
    tell({"is_ready": True})
    sys.stdin.readline()
    if kind in {"fill", "fill-tracked"}:
        fill(readers, is_tracked=kind == "fill-tracked")
    elif kind == "launch":
        launch()
    else:
        tell(measured({"drain": send_ours, "baseline": send_baseline}[kind]))


def tell(figures: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def measured(send: Callable[[], None]) -> dict[str, Any]:
    """What sending took: processor time of this process and of the database's that serves it, and peak memory."""
    Newsletter.objects.exists()  # connects
    before, database_before = resource.getrusage(resource.RUSAGE_SELF), database_cpu()
    send()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    return {"cpu": cpu, "database_cpu": database_cpu() - database_before, "peak_mb": after.ru_maxrss / scale}


def database_cpu() -> float:
    """Seconds of the process that serves our connection; none of its own on SQLite, or if it is on another machine."""
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        stat = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not stat.exists():
        return 0.0
    ticks = stat.read_text().rpartition(")")[2].split()[11:13]
    return sum(int(tick) for tick in ticks) / os.sysconf("SC_CLK_TCK")


def fill(readers: int, *, is_tracked: bool) -> None:
    """``is_tracked``: everybody has agreed that clicks and opens are counted."""
    call_command("migrate", verbosity=0)
    now = timezone.now()
    topics = [make_topic() for _ in range(TOPICS)]
    paragraph = "The council met on the quay and agreed on what everybody had hoped for since the spring. " * 3
    for number in range(ARTICLES):
        released_at = now - timedelta(minutes=5 + number)
        make_article(topics=[topics[number % TOPICS]], summary=paragraph, released_at=released_at)
    newsletter = make_newsletter(
        slug="latest-news", name="Latest news", measures_clicks=is_tracked, measures_opens=is_tracked
    )
    choices = [None, *(TopicSet.objects.of([topic]) for topic in topics), TopicSet.objects.of(topics[:3])]
    people = []
    for number in range(readers):
        email = f"reader{number}@example.org"
        hashed, name = address_hash(email), f"Reader {number}"
        person = Subscriber(email=email, name=name, address_key=email, address_hash=hashed, allows_measuring=is_tracked)
        people.append(person)
    people = Subscriber.objects.bulk_create(people, batch_size=2000)
    Subscription.objects.bulk_create(
        (
            Subscription(
                subscriber=person, newsletter=newsletter, status="active", confirmed_at=now,
                topic_set=choices[person.pk % len(choices)],
            )
            for person in people
        ),
        batch_size=2000,
    )  # fmt: skip


def launch() -> None:
    """Launch an issue to everybody; when told again, close its books."""
    started = time.perf_counter()
    issue = campaigns.send_now(newsletter=Newsletter.objects.get(), now=timezone.now())
    campaign = campaigns.launch(issue, now=timezone.now())
    assert campaign
    campaigns.fill(campaign, clock=timezone.now, seconds=3600)
    tell({"launch": time.perf_counter() - started})
    sys.stdin.readline()
    campaign.refresh_from_db()
    if not campaign.finish(timezone.now()):
        sys.exit(f"The books do not balance: {campaigns.counts(campaign)}")


def send_ours() -> None:
    dispatch.drain(Campaign.objects.get(), clock=timezone.now, seconds=3600)


def send_baseline() -> None:
    """What one writes first: for every reader render, build a message, send it over the open connection."""
    newsletter = Newsletter.objects.get()
    html, text = (engines["django"].from_string(source) for source in (HTML, TEXT))
    articles = list(Article.objects.order_by("-released_at"))
    backend, values = mailers["campaigns"], ReaderValues(newsletter)
    backend.open()
    for subscription in newsletter.subscriptions.select_related("subscriber", "topic_set"):
        stories = articles[:8]
        reader = as_recipient(subscription)
        context = {"stories": stories, **values.of(reader)}
        address, sender = reader.email, newsletter.sender_address
        message = EmailMultiAlternatives(stories[0].title, text.render(context), sender, [address])
        message.attach_alternative(html.render(context), "text/html")
        backend.send_messages([message])
    backend.close()


def as_recipient(subscription: Subscription) -> Recipient:
    """Who is mailed without a ledger."""
    person, signed_up_at = subscription.subscriber, subscription.confirmed_at or subscription.created_at
    return Recipient(
        send_pk=0, edition_id=0, subscriber_id=person.pk, subscription_id=subscription.pk, email=person.email,
        name=person.name, format=person.format, link_version=person.link_version, signed_up_at=signed_up_at,
        attempt_count=0, reason="",
    )  # fmt: skip


_STYLE = "font-family: Charter, Georgia, serif; font-size: 17px; line-height: 26px; color: #23211e; padding: 8px 24px;"
_STORY = f"""
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="border-collapse: collapse;">
  <tr><td style="{_STYLE}"><h2 style="{_STYLE} font-size: 22px; line-height: 28px; margin: 0;">
    <a href="https://news.example.org{{{{ story.get_absolute_url }}}}" style="{_STYLE} text-decoration: none;">
    {{{{ story.title }}}}</a></h2></td></tr>
  <tr><td style="{_STYLE}"><p style="{_STYLE} margin: 0;">{{{{ story.summary }}}}</p></td></tr>
  <tr><td style="{_STYLE}"><a href="https://news.example.org{{{{ story.get_absolute_url }}}}" style="{_STYLE}">
    Read on</a> {{{{ story.released_at|date:"DATE_FORMAT" }}}}</td></tr>
</table>
"""
HTML = (
    "<!DOCTYPE html><html><body><p>Good morning, {{ name }}</p>{% for story in stories %}"
    + _STORY
    + '{% endfor %}<p><a href="{{ unsubscribe_url }}">Leave</a> '
    '<a href="{{ preferences_url }}">Change</a></p></body></html>'
)
TEXT = """Good morning, {{ name }}
{% for story in stories %}
{{ story.title }}
{{ story.summary }}
https://news.example.org{{ story.get_absolute_url }}
{% endfor %}
Leave: {{ unsubscribe_url }}
"""


if __name__ == "__main__":
    main()
