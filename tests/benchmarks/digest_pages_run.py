"""One run of ``digest_pages``, on the database that it made. ``--filled``: on one that an earlier run filled."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import django

django.setup()

from django.conf import settings  # noqa: E402 - needs the settings
from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.http import HttpResponseBase, StreamingHttpResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from articles.models import Article  # noqa: E402
from newsletter.delivery import campaigns, ending, outlooks, reaching, taking_back  # noqa: E402
from newsletter.delivery.models import Campaign  # noqa: E402
from newsletter.digests.models import Correction, Issue, Offer, Schedule  # noqa: E402
from newsletter.insights import reading, refreshing  # noqa: E402
from newsletter.subscribers.models import Newsletter, StoredCount, Subscriber  # noqa: E402
from tests.benchmarks import digest_pages_seed as seed  # noqa: E402

READERS, TIMES = 1_000_000, 3
MOST_SECONDS = 1.0
ROW = "{:<54}{:>8}{:>9}  {}\n"


class Step(NamedTuple):
    """A page, or an action: what is posted to its address."""

    name: str
    address: str
    posted: dict[str, Any] | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--filled", action="store_true")
    parser.add_argument("--only", default="", help="words that a step's name contains")
    options = parser.parse_args()
    settings.ALLOWED_HOSTS = ["*"]
    dummy = "django.core.cache.backends.dummy.DummyCache"
    settings.CACHES = {"default": {**settings.CACHES["default"], "BACKEND": dummy}}
    call_command("migrate", verbosity=0)
    if not options.filled:
        prepare(options.readers)
    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    sys.stdout.write(ROW.format("page or action", "ms", "queries", "the slowest query, ms"))
    late = [step for step in steps() if options.only in step.name and not measure(client, step)]
    sys.stdout.write(f"\n{len(late)} take more than {MOST_SECONDS:.0f} s\n\n")
    if not options.filled:
        work()
    sys.exit(1 if late else 0)


def prepare(readers: int) -> None:
    took("filled", lambda: seed.fill(readers))
    took("the worker counts everything", lambda: refreshing.refresh(now=timezone.now()))
    took("the worker works out the forecasts", lambda: outlooks.renew(clock=timezone.now))
    took("the worker counts for corrections", lambda: reaching.recount(now=timezone.now()))
    took("the worker counts clicks", lambda: reading.recount(now=timezone.now()))


def work() -> None:
    """What workers do instead of these pages; in the end two campaigns are stopped."""
    now = timezone.now()
    StoredCount.objects.filter(name__startswith="correction:").delete()
    for correction in Correction.objects.order_by("pk"):
        took("the worker counts whom a correction reaches", partial(reaching.count, correction, now=now))
    for issue in Issue.objects.filter(campaign__status="finished").select_related("newsletter").order_by("pk"):
        StoredCount.objects.filter(name__startswith=f"reading:{issue.pk}:").delete()
        took("the worker counts clicks and opens", partial(reading.count, issue, now=now))
    on_its_way, launched = Campaign.objects.filter(status="sending").order_by("pk")
    taking_back.take_back(launched, reason="Taken back.")
    took_slices("the worker deletes what was taken back", partial(ending.delete_some, launched, size=ending.SLICE))
    campaigns.cancel(on_its_way, now=now)
    skip = partial(ending.skip_some, on_its_way, now=now, size=ending.SLICE)
    took_slices("the worker skips what was cancelled", skip)


def took_slices(name: str, slice_: Callable[[], bool]) -> None:
    """Until nothing is left to do, with the longest of the slices, each of which is a transaction."""
    times = []
    is_left = True
    while is_left:
        began = time.monotonic()
        is_left = slice_()
        times.append(time.monotonic() - began)
    sys.stdout.write(f"{name}: {sum(times):.1f} s in {len(times)} slices of at most {max(times):.1f} s\n")


def took(name: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    sys.stdout.write(f"{name}: {time.monotonic() - began:.1f} s\n")
    sys.stdout.flush()


def steps() -> Iterator[Step]:
    digest, letters = (Newsletter.objects.get(slug=slug) for slug in ("latest", "letters"))
    yield Step("Today", reverse("admin:index"))
    yield Step("Today, its parts again", reverse("desk:today"))
    yield Step("Growth", reverse("desk:growth"))
    yield from _at_the_desk(digest)
    yield from _campaigns(digest)
    yield from _announcements(letters)
    yield from _corrections()
    yield from _answers(digest, letters)
    yield from _offers()
    yield from _alerts(digest)
    yield from _lists(digest, letters)


def _at_the_desk(digest: Newsletter) -> Iterator[Step]:
    draft = Issue.objects.get(newsletter=digest, launched_at=None, is_alert=False)
    reader = Subscriber.objects.order_by("pk")[777]
    desk = reverse("issue_desk:desk", args=[draft.pk])
    first = draft.items.order_by("position")[0].article_id
    yield Step("issue desk", desk)
    yield Step("issue desk, its state", reverse("issue_desk:state", args=[draft.pk]))
    yield Step("issue desk, drop a story", desk, {"do": f"drop {first}", "seen": draft.version})
    yield Step("issue desk, approve", desk, {"do": "approve", "seen": draft.version})
    yield Step("issue desk, preview", reverse("issue_desk:preview", args=[draft.pk]))
    as_reader = reverse("issue_desk:as_reader", args=[draft.pk])
    yield Step("issue desk, find a reader", f"{as_reader}?q=reader77")
    yield Step("issue desk, as a reader", f"{as_reader}?reader={reader.pk}")
    yield Step("issue desk, versions", reverse("issue_desk:versions", args=[draft.pk]))
    yield Step("issue desk, take in an article", reverse("issue_desk:find", args=[draft.pk]) + "?q=head")
    yield Step("forecast of an issue", reverse("sending:forecast_issue", args=[draft.pk]))
    for schedule in Schedule.objects.filter(newsletter=digest)[:1]:
        yield Step("forecast of a schedule", reverse("sending:forecast_schedule", args=[schedule.pk]))
    for name, pk in (("active", reader.pk), ("suppressed", 1_000), ("left", 52)):
        for issue in Issue.objects.filter(newsletter=digest, launched_at__isnull=False).order_by("number"):
            yield Step(f"why, {name}, issue {issue.number}", reverse("desk:why", args=[pk]) + f"?issue={issue.pk}")
    yield Step("a reader's timeline", reverse("desk:timeline", args=[reader.pk]))
    yield Step("a reader's issues", reverse("desk:issues", args=[reader.pk]))


def _campaigns(digest: Newsletter) -> Iterator[Step]:
    campaigns = {each.issue.number: each for each in Campaign.objects.filter(issue__newsletter=digest)}
    for name, number in (("sent", 2), ("on its way", 3), ("launched", 4)):
        campaign = campaigns[number]
        page = reverse("admin:delivery_campaign_change", args=[campaign.pk])
        yield Step(f"campaign {name}", page)
        yield Step(f"campaign {name}, its progress", reverse("sending:campaign_progress", args=[campaign.pk]))
        yield Step(f"campaign {name}, one address", f"{page}?address=reader777@example.org")
        yield Step(f"campaign {name}, export begins", reverse("sending:campaign_export", args=[campaign.pk]))
    on_its_way, launched = (campaigns[number].pk for number in (3, 4))
    change = "admin:delivery_campaign_change"
    yield Step("campaign on its way, pause", reverse(change, args=[on_its_way]), {"pause": "1"})
    for verb, pk in (("cancel", on_its_way), ("cancel", launched), ("take_back", launched), ("take_back", on_its_way)):
        name = "on its way" if pk == on_its_way else "launched"
        address = reverse(f"admin:delivery_campaign_{verb}", args=[pk])
        yield Step(f"campaign {name}, {verb}, asked", address)
        yield Step(f"campaign {name}, {verb}", address, {})
    yield Step("list of campaigns", reverse("admin:delivery_campaign_changelist"))
    send_now = reverse("admin:delivery_send_now", args=[digest.pk])
    yield Step("send now, asked", send_now)
    yield Step("send now", send_now, {})


def _announcements(letters: Newsletter) -> Iterator[Step]:
    for issue in Issue.objects.filter(newsletter=letters, launched_at=None).order_by("number"):
        address = reverse("sending:audience", args=[issue.pk])
        told = issue.narrowing
        posted = {
            "topics": told.get("topics", []), "label": told.get("label") or "", "language": told.get("language", ""),
            "activity": told.get("activity", ""), "days": 20, "cadence": "monthly", "seen": issue.version,
        }  # fmt: skip
        yield Step(f"narrowed, {issue.subject}", address)
        yield Step(f"narrowed, {issue.subject}, kept", address, posted)
    yield Step("issue desk of an announcement", reverse("issue_desk:desk", args=[issue.pk]))
    yield Step("forecast of an announcement", reverse("sending:forecast_issue", args=[issue.pk]))


def _corrections() -> Iterator[Step]:
    for correction in Correction.objects.order_by("pk"):
        what = "article" if correction.article_id else "issue"
        address = reverse("sending:sent_correction", args=[correction.pk])
        yield Step(f"correction of an {what}", address)
        yield Step(f"correction of an {what}, sent", address, {"send": "1"})
    yield Step("correction, to be written", reverse("sending:write_correction", args=[correction.issue_id]))
    note = {"note": "It was on Tuesday."}
    yield Step("correction, written", reverse("sending:write_correction", args=[correction.issue_id]), note)


def _answers(digest: Newsletter, letters: Newsletter) -> Iterator[Step]:
    yield Step("what readers think", reverse("desk:answers"))
    for newsletter in (digest, letters):
        issue = Issue.objects.filter(newsletter=newsletter, campaign__status="finished").order_by("-number")[0]
        name = "digest" if newsletter == digest else "announcement"
        yield Step(f"clicks and answers of a {name}", reverse("desk:answers_to", args=[issue.pk]))
        yield Step(f"page of a sent {name}", reverse("admin:digests_issue_change", args=[issue.pk]))
    yield Step("list of answers", reverse("admin:engagement_rating_changelist"))
    yield Step("list of events", reverse("admin:engagement_event_changelist"))
    for kind in ("opened", "complained"):
        yield Step(f"list of events, {kind}", reverse("admin:engagement_event_changelist") + f"?kind__exact={kind}")
    yield Step(
        "list of events of an address", reverse("admin:engagement_event_changelist") + "?q=reader777777@example.org"
    )


def _offers() -> Iterator[Step]:
    yield Step("list of offers", reverse("admin:digests_offer_changelist"))
    yield Step("calendar of offers", reverse("admin:digests_offer_calendar"))
    for offer in Offer.objects.order_by("pk"):
        page = reverse("admin:digests_offer_change", args=[offer.pk])
        name = "with a ceiling" if offer.ceiling else "without one"
        yield Step(f"offer {name}", page)
        yield Step(f"offer {name}, preview", reverse("admin:digests_offer_preview", args=[offer.pk]))


def _alerts(digest: Newsletter) -> Iterator[Step]:
    article = Article.objects.order_by("-released_at")[0]
    write = reverse("sending:write_alert")
    yield Step("alert, choose", reverse("sending:alert"))
    yield Step("alert, write", f"{write}?article={article.pk}")
    posted = {"article": article.pk, "newsletter": digest.pk, "headline": "The bridge is closed", "sentence": "Now."}
    yield Step("alert, sent", write, posted)


def _lists(digest: Newsletter, letters: Newsletter) -> Iterator[Step]:
    issues = reverse("admin:digests_issue_changelist")
    waiting = Issue.objects.filter(launched_at=None)
    yield Step("list of issues", issues)
    seen = {f"seen-{issue.pk}": issue.version for issue in waiting}
    chosen = {"_selected_action": [issue.pk for issue in waiting], **seen}
    for verb in ("approve", "hold", "cancel"):
        yield Step(f"list of issues, {verb} all", issues, {"action": f"{verb}_selected", **chosen})
    yield Step("page of a draft", reverse("admin:digests_issue_change", args=[waiting.get(newsletter=digest).pk]))
    for newsletter in (digest, letters):
        yield Step(f"newsletter {newsletter}", reverse("admin:subscribers_newsletter_change", args=[newsletter.pk]))
    yield Step("list of newsletters", reverse("admin:subscribers_newsletter_changelist"))
    yield Step("list of schedules", reverse("admin:digests_schedule_changelist"))
    yield Step("warm-up plans", reverse("admin:delivery_warmup_changelist"))
    yield Step("metrics", reverse("insights:metrics"))


def measure(client: Client, step: Step) -> bool:
    """Ask or do it a few times, print the median, and judge it. Nothing of it stays."""
    times, asked = [], []
    wrong = ""
    for _attempt in range(TIMES):
        connection.queries_log.clear()  # it keeps 9,000
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            began = time.monotonic()
            answer = client.get(step.address) if step.posted is None else client.post(step.address, step.posted)
            _begin(answer)
            times.append(time.monotonic() - began)
            transaction.set_rollback(True)
        wrong = "" if answer.status_code in {200, 302} else f"status {answer.status_code}"
        asked = queries.captured_queries
    median = statistics.median(times)
    is_late = median > MOST_SECONDS
    slowest = max(asked, key=lambda query: float(query["time"]), default={"time": "0", "sql": ""})
    told = f"{float(slowest['time']) * 1000:.0f}" + (f"  LATE: {slowest['sql'][:5000]}" if is_late else "") + wrong
    sys.stdout.write(ROW.format(step.name, f"{median * 1000:.0f}", len(asked), told))
    sys.stdout.flush()
    return not is_late and not wrong


def _begin(answer: HttpResponseBase) -> None:
    """Read the first lines of what is streamed."""
    if isinstance(answer, StreamingHttpResponse):
        next(iter(answer))


if __name__ == "__main__":
    main()
