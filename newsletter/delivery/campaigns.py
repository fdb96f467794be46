"""From an approved issue to a campaign: launch it, watch over it, close its books."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Count
from django.utils.translation import gettext as _

from newsletter.delivery import audience, capping, offers, waves
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import carrying, drafting, punctuality
from newsletter.digests.assembly import assemble, candidates, plan
from newsletter.digests.models import Edition, Issue
from newsletter.digests.rendering import RenderingError, render_edition
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Newsletter

logger = logging.getLogger(__name__)

WAVE_RETRY_AFTER = timedelta(minutes=1)
STRAGGLING = timedelta(days=1)  # far longer than any worker may hold a send


def launch_ready(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Launch every approved issue whose hour has come. Yields the issues, now launched, skipped or held."""
    for issue in Issue.objects.ready(now).filter(launched_at=None).select_related("newsletter", "schedule"):
        with failures:
            launch(issue, now=now)
        yield issue


def launch(issue: Issue, *, now: datetime) -> Campaign | None:
    """Freeze the content, make the editions and the ledger, and open the campaign.

    All in one transaction: after a crash either everything stands or nothing. None if there is nobody to send to (the
    issue is then skipped), if it cannot be rendered (then held), or if somebody else launched it. Whatever else goes
    wrong is raised, and the issue held as well; only a database that is away is simply asked again.
    """
    try:
        with transaction.atomic():
            campaign = _launch(issue, now=now)
    except RenderingError as error:
        _hold(issue, _("It cannot be rendered: %(error)s") % {"error": str(error)[:250]})
        return None
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        _hold(issue, _("It cannot be launched: %(error)s") % {"error": repr(error)[:250]})
        raise
    if campaign:
        logger.info("campaign %s of issue %s is launched", campaign.pk, issue.pk)
    return campaign


def _hold(issue: Issue, reason: str) -> None:
    issue.launched_at = None
    issue.hold(reason=reason)
    logger.warning("issue %s is held: it cannot be rendered or launched", issue.pk)


def _launch(issue: Issue, *, now: datetime) -> Campaign | None:
    _one_launch_at_a_time()
    drafting.refresh(issue, now=now)
    carried = offers.carried(issue, now=now)
    if not punctuality.settle_approved(issue, now=now) or not issue.launch(now):
        return None
    readers = audience.readers(issue)
    timetable = waves.timetable(issue, readers, now=now)
    offered = candidates(issue, now=now)
    share = _share(issue, readers, timetable, has_offers=bool(carried), now=now)
    with audience.audience(issue, offered=offered, share=share):
        groups = audience.groups()
        has_editions = assemble(plan(issue, groups, offered=offered, offers=[offer.pk for offer in carried]))
        if not has_editions and not timetable.next_at:
            issue.recall(reason=_nobody(groups_exist=bool(groups)))
            return None
        if has_editions and not _can_be_said(issue):
            issue.recall(reason=_("Nothing to say: it has no text."))
            return None
        campaign = Campaign.objects.create(
            issue=issue, started_at=now, next_wave_at=timetable.next_at, coming_count=timetable.coming_count
        )
        audience.write_ledger(campaign)
    carrying.settle(issue, carried)
    offers.keep_ceilings(campaign, carried, now=now)
    return campaign


def launch_waves(*, failures: Failures, now: datetime) -> Iterator[Campaign]:
    """Hand the issue on to the readers whose own hour has come. Yields the campaigns."""
    due = Campaign.objects.sending().filter(next_wave_at__lte=now)
    for campaign in due.select_related("issue__newsletter", "issue__schedule"):
        with failures:
            launch_wave(campaign, now=now)
        yield campaign


