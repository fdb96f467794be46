"""One step of the selection benchmark, as a process: ``python -m tests.benchmarks.selecting_run READERS fill|launch``.

``fill`` makes the readers and launches a week of issues; ``launch`` prints the figures of the next one as JSON.
"""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from articles.models import Article
from newsletter.delivery import audience, campaigns, claiming, filling
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import blocks, drafting
from newsletter.digests.models import Edition, EditionItem, Issue, IssueItem
from newsletter.digests.rendering import IssueRenderer, render_edition
from newsletter.lib.bulk import insert_rows
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription, TopicSet
from tests.factories import make_article, make_newsletter, make_topic

TOPICS, ARTICLES, DAYS, PRESETS = 20, 200, 7, 12
BASELINE_READERS = 200
PARAGRAPH = "The council met on the quay and agreed on what everybody had hoped for since the spring. "


def main() -> None:
    readers, step = int(sys.argv[1]), sys.argv[2]
    figures = {"fill": fill, "launch": launch}[step](readers)
    sys.stdout.write(json.dumps(figures) + "\n")


# --- the week before --------------------------------------------------------------------------------------------------
def fill(readers: int) -> dict[str, Any]:
    call_command("migrate", verbosity=0)
    chance = random.Random(20)
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    topics = [make_topic(name=f"Topic {number}") for number in range(TOPICS)]
    for number in range(ARTICLES):
        released_at = now - timedelta(days=DAYS) + timedelta(days=DAYS) * number / ARTICLES
        chosen = chance.sample(topics, k=chance.choice((1, 1, 1, 2)))
        make_article(topics=chosen, summary=PARAGRAPH * 3, released_at=released_at)
    newsletter = make_newsletter(slug="latest-news", name="Latest news")
    _people(readers)
    _subscriptions(newsletter, readers, _choices(topics, readers, chance), now)
    _analyze()
    with accepted_at_once():
        for day in range(DAYS, 0, -1):
            if day == DAYS:
                _send(newsletter, "weekly", now=now - timedelta(days=day) + timedelta(hours=6))
            _send(newsletter, "daily", now=now - timedelta(days=day) + timedelta(hours=7))
    _vacuum()
    return {}


def _people(readers: int) -> None:
    fields = {
        "email": "", "address_key": "", "address_hash": "", "name": "", "language": "", "time_zone": "",
        "format": "html", "link_version": 0, "allows_measuring": False,
    }  # fmt: skip
    addresses = ((n, f"reader{n}@example.org") for n in range(readers))
    rows = ((email, email, f"{n:064x}", *list(fields.values())[3:]) for n, email in addresses)
    insert_rows(Subscriber, list(fields), rows)


def _choices(topics: list[Any], readers: int, chance: random.Random) -> list[int | None]:
    """Everybody's topic set: 55 % all, 25 % one of twelve presets, 20 % their own in a Zipf skew."""
    weights = [1 / rank for rank in range(1, TOPICS + 1)]
    pks = [topic.pk for topic in topics]
    presets = [_key(chance.sample(pks, k=chance.randint(2, 6))) for _ in range(PRESETS)]
    keys: list[str | None] = []
    for _ in range(readers):
        dice = chance.random()
        if dice < 0.55:
            keys.append(None)
        elif dice < 0.8:
            keys.append(chance.choice(presets))
        else:
            keys.append(_key(chance.choices(pks, weights, k=chance.randint(1, 8))))
    insert_rows(TopicSet, ["key"], ((key,) for key in sorted({key for key in keys if key})))
    made = dict(TopicSet.objects.values_list("key", "pk"))
    return [made[key] if key else None for key in keys]


def _key(pks: list[int]) -> str:
    return ",".join(map(str, sorted(set(pks))))


def _subscriptions(newsletter: Newsletter, readers: int, choices: list[int | None], now: datetime) -> None:
    confirmed = now - timedelta(days=30)
    cadences = ["daily"] * 6 + ["weekly"] * 3 + ["monthly"]
    fields = ["subscriber", "newsletter", "status", "cadence", "topic_set", "confirmed_at", "ended_reason"]
    people = Subscriber.objects.order_by("pk").values_list("pk", flat=True).iterator()
    rows = (
        (pk, newsletter.pk, "active", cadences[n * 7 % 10], choices[n], confirmed, "") for n, pk in enumerate(people)
    )
    insert_rows(Subscription, fields, rows)


def _send(newsletter: Newsletter, cadence: str, *, now: datetime) -> None:
    """An issue of the week before, launched as ever; then all its mails were accepted."""
    issue = drafting.new_issue(newsletter, send_at=now, cadence=cadence)
    Issue.objects.filter(pk=issue.pk).update(min_articles=1, max_articles=8)
    drafting.refresh(issue, now=now)
    issue.approve(now=now)
    campaign = campaigns.launch(issue, now=now)
    assert campaign, issue.reason
    campaigns.fill(campaign, clock=lambda: now, seconds=1)  # the clock stands still: to the end
    campaign.sends.filter(status=Send.Status.QUEUED).update(status=Send.Status.SENT, settled_at=now)
    Campaign.objects.filter(pk=campaign.pk).update(status=Campaign.Status.FINISHED, finished_at=now)
    _analyze()


