"""From an approved issue to a campaign: launch it, watch over it, close its books."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import batched
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet
from django.utils.translation import gettext as _

from newsletter.delivery import archive, audience, capping, claiming, ending, filling, offers, packing, stopping, waves
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.recipients import among
from newsletter.digests import approval, carrying, drafting, punctuality
from newsletter.digests.models import Edition, Issue, Offer
from newsletter.digests.rendering import RenderingError, render_edition
from newsletter.lib.bulk import commit_without_waiting
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Newsletter

logger = logging.getLogger(__name__)

WAVE_RETRY_AFTER = timedelta(minutes=1)
LAUNCHES = 0x6C61756E6368  # "launch": our own among PostgreSQL's advisory locks
RELEASED = 20_000  # of one campaign at a time
WITH_ISSUE = ("newsletter", "schedule")
WITH_CAMPAIGN = ("issue__newsletter", "issue__schedule")


def launch_ready(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Launch every approved issue whose hour has come. Yields the issues, now launched, skipped or held."""
    yield from _launch_each(Issue.objects.ready(now), failures=failures, now=now)


def launch_ready_alerts(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """The same for alerts alone, so that none waits for the launch of something big."""
    yield from _launch_each(Issue.objects.ready(now).filter(is_alert=True), failures=failures, now=now)


def _launch_each(issues: QuerySet[Issue], *, failures: Failures, now: datetime) -> Iterator[Issue]:
    none_left = issues.filter(launched_at=None, campaign=None)  # of what is being taken back there still is one
    for issue in none_left.select_related(*WITH_ISSUE):
        with failures:
            launch(issue, now=now)
        yield issue


def launch(issue: Issue, *, now: datetime) -> Campaign | None:
    """Freeze the content, and open the campaign with the first readers; ``fill`` makes the rest of the ledger.

    All in one transaction: after a crash either everything stands or nothing. None if there is nobody to send to (the
    issue is then skipped), if it cannot be rendered (then held), if somebody else launched it or an editor put it off.
    Whatever else goes wrong is raised, and the issue held as well; only a database that is away is simply asked again.
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
    one_launch_at_a_time()
    if not _is_ready(issue, now=now):
        return None
    drafting.refresh(issue, now=now)
    carried = offers.carried(issue, now=now)
    if not punctuality.settle_approved(issue, now=now) or not approval.stands(issue, now=now):
        return None
    if not issue.launch(now):
        return None
    try:
        with transaction.atomic():
            return _open(issue, carried, now=now)
    except NothingToSendError as nothing:
        issue.recall(reason=str(nothing))
        return None


class NothingToSendError(Exception):
    """Nobody gets anything of the issue. The message says why."""


def _open(issue: Issue, carried: Sequence[Offer], *, now: datetime) -> Campaign:
    """The campaign with its first readers. Only if none of them gets anything all others are looked at, too."""
    timetable = waves.timetable(issue, audience.readers(issue), now=now)
    campaign = Campaign.objects.create(
        issue=issue, started_at=now, filled_to=0, next_wave_at=timetable.next_at, coming_count=timetable.coming_count
    )
    _count_audience(campaign)
    carrying.settle(issue, carried)
    has_editions = filling.extend(campaign, carried=carried, size=filling.FIRST)
    if not has_editions and campaign.filled_to is not None:
        has_editions = filling.anybody(campaign, carried)
    if not has_editions and not campaign.next_wave_at:
        raise NothingToSendError(_nobody(readers_exist=campaign.filled_count > 0))
    if has_editions and not _can_be_said(issue):
        raise NothingToSendError(_("Nothing to say: it has no text."))
    return campaign


def _count_audience(campaign: Campaign) -> None:
    campaign.audience_count = filling.count_audience(campaign)
    campaign.save(update_fields=["audience_count"])


def _is_ready(issue: Issue, *, now: datetime) -> bool:
    """Read it again and lock it: since the sweep found it, an editor may have put it off, held it or changed it."""
    issue.refresh_from_db(from_queryset=Issue.objects.select_for_update(of=("self",)).select_related(*WITH_ISSUE))
    if issue.status != Issue.Status.APPROVED or issue.launched_at is not None or issue.send_at > now:
        return False
    could_go_at = max(filter(None, [issue.send_at, issue.approved_at]))
    if issue.schedule and punctuality.waits_for_quiet(issue.schedule, could_go_at, now=now):
        return False
    return not Campaign.objects.filter(issue=issue).exists()  # one that is still being taken back


def launch_waves(*, failures: Failures, now: datetime) -> Iterator[Campaign]:
    """Hand the issue on to the readers whose own hour has come. Yields the campaigns."""
    due = Campaign.objects.sending().filter(next_wave_at__lte=now, filled_to=None)
    for campaign in due:
        with failures:
            launch_wave(campaign, now=now)
        yield campaign


def launch_wave(campaign: Campaign, *, now: datetime) -> None:
    """Begin to extend the ledger by those whose moment has come, with what is new for each of them at this moment.

    Once however many sweeps see it. What goes wrong pauses the campaign for a while, and is raised.
    """
    with _pausing(campaign, now=now), transaction.atomic():
        one_launch_at_a_time()
        if campaign.begin_wave(now):
            wave = Campaign.objects.select_related(*WITH_CAMPAIGN).get(pk=campaign.pk)
            _count_audience(wave)
            _extend(wave, size=filling.FIRST)


def fill(campaign: Campaign, *, clock: Callable[[], datetime], seconds: float) -> None:
    """Go on making the ledger for about so long, slice by slice; any number of processes may do so at once."""
    began_at = clock()
    until, size = began_at + timedelta(seconds=seconds), filling.SLICE
    while fill_slice(campaign, now=began_at, size=size) and not stopping.is_asked():
        ended_at = clock()
        if ended_at >= until:
            break
        size = filling.next_size(size, took=ended_at - began_at)
        filling.give_way()
        began_at = clock()


def fill_slice(campaign: Campaign, *, now: datetime, size: int | None = None) -> bool:
    """The next slice, in a transaction of its own. False if nothing is left to be filled in, or the campaign stopped.

    What goes wrong pauses the campaign for a while, and is raised.
    """
    try:
        with _pausing(campaign, now=now), transaction.atomic():
            one_launch_at_a_time()
            commit_without_waiting()  # whoever claims of it waits; what is lost before that is filled in again
            being_filled = Campaign.objects.being_filled().select_related(*WITH_CAMPAIGN)
            row = being_filled.filter(pk=campaign.pk).first()
            return row is not None and _extend(row, size=size or filling.SLICE)
    except filling.StoppedError:
        return False


@contextmanager
def _pausing(campaign: Campaign, *, now: datetime) -> Iterator[None]:
    """A campaign whose ledger cannot be extended pauses for a while, with the reason, and is tried again."""
    try:
        yield
    except (OperationalError, InterfaceError, filling.StoppedError):
        raise
    except Exception as error:
        reason = _("The next readers' turn cannot be prepared: %(error)s") % {"error": repr(error)[:200]}
        campaign.wait(reason=reason, resume_at=now + WAVE_RETRY_AFTER, now=now)
        raise


def _extend(campaign: Campaign, *, size: int) -> bool:
    """Whether more is to be filled in afterwards. Raises RenderingError if the richest of the new editions cannot be
    rendered."""
    editions = Edition.objects.filter(issue=campaign.issue_id)
    last = editions.aggregate(last=Max("pk"))["last"] or 0
    if filling.extend(campaign, size=size):
        _can_be_said(campaign.issue, after=last)
    return campaign.filled_to is not None


def one_launch_at_a_time() -> None:
    """Two launches side by side could not see each other's sends, and would mail an article twice.

    Whoever else decides what a reader gets holds them off, too, until the end of the transaction.
    """
    if connection.vendor == "postgresql":  # who waits for a row may be overtaken again and again, in this queue nobody
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LAUNCHES])
    # no_key: who signs up meanwhile refers to a newsletter, and must not wait
    list(Newsletter.objects.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def _can_be_said(issue: Issue, *, after: int = 0) -> bool:
    """Render the richest edition, or of those ``after`` that id, before its first letter leaves. Raises RenderingError.

    False if there is none with anything to say.
    """
    richest = Edition.objects.filter(issue=issue, pk__gt=after).alias(size=Count("items"))
    first = richest.order_by("-size", "pk").first()
    return first is not None and render_edition(edition=first) is not None


def _nobody(*, readers_exist: bool) -> str:
    if readers_exist:
        return _("Nothing new: every reader has had these articles, or too few are left for them.")
    return _("Nobody to send it to: the newsletter has no active readers of this cadence.")


def send_now(*, newsletter: Newsletter, by: Any = None, now: datetime) -> Issue:
    """Draft and approve an issue for every active reader of the newsletter, whatever their cadence.

    Delivery's sweep launches it; whoever is owed nothing is skipped. Raises
    approval.BlockedError, and drafts none then.
    """
    with transaction.atomic():
        issue = drafting.new_issue(newsletter, send_at=now)
        drafting.refresh(issue, now=now)
        approval.approve_at_once(issue, by=by, now=now)
    return issue


def release_capped(*, now: datetime) -> int:
    """Have sent what the cap of an earlier day held back, as far as today's lets it. Returns how many sends."""
    waiting = Send.objects.due_on_another_day(now).filter(campaign=OuterRef("pk")).order_by()
    count = 0
    for campaign in Campaign.objects.sending().filter(Exists(waiting)).select_related("issue__newsletter"):
        with transaction.atomic():
            one_launch_at_a_time()
            count += _release(campaign, now=now)
    return count


def _release(campaign: Campaign, *, now: datetime) -> int:
    """Who is fed up today, too, waits for another day, and in the end gets none."""
    fed_up = capping.fed_up(campaign.issue, now=now)
    if fed_up is not None:
        full = campaign.sends.due_on_another_day(now).filter(subscriber__in=fed_up).order_by()
        if now < campaign.dated_at + capping.LONGEST_ON_ITS_WAY:
            full.update(next_attempt_at=F("next_attempt_at") + capping.PAUSE)
        else:
            full.update(status=Send.Status.SKIPPED, settled_at=now, next_attempt_at=None)
    pks = list(campaign.sends.due_on_another_day(now).select_for_update().values_list("pk", flat=True)[:RELEASED])
    for chunk in batched(pks, packing.BATCH_SIZE):
        Send.objects.filter(among(chunk)).update(reason="")  # the cap is not asked again, whatever comes now
        packing.queue_again(campaign, chunk)
    return len(pks)


def resume_due(*, now: datetime) -> Iterator[Campaign]:
    """Campaigns that paused by themselves and whose time to try again has come go on."""
    for campaign in Campaign.objects.filter(status=Campaign.Status.PAUSED, resume_at__lte=now).order_by("pk"):
        if campaign.resume_by_itself(now):
            yield campaign


def cancel(campaign: Campaign, *, now: datetime) -> bool:
    """Stop for good: what is not handed over yet is skipped, and its articles are owed again.

    Where that is much, workers go on with it, and with what they held at this moment (``ending.py``).
    """
    with transaction.atomic():
        if not campaign.cancel(now):
            return False
        ending.skip_some(campaign, now=now, size=ending.FIRST)
    return True


def counts(campaign: Campaign) -> dict[str, int]:
    """The books: sends by status. Their sum is what was planned. What workers hold is in flight."""
    from_database = Counter(dict(campaign.sends.order_by().values_list("status").annotate(count=Count("pk"))))
    if campaign.finished_at:
        from_database += archive.counts([campaign.pk])[campaign.pk]
    return told_apart(from_database, held=claiming.in_flight(campaign))


def told_apart(by_status: Mapping[str, int], *, held: int) -> dict[str, int]:
    """Of what the ledger calls queued, ``held`` sends are with workers."""
    counts = {status: by_status.get(status, 0) for status in Send.Status.values}
    held = min(held, counts[Send.Status.QUEUED])
    return counts | {Send.Status.QUEUED: counts[Send.Status.QUEUED] - held, Send.Status.IN_FLIGHT: held}
