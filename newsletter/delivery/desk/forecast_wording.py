"""A forecast in words: ``Tomorrow 07:00: 6 stories, 4,210 readers, 3 editions cover 90 %, 38 get nothing because …``"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.forecasting import Forecast
from newsletter.delivery.models import Send
from newsletter.digests.models import Issue, Schedule
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import Newsletter


def sentence(forecast: Forecast, *, now: datetime) -> str:
    when = _when(forecast, now=now)
    if not forecast.reader_count:
        return _("%(when)s: nobody gets it.") % {"when": when}
    parts = [_readers(forecast.reader_count)]
    if forecast.most_stories:
        parts = [_stories(forecast), *parts, _editions(forecast)]
    return f"{when}: {', '.join(parts)}."


def remarks(forecast: Forecast) -> Iterator[str]:
    """Who gets nothing and why, and what else has to happen first, a sentence each."""
    issue = forecast.issue
    for reason, count in forecast.without.items():
        told = ngettext("%(count)s reader gets nothing: %(why)s.", "%(count)s readers get nothing: %(why)s.", count)
        yield told % {"count": grouped(count), "why": Send.Reason(reason).label}
    if forecast.later:
        told = ngettext(
            "%(count)s reader has had enough mail by then and gets it a day later.",
            "%(count)s readers have had enough mail by then and get it a day later.", forecast.later,
        )  # fmt: skip
        yield told % {"count": grouped(forecast.later)}
    if forecast.coming and forecast.last_at:
        until = _moment(forecast.last_at, issue.newsletter)
        told = ngettext(
            "%(count)s reader gets it at their own hour, until %(until)s, with what is new by then.",
            "%(count)s readers get it at their own hour, until %(until)s, with what is new by then.", forecast.coming,
        )  # fmt: skip
        yield told % {"count": grouped(forecast.coming), "until": until}
    yield from _offers(forecast)
    if not forecast.reader_count and not forecast.without:
        nobody = _("No active reader is one of those whom it is for.")
        yield nobody if issue.narrowing else _("The newsletter has no active readers of this cadence.")
    yield from _conditions(forecast)


def _offers(forecast: Forecast) -> Iterator[str]:
    for offer, count in forecast.offers:
        told = ngettext(
            "“%(offer)s” is shown to %(count)s reader who asked for offers.",
            "“%(offer)s” is shown to %(count)s readers who asked for offers.", count,
        )  # fmt: skip
        yield told % {"offer": offer, "count": grouped(count)}


def _conditions(forecast: Forecast) -> Iterator[str]:
    issue = forecast.issue
    needs_approval = issue.schedule is None or issue.schedule.approval == Schedule.Approval.REQUIRED
    if issue.is_written and not issue.body.strip():
        yield _("It has no text yet: nothing goes out.")
    if forecast.skipped:
        yield _("Unless somebody approves it, it is skipped. %(why)s") % {"why": forecast.skipped}
    elif issue.status == Issue.Status.HELD or (issue.status != Issue.Status.APPROVED and needs_approval):
        yield _("Only if somebody approves it.")


def _when(forecast: Forecast, *, now: datetime) -> str:
    zone = ZoneInfo(forecast.issue.newsletter.time_zone)
    day, today = forecast.at.astimezone(zone).date(), now.astimezone(zone).date()
    time = date_format(forecast.at.astimezone(zone), "H:i")
    if day == today:
        return _("Today %(time)s") % {"time": time}
    if day == today + timedelta(days=1):
        return _("Tomorrow %(time)s") % {"time": time}
    return capfirst(_moment(forecast.at, forecast.issue.newsletter))


def _moment(at: datetime, newsletter: Newsletter) -> str:
    return date_format(at.astimezone(ZoneInfo(newsletter.time_zone)), "l j F, H:i")


def _stories(forecast: Forecast) -> str:
    most, fewest = forecast.most_stories, forecast.fewest_stories
    if fewest != most:
        return _("%(fewest)d to %(most)d stories") % {"fewest": fewest, "most": most}
    return ngettext("%(count)d story", "%(count)d stories", most) % {"count": most}


def _readers(count: int) -> str:
    return ngettext("%(count)s reader", "%(count)s readers", count) % {"count": grouped(count)}


def _editions(forecast: Forecast) -> str:
    total = len(forecast.editions)
    if total == 1:
        return _("one edition for all")
    most = forecast.editions_for_most
    told = ngettext("%(count)s edition covers 90 %%", "%(count)s editions cover 90 %%", most)
    return told % {"count": grouped(most)}