@contextmanager
def accepted_at_once() -> Iterator[None]:
    """On PostgreSQL mails count as sent as soon as they are in the ledger, which saves half of the time of a week."""
    if connection.vendor != "postgresql":
        yield
        return
    table = Send._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE FUNCTION accept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.status = 'queued' THEN NEW.status := 'sent'; NEW.settled_at := now(); END IF;
                RETURN NEW;
            END $$""")
        cursor.execute(f"CREATE TRIGGER accepting BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION accept()")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER accepting ON {table}")
        cursor.execute("DROP FUNCTION accept()")


def _analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _vacuum() -> None:
    """As PostgreSQL does by itself in the week in which such a ledger grows."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)" if connection.vendor == "postgresql" else "ANALYZE")


# --- today ------------------------------------------------------------------------------------------------------------
def launch(readers: int) -> dict[str, Any]:
    now = timezone.now()
    newsletter = Newsletter.objects.get()
    issue = drafting.new_issue(newsletter, send_at=now)
    pks = Article.objects.order_by("-released_at").values_list("pk", flat=True)
    IssueItem.objects.bulk_create(IssueItem(issue=issue, article_id=pk, position=n) for n, pk in enumerate(pks))
    issue.approve(now=now)
    figures: dict[str, Any] = {"baseline": baseline(issue, readers)}
    with measured(figures):
        campaign = took(figures, "first", partial(launched_and_claimed, issue, now=now))
        with mock.patch.object(campaigns, "fill_slice", partial(counted, figures, campaigns.fill_slice)):
            campaigns.fill(campaign, clock=timezone.now, seconds=3600)
    scale = 1024 if sys.platform != "darwin" else 1024 * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale
    figures |= {"peak_mb": peak, "groups": issue.reader_groups.count(), "editions": issue.editions.count()}
    assert campaign.sends.count() == readers
    return figures | {"renders": renders(issue)}


def launched_and_claimed(issue: Issue, *, now: datetime) -> Campaign:
    """Launch it as the sweep does, until a worker holds the first mails, rendered."""
    campaign = campaigns.launch(issue, now=now)
    assert campaign
    claimed = claiming.claim(campaign, now=now)
    assert claimed
    assert render_edition(edition=Edition.objects.get(pk=claimed.waiting[0].edition_id))
    claiming.give_back(claimed, [reader.send_pk for reader in claimed.waiting])
    return campaign


def counted(figures: dict[str, Any], function: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """A slice, the figures being how many there were and how long the longest took."""
    figures["slices"] = figures.get("slices", 0) + 1
    return took(figures, "slice", partial(function, *values, **named))


STEPS = {
    "audience": [(audience, "_tell"), (audience, "_freeze"), (audience, "new_groups")],
    "plan": [(filling, "plan")],
    "assemble": [(filling, "assemble")],
    "ledger": [(audience, "write_ledger")],
}


@contextmanager
def measured(figures: dict[str, Any]) -> Iterator[None]:
    """Seconds of each step over all slices, by its name, and of all together; of the processor, too."""
    started, ours, theirs = time.perf_counter(), time.process_time(), backend_seconds()
    with ExitStack() as stack:
        for step, places in STEPS.items():
            figures[step] = 0.0
            for module, name in places:
                stack.enter_context(mock.patch.object(module, name, _adding(figures, step, getattr(module, name))))
        yield
    figures["all"] = time.perf_counter() - started
    figures["cpu"] = time.process_time() - ours
    figures["database_cpu"] = backend_seconds() - theirs


def backend_seconds() -> float:
    """Processor time of PostgreSQL's process that serves us, user's and system's; 0 where it runs elsewhere.

    What it has others read in parallel is not in it.
    """
    if connection.vendor != "postgresql":
        return 0.0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = Path(f"/proc/{cursor.fetchone()[0]}")
    if not process.exists() or not (process / "comm").read_text().startswith("postgres"):
        return 0.0
    user, system = (process / "stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _adding(figures: dict[str, Any], step: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def timed(*values: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*values, **named)
        finally:
            figures[step] += time.perf_counter() - started

    return timed


def took(figures: dict[str, Any], name: str, function: Callable[[], Any]) -> Any:
    """Call it; the figure is the longest that it took."""
    started = time.perf_counter()
    value = function()
    figures[name] = max(figures.get(name, 0.0), time.perf_counter() - started)
    return value


def renders(issue: Issue) -> int:
    """Templates rendered for all the editions of the issue."""
    with mock.patch.object(blocks, "render", wraps=blocks.render) as render:
        renderer = IssueRenderer(issue)
        for edition in Edition.objects.filter(issue=issue).iterator():
            renderer.render(EditionItem.objects.filter(edition=edition).order_by("position"))
    return render.call_count


def baseline(issue: Issue, readers: int) -> float:
    """Seconds for all readers if each were asked for alone, from a sample."""
    started = time.perf_counter()
    for subscription in Subscription.objects.select_related("topic_set", "subscriber")[:BASELINE_READERS]:
        had = EditionItem.objects.filter(edition__sends__subscriber=subscription.subscriber).values("article")
        theirs = Article.objects.filter(issues=issue).exclude(pk__in=had)
        if subscription.topic_set:
            theirs = theirs.filter(topics__in=subscription.topic_set.topic_pks).distinct()
        list(theirs.order_by("-released_at").values_list("pk", flat=True)[:8])
    return (time.perf_counter() - started) / min(BASELINE_READERS, readers) * readers


if __name__ == "__main__":
    main()
