"""From a feed on the web to mail on the wire: two days of a newsletter, over real HTTP and real SMTP."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest

from tests.factories import NOW
from tests.journeys import letters
from tests.product import Product, eventually
from tests.servers.http import HttpServer
from tests.servers.smtp import Received, SmtpServer

ADA, BOB = "ada@example.org", "bob@example.org"
# The schedule's time was a minute ago, and what ran until now was of the day before: each run is one of its own.
SET_DUE = """
from datetime import timedelta
from zoneinfo import ZoneInfo
from django.utils import timezone
from newsletter.digests.models import Schedule
schedule = Schedule.objects.get(newsletter__slug="latest-news", cadence="daily")
for issue in schedule.issues.order_by("run_date"):
    issue.run_date -= timedelta(days=1)
    issue.save(update_fields=["run_date"])
due = (timezone.now() - timedelta(minutes=1)).replace(second=0, microsecond=0)
schedule.time = due.astimezone(ZoneInfo(schedule.time_zone)).time()
schedule.next_run_at, schedule.approval = due, "automatic"
schedule.save(update_fields=["time", "next_run_at", "approval"])
"""


@pytest.fixture
def web() -> Iterator[HttpServer]:
    with HttpServer() as server:
        yield server


def test_two_days_of_a_newsletter(smtp_site: Product, relay: SmtpServer, web: HttpServer) -> None:
    readers = [join(smtp_site, relay, address) for address in (ADA, BOB)]
    feed = serve_feed(web, ["Tram bridge opens", "Night market returns"])
    assert poll(smtp_site, feed)["new"] == 2
    assert poll(smtp_site, feed)["new"] == 0

    first_day = run_schedule(smtp_site, relay, expected=2)
    serve_feed(web, ["Tram bridge opens", "Night market returns", "Lighthouse is lit again"])
    assert poll(smtp_site, feed)["new"] == 1
    second_day = run_schedule(smtp_site, relay, expected=2)

    assert sorted(mail.recipients for mail in first_day) == sorted(mail.recipients for mail in second_day)
    for before, after in zip(of(first_day, readers), of(second_day, readers), strict=True):
        assert {"Tram bridge opens", "Night market returns"} <= headlines(before)
        assert "Lighthouse is lit again" in headlines(after)
        assert stories(before).isdisjoint(stories(after))
    for mail in first_day + second_day:
        check_message(mail)
    check_nothing_new(smtp_site, relay)
    check_one_click(smtp_site, relay, web, mail=of(second_day, [BOB])[0])
    check_ledger(smtp_site)


def check_nothing_new(site: Product, relay: SmtpServer) -> None:
    """A run without news sends nothing, and says so."""
    before = len(relay.messages)

    outcome = json.loads(site.manage("send_now", "latest-news", "--wait", "--json"))

    assert (outcome["outcome"], len(relay.messages)) == ("skipped", before)
    assert "Nothing new" in outcome["reason"]


def check_one_click(site: Product, relay: SmtpServer, web: HttpServer, *, mail: Received) -> None:
    """A mail program's POST without a cookie ends it at once; the others get the next issue."""
    address = mail.parsed["List-Unsubscribe"].strip("<>")

    answer = site.post(address, [("List-Unsubscribe", "One-Click")])
    poll(site, serve_feed(web, ["Ferry strike is over"]))
    before = len(relay.messages)
    site.manage("send_now", "latest-news", "--wait")

    assert answer.status == 200
    assert [message.recipients for message in relay.messages[before:]] == [(ADA,)]


def check_ledger(site: Product) -> None:
    """Every mail on the wire is one row, and every run has a visible outcome."""
    sends = site.rows("delivery.Send")
    addresses = {row["pk"]: row["email"] for row in site.rows("subscribers.Subscriber")}
    issues = site.rows("digests.Issue")

    assert sorted((addresses[send["subscriber"]], send["status"]) for send in sends) == sorted(
        [(ADA, "sent"), (ADA, "sent"), (ADA, "sent"), (BOB, "sent"), (BOB, "sent")]
    )
    assert all(send["response"].startswith("250") for send in sends)
    assert [issue["status"] for issue in sorted(issues, key=lambda issue: issue["number"])].count("skipped") == 1
    assert {campaign["status"] for campaign in site.rows("delivery.Campaign")} == {"finished"}