def launch_wave(campaign: Campaign, *, now: datetime) -> None:
    """Extend the ledger by those whose moment has come, with what is new for each of them at this moment.

    All in one transaction, and once however many sweeps see it. What goes wrong pauses the campaign for a while, and is
    raised.
    """
    try:
        with transaction.atomic():
            _launch_wave(campaign, now=now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        reason = _("The next readers' turn cannot be prepared: %(error)s") % {"error": repr(error)[:200]}
        campaign.pause(reason=reason, resume_at=now + WAVE_RETRY_AFTER)
        raise


def _launch_wave(campaign: Campaign, *, now: datetime) -> None:
    _one_launch_at_a_time()
    if not campaign.begin_wave(now):
        return
    issue = campaign.issue
    readers = waves.unserved(campaign, audience.readers(issue))
    timetable = waves.timetable(issue, readers, now=now)
    issue.reader_groups.all().delete()  # of the wave before; the ledger tells the rest
    offered, carried = candidates(issue, now=now), offers.carried(issue, now=now)
    last_send = offers.last_send(campaign)
    share = _share(issue, readers, timetable, has_offers=bool(carried), now=now)
    with audience.audience(issue, offered=offered, share=share):
        assemble(plan(issue, audience.groups(), offered=offered, offers=[offer.pk for offer in carried]))
        audience.write_ledger(campaign)
    offers.keep_ceilings(campaign, carried, after=last_send, now=now)
    campaign.await_wave(timetable.next_at, timetable.coming_count)


def _share(
    issue: Issue, readers: waves.Audience, timetable: waves.Timetable, *, has_offers: bool, now: datetime
) -> audience.Share:
    fed_up = capping.fed_up(issue, now=now)
    return audience.Share(readers, moments=timetable.due, fed_up=fed_up, has_offers=has_offers)


def _one_launch_at_a_time() -> None:
    """Two launches side by side could not see each other's sends, and would mail an article twice."""
    # no_key: who signs up meanwhile refers to a newsletter, and must not wait
    list(Newsletter.objects.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _can_be_said(issue: Issue) -> bool:
    """Render the richest edition before the first letter leaves. Raises RenderingError."""
    richest = Edition.objects.filter(issue=issue).alias(size=Count("items"))
    first = richest.order_by("-size", "pk").first()
    return first is not None and render_edition(edition=first) is not None


def _nobody(*, groups_exist: bool) -> str:
    if groups_exist:
        return _("Nothing new: every reader has had these articles, or too few are left for them.")
    return _("Nobody to send it to: the newsletter has no active readers of this cadence.")


def send_now(*, newsletter: Newsletter, by: Any = None, now: datetime) -> Issue:
    """Draft and approve an issue for every active reader of the newsletter, whatever their cadence.

    Delivery's sweep launches it; whoever is owed nothing is skipped.
    """
    with transaction.atomic():
        issue = drafting.new_issue(newsletter, send_at=now)
        drafting.refresh(issue, now=now)
        issue.approve(by=by, now=now)
    return issue


def resume_due(*, now: datetime) -> Iterator[Campaign]:
    """Campaigns that paused by themselves and whose time to try again has come go on."""
    for campaign in Campaign.objects.filter(status=Campaign.Status.PAUSED, resume_at__lte=now).order_by("pk"):
        if campaign.resume():
            yield campaign


def cancel(campaign: Campaign, *, now: datetime) -> bool:
    """Stop for good: what is not handed over yet is skipped, and its articles are owed again.

    What a worker holds at this moment follows when it is settled or given back (``close_cancelled``).
    """
    with transaction.atomic():
        if not campaign.cancel(now):
            return False
        _skip_waiting(campaign, now=now)
    return True


def close_cancelled(*, now: datetime) -> int:
    """Skip what workers gave back to campaigns that were cancelled meanwhile. Returns how many sends."""
    lately = Campaign.objects.filter(status=Campaign.Status.CANCELLED, finished_at__gte=now - STRAGGLING)
    return sum(_skip_waiting(campaign, now=now) for campaign in lately.order_by("pk"))


def _skip_waiting(campaign: Campaign, *, now: datetime) -> int:
    waiting = campaign.sends.filter(status__in=[Send.Status.QUEUED, Send.Status.DEFERRED])
    return waiting.update(status=Send.Status.SKIPPED, reason=Send.Reason.CANCELLED, settled_at=now)


def counts(campaign: Campaign) -> dict[str, int]:
    """The books: sends by status. Their sum is what was planned."""
    from_database = dict(campaign.sends.order_by().values_list("status").annotate(count=Count("pk")))
    return {status: from_database.get(status, 0) for status in Send.Status.values}
