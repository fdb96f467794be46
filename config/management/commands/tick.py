"""Do once, in the foreground, all that is due now: feeds, confirmation mails, drafts, cut-offs, sends, retries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from articles.feeds import polling
from newsletter.delivery import campaigns, dispatch, ending, outlooks, reaching, recovering, sweeping
from newsletter.delivery import retention as delivery_retention
from newsletter.delivery.models import Campaign
from newsletter.digests import drafting, links, notices, rhythms, versions
from newsletter.engagement import retention as engagement_retention
from newsletter.engagement import silence
from newsletter.insights import reading, refreshing
from newsletter.lib.failures import Failures
from newsletter.subscribers import personal_mail, signup, upkeep, welcoming
from newsletter.subscribers.importing import running
from newsletter.subscribers.importing import upkeep as imports
from newsletter.subscribers.shield import attack

DRAIN_SECONDS = 3600.0


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="JSON lines for machines")

    def handle(self, *, json: bool, **_options: Any) -> None:
        count = 0
        for event in tick():
            self.stdout.write(_as_json(event) if json else _as_text(event))
            count += 1
        if not count and not json:
            self.stdout.write("Nothing was due.")


def tick() -> Iterator[dict[str, Any]]:
    """Everything that is due, in the order in which one thing leads to the next; yields what was done.

    What fails stops nothing else. Raises an ExceptionGroup, when all is done, if something did.
    """
    failures = Failures()
    for report in list(polling.poll_due(timezone.now())):
        yield {"did": "poll_feed", **polling.illustrated(report, now=timezone.now()).as_dict()}
    yield from look_after_readers()
    for issue in failures.attempt(lambda: drafting.run_due(now=timezone.now())) or []:
        yield {"did": "schedule", "newsletter": issue.newsletter.slug, "issue": issue.number, "status": issue.status,
               "reason": issue.reason}  # fmt: skip
    yield from look_after_the_desk(failures)
    if noted := rhythms.note_due(now=timezone.now()):
        yield {"did": "rhythm", "newsletters": noted}
    if silent := failures.attempt(lambda: silence.sweep(now=timezone.now())):
        yield {"did": "silence", **silent}
    yield from deliver(failures)
    yield from forget()
    failures.attempt(lambda: refreshing.refresh(now=timezone.now()))
    failures.attempt(lambda: reading.recount(now=timezone.now()))
    failures.raise_together()


def look_after_readers() -> Iterator[dict[str, Any]]:
    """Confirmation and welcome mails that are owed, wishes that expired, pauses that ended."""
    now = timezone.now()
    if attack.watch(now):
        yield {"did": "attack_mode", "is_on": attack.is_on()}
    attack.tell_operator(now)
    for sign_up_id in upkeep.owed_mails(now + upkeep.HEAD_START):
        signup.send_confirmation(sign_up_id=sign_up_id, now=now)
        yield {"did": "confirmation", "sign_up": sign_up_id}
    for mail_id in personal_mail.owed(now + personal_mail.HEAD_START):
        personal_mail.deliver(mail_id=mail_id, now=now)
        yield {"did": "personal_mail", "mail": mail_id}
    for import_run_id in imports.abandoned(now):
        running.advance(import_run_id=import_run_id, clock=timezone.now, seconds=DRAIN_SECONDS)
        yield {"did": "import", "import": import_run_id}
    for welcome_mail_id in welcoming.owed_welcomes(now + welcoming.HEAD_START):
        welcoming.send_welcome(welcome_mail_id=welcome_mail_id, now=now)
        yield {"did": "welcome", "welcome_mail": welcome_mail_id}
    counts = upkeep.clean_up(now)
    if counts:
        yield {"did": "clean_up", **counts}


def look_after_the_desk(failures: Failures) -> Iterator[dict[str, Any]]:
    """What the issue desk needs: links that were asked, forecasts, and who is told that an issue is held."""
    now = timezone.now()
    links.ask_for_issues(now=now)
    done = {
        "links": links.check_waiting(now=now),
        "forecasts": failures.attempt(lambda: outlooks.renew(clock=timezone.now)) or 0,
        "corrections": failures.attempt(lambda: reaching.recount(now=now)) or 0,
        "told": notices.tell(now=now),
        "forgotten": versions.forget(now=now),
    }
    if any(done.values()):
        yield {"did": "desk", **done}


def forget() -> Iterator[dict[str, Any]]:
    """What was kept long enough."""
    now = timezone.now()
    counts = delivery_retention.clean_up(now) | engagement_retention.clean_up(now)
    if counts:
        yield {"did": "forget", **counts}


def deliver(failures: Failures) -> Iterator[dict[str, Any]]:
    """Launch and send until nothing is left that can be sent now."""
    recovered = recovering.recover_abandoned(now=timezone.now())
    if recovered:
        yield {"did": "recover", "sends": recovered}
    for campaign in list(ending.unfinished(timezone.now())):
        failures.attempt(partial(ending.go_on, campaign, clock=timezone.now, seconds=DRAIN_SECONDS))
    for issue in campaigns.launch_ready(failures=failures, now=timezone.now()):
        yield {"did": "launch", "newsletter": issue.newsletter.slug, "issue": issue.number,
               "status": issue.status, "reason": issue.reason}  # fmt: skip
    for _campaign in campaigns.launch_waves(failures=failures, now=timezone.now()):
        pass
    for campaign in Campaign.objects.being_filled():
        failures.attempt(partial(campaigns.fill, campaign, clock=timezone.now, seconds=DRAIN_SECONDS))
    for campaign in sweeping.sweep(now=timezone.now()):
        drain = partial(dispatch.drain, campaign, clock=timezone.now, seconds=DRAIN_SECONDS)
        settled = failures.attempt(drain) or 0
        yield {"did": "send", "settled": settled} | describe(campaign)


def describe(campaign: Campaign) -> dict[str, Any]:
    """The campaign's books after its turn; closed if they balance."""
    campaign.refresh_from_db()
    campaign.finish(timezone.now())
    return {"campaign": campaign.pk, "status": campaign.status, "reason": campaign.reason, **campaigns.counts(campaign)}


def _as_json(event: dict[str, Any]) -> str:
    return json.dumps(event, default=str)


def _as_text(event: dict[str, Any]) -> str:
    facts = ", ".join(
        f"{name} {value}" for name, value in event.items() if name != "did" and value not in ("", 0, None)
    )
    return f"{event['did']}: {facts}"
