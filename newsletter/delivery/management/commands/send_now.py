"""Draft, approve and send an issue of a newsletter at once, to whoever is owed something."""

from __future__ import annotations

import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from newsletter.delivery import campaigns, sweeping, tasks
from newsletter.delivery.models import Campaign
from newsletter.digests.approval import BlockedError
from newsletter.digests.models import Issue
from newsletter.lib.doorbell import ring
from newsletter.subscribers.models import Newsletter

POLL_SECONDS = 0.2


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("newsletter", metavar="NEWSLETTER", help="the newsletter's slug")
        parser.add_argument("--wait", action="store_true", help="send in the foreground and wait for the end")
        parser.add_argument("--json", action="store_true", help="one line of JSON for machines")

    def handle(self, *, newsletter: str, wait: bool, json: bool, **_options: Any) -> None:
        try:
            issue = campaigns.send_now(newsletter=_newsletter(newsletter), now=timezone.now())
        except BlockedError as error:
            raise CommandError(str(error)) from None
        if wait:
            issue = self._finish(issue, is_quiet=json)
        else:
            ring(tasks.sweep)
        report = describe(issue)
        self.stdout.write(_as_json(report) if json else _as_text(report))
        if wait and report["outcome"] not in {"sent", "skipped"}:
            raise CommandError(f"The issue is {report['outcome']}: {report['reason']}")

    def _finish(self, issue: Issue, *, is_quiet: bool) -> Issue:
        """Drain in this process, beside whatever workers run, until the campaign is over or stopped."""
        while True:
            for due in sweeping.sweep(now=timezone.now()):
                sweeping.drain_for_a_while(due, clock=timezone.now)
            for being_filled in Campaign.objects.being_filled():
                campaigns.fill_slice(being_filled, now=timezone.now())
            issue = Issue.objects.select_related("newsletter").get(pk=issue.pk)
            campaign = Campaign.objects.filter(issue=issue).first()
            if campaign is None or campaign.status != Campaign.Status.SENDING:
                return issue
            if not is_quiet:
                self._progress(campaign)
            time.sleep(POLL_SECONDS)

    def _progress(self, campaign: Campaign) -> None:
        if self.stdout.isatty():
            counts = campaigns.counts(campaign)
            self.stdout.write(f"\r{counts['sent']} sent, {counts['queued'] + counts['in_flight']} to go", ending="")
            self.stdout.flush()


def describe(issue: Issue) -> dict[str, Any]:
    """What became of the issue, in numbers."""
    campaign = Campaign.objects.filter(issue=issue).first()
    outcome: str = issue.status
    reason = issue.reason
    if campaign:
        outcome = "sent" if campaign.status == Campaign.Status.FINISHED else campaign.status
        reason = campaign.reason
    return {
        "newsletter": issue.newsletter.slug,
        "issue": issue.number,
        "outcome": outcome,
        "reason": reason,
        "counts": campaigns.counts(campaign) if campaign else {},
    }


def _newsletter(slug: str) -> Newsletter:
    try:
        return Newsletter.objects.get(slug=slug)
    except Newsletter.DoesNotExist:
        known = ", ".join(Newsletter.objects.values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no newsletter {slug!r}. There are: {known}.") from None


def _as_json(report: dict[str, Any]) -> str:
    return json.dumps(report)


def _as_text(report: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {status}" for status, count in report["counts"].items() if count)
    detail = counts or report["reason"]
    return f"{report['newsletter']} #{report['issue']}: {report['outcome']}" + (f" ({detail})" if detail else "")
