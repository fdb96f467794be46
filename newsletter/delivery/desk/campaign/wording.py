"""A campaign's figures in words, as its page and the terminal say them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.desk.campaign.figures import Figures
from newsletter.delivery.models import Campaign, Send, SpeedLimit
from newsletter.delivery.throttle.rations import today_of
from newsletter.delivery.throttle.states import Held
from newsletter.delivery.throttle.warm_up_wording import progress, while_it_lasts
from newsletter.lib.dates import day_and_hour, span_of_hours
from newsletter.lib.numbers import grouped

TONES = {
    Campaign.Status.SENDING: "info",
    Campaign.Status.PAUSED: "warning",
    Campaign.Status.FINISHED: "success",
    Campaign.Status.CANCELLED: "plain",
    Campaign.Status.TAKEN_BACK: "warning",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A speed limit or a warm-up: of whom, how fast, until when, and for which words of the receiver."""

    name: str
    speed: str
    until: str
    words: str


@dataclass(frozen=True, slots=True)
class Told:
    """``state`` with its ``tone``; ``sentence`` says where it stands; ``figures`` are (value, label, status)."""

    state: str
    tone: str
    sentence: str
    figures: tuple[tuple[str, str, str], ...]
    limits: tuple[Limit, ...]


def told(figures: Figures) -> Told:
    campaign = figures.campaign
    return Told(
        state=campaign.get_status_display(),
        tone=TONES[Campaign.Status(campaign.status)],
        sentence=" ".join(_sentences(figures)),
        figures=tuple(_counts(figures)),
        limits=(*_warm_ups(figures), *(_limit(held, campaign) for held in figures.limits)),
    )


def _warm_ups(figures: Figures) -> Iterator[Limit]:
    for plan in figures.warm_ups:
        until = while_it_lasts(plan, today=today_of(figures.at)).rstrip(".")
        yield Limit(_("Warm-up of %(transport)s") % {"transport": plan.transport}, progress(plan), until, plan.trouble)


def _limit(held: Held, campaign: Campaign) -> Limit:
    newsletter = campaign.issue.newsletter
    name = newsletter.name if held.scope == SpeedLimit.Scope.NEWSLETTER else held.name
    until = ""
    if held.whole_again_at:
        at = day_and_hour(held.whole_again_at, newsletter.time_zone)
        until = _("slowed down; it recovers minute by minute, wholly by %(at)s if nothing more is put off") % {"at": at}
    return Limit(name, _speed(held.per_second), until, held.reason)


def _speed(per_second: float) -> str:
    """``5 mails a second``, ``12 mails a minute``."""
    if per_second >= 1:
        count = round(per_second)
        return ngettext("%(count)s mail a second", "%(count)s mails a second", count) % {"count": grouped(count)}
    count = max(round(per_second * 60), 1)
    return ngettext("%(count)s mail a minute", "%(count)s mails a minute", count) % {"count": grouped(count)}


def span(seconds: int) -> str:
    """About how long that is: ``40 seconds``, ``12 minutes``, ``3 hours``."""
    for size, one, many in (
        (3600, "%(count)d hour", "%(count)d hours"),
        (60, "%(count)d minute", "%(count)d minutes"),
    ):
        if seconds >= 2 * size:
            count = round(seconds / size)
            return ngettext(one, many, count) % {"count": count}
    return ngettext("%(count)d second", "%(count)d seconds", seconds) % {"count": seconds}


def _still_to_come(campaign: Campaign) -> Iterator[str]:
    """Whose mails do not exist yet."""
    if campaign.filled_to is not None:
        values = {"done": grouped(campaign.filled_count), "all": grouped(campaign.audience_count)}
        yield _("Still being created: %(done)s of %(all)s mails.") % values
    elif campaign.next_wave_at:
        yield ngettext(
            "%(count)s reader gets it later, at their own hour; the next at %(at)s.",
            "%(count)s readers get it later, at their own hour; the next at %(at)s.",
            campaign.coming_count,
        ) % {
            "count": grouped(campaign.coming_count),
            "at": day_and_hour(campaign.next_wave_at, campaign.issue.newsletter.time_zone),
        }


def _end(campaign: Campaign, zone: str) -> Iterator[str]:
    if campaign.status == Campaign.Status.TAKEN_BACK:
        yield _("Nobody gets it. Its mails are being deleted; then the issue can leave again.")
    elif campaign.finished_at:
        yield span_of_hours(campaign.started_at, campaign.finished_at, zone)


def _sentences(figures: Figures) -> Iterator[str]:
    campaign, zone = figures.campaign, figures.campaign.issue.newsletter.time_zone
    if campaign.status == Campaign.Status.PAUSED:
        yield campaign.reason if campaign.reason.endswith((".", "!", "?")) else f"{campaign.reason}."
        if campaign.resume_at:
            yield _("It tries again %(at)s.") % {"at": day_and_hour(campaign.resume_at, zone)}
        else:
            yield _("Nothing more is handed over until somebody resumes it.")
    elif campaign.status == Campaign.Status.SENDING:
        yield _("Since %(at)s.") % {"at": day_and_hour(campaign.started_at, zone)}
        if figures.rate:
            rate = round(figures.rate) or 1
            yield ngettext("One reader a second.", "%(rate)s readers a second.", rate) % {"rate": grouped(rate)}
        if figures.seconds_left is not None:
            yield _("About %(span)s to go.") % {"span": span(figures.seconds_left)}
    else:
        yield from _end(campaign, zone)
    if figures.is_moving:
        yield from _still_to_come(campaign)
    if count := campaign.repeat_count:
        yield ngettext(
            "%(count)s reader may have two copies: the first one's answer was lost.",
            "%(count)s readers may have two copies: the first ones' answers were lost.",
            count,
        ) % {"count": grouped(count)}


def _counts(figures: Figures) -> Iterator[tuple[str, str, str]]:
    labels = {
        Send.Status.SENT: _("accepted"),
        Send.Status.QUEUED: _("waiting"),
        Send.Status.IN_FLIGHT: _("in flight"),
        Send.Status.DEFERRED: _("put off, to be tried again"),
        Send.Status.FAILED: _("refused or given up"),
        Send.Status.SKIPPED: _("left out"),
    }
    if figures.campaign.status == Campaign.Status.TAKEN_BACK:
        return
    always = {Send.Status.SENT}
    for status, label in labels.items():
        count = figures.books.of(status)
        if count or status in always:
            yield grouped(count), label, status.value