def check_message(received: Received) -> None:
    """MAIL_CHECKLIST on the raw bytes: RFC 5322, 2045, 2369, 2919, 8058."""
    raw, mail = received.content, received.parsed
    (recipient,) = received.recipients

    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert raw.partition(b"\r\n\r\n")[0].isascii()
    names = [name.lower() for name in mail]
    assert len(names) == len(set(names)), names
    assert mail["To"] == recipient
    assert re.fullmatch(rb"<http://localhost:\d+/unsubscribe/[\w-]{32}/>", header(raw, b"List-Unsubscribe"))
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert re.fullmatch(r'"?Latest news"? <latest-news\.[\w.-]+>', mail["List-ID"])
    assert re.fullmatch(r"<[^<>@\s]+@[^<>@\s]+\.[^<>@\s]+>", mail["Message-ID"])
    assert mail["MIME-Version"] == "1.0"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    for kind in ("plain", "html"):
        text = letters.part(mail, kind)
        assert "/unsubscribe/" in text
        assert "4 Old Quay, Larkhaven" in text
        assert not re.search(r"[\ue000-\uf8ff]|\{\{|\{%", text), "a mark that was not filled"
    assert len(letters.part(mail, "html").encode()) < 100_000


# --- steps ------------------------------------------------------------------------------------------------------------
def join(site: Product, relay: SmtpServer, address: str) -> str:
    """Sign up and confirm by the link in the mail."""
    fields = [("email", address), ("newsletters", "latest-news"), ("cadence", "daily")]
    assert site.post("/subscribe/", fields).status == 303
    mail = eventually(lambda: next((m for m in relay.messages if m.recipients == (address,)), None))
    assert mail
    assert site.post(letters.link(mail.parsed, "/confirm/"), []).status == 200
    return address


def poll(site: Product, url: str) -> dict[str, int]:
    report = json.loads(site.manage("poll_feed", url, "--json"))
    assert isinstance(report, dict)
    return report


def run_schedule(site: Product, relay: SmtpServer, *, expected: int) -> list[Received]:
    """Let the daily schedule be due, tick beside the running scheduler, and take what went out."""
    before = len(relay.messages)
    site.run(SET_DUE)
    site.manage("tick", "--json")
    return relay.wait_for(before + expected)[before:]


def serve_feed(web: HttpServer, titles: list[str]) -> str:
    """An RSS feed with these items, newest last; each item's id is its title."""
    items = "".join(
        f"<item><title>{title}</title><guid>{title}</guid><link>https://news.example.com/{number}-{len(title)}</link>"
        f"<pubDate>{format_datetime(NOW)}</pubDate><description>What happened: {title}.</description></item>"
        for number, title in enumerate(titles)
    )
    feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>{items}</channel></rss>'
    return web.serve("/wire.xml", feed.encode())


# --- looking ----------------------------------------------------------------------------------------------------------
def of(mails: list[Received], readers: list[str]) -> list[Received]:
    """One mail for each of these readers, in this order."""
    by_reader = {mail.recipients[0]: mail for mail in mails}
    return [by_reader[reader] for reader in readers]


def stories(received: Received) -> set[str]:
    """The paths of the articles that the mail links to."""
    paths = {urlsplit(address).path for address in letters.links(received.parsed)}
    return {path for path in paths if path.startswith("/articles/")}


def headlines(received: Received) -> set[str]:
    """Which of the feed's headlines are in the mail."""
    html = letters.part(received.parsed, "html")
    known = ("Tram bridge opens", "Night market returns", "Lighthouse is lit again", "Ferry strike is over")
    return {title for title in known if title in html}


def header(raw: bytes, name: bytes) -> bytes:
    """The header as it stands on the wire, in one line or not at all."""
    match = re.search(rb"(?mi)^" + name + rb": (.*)\r\n(?![ \t])", raw)
    assert match, f"{name!r} is missing or folded"
    return match[1]
