"""What the templates of the desk show, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from newsletter.delivery.books import books_of
from newsletter.delivery.desk import forecast_wording
from newsletter.delivery.issue_desk import acting, presence
from newsletter.delivery.issue_desk.board import Board, board
from newsletter.delivery.models import Campaign
from newsletter.digests import links, narrowing, preflight, versions
from newsletter.digests.changing import MOST_CHARACTERS, sections_of
from newsletter.digests.models import Issue, Schedule
from newsletter.digests.preflight import Line, Verdict
from newsletter.digests.rendering import RenderingError
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import Newsletter

if TYPE_CHECKING:
    from django.contrib.auth.models import User

RULES = {
    Schedule.Approval.AUTOMATIC: gettext_lazy("If nobody does anything, it goes out by itself."),
    Schedule.Approval.NO_INTRO: gettext_lazy("If nobody approves it, it goes out without the introduction."),
    Schedule.Approval.REQUIRED: gettext_lazy("If nobody approves it, it is held, and those who may approve are told."),
}


def context(issue: Issue, *, by: User, now: datetime, typed: Mapping[str, str]) -> dict[str, Any]:
    """Everything for desk.html and its pieces. ``typed``: a form that could not be kept."""
    laid = board(issue, now=now)
    is_alive = issue.launched_at is None and issue.status in {*Issue.OPEN, Issue.Status.APPROVED}
    lines = preflight.examine(laid.sample, now=now) if is_alive else []
    campaign = Campaign.objects.filter(issue=issue).first()
    return {
        "issue": issue, "newsletter": issue.newsletter, "board": laid, "typed": typed, "now": now,
        "is_digest": issue.newsletter.kind == Newsletter.Kind.DIGEST, "is_alive": is_alive,
        "has_editor": issue.newsletter.kind != Newsletter.Kind.DIGEST and may_change(issue, by),
        "may_change": may_change(issue, by), "may_approve": is_alive and by.has_perm(versions.MAY_APPROVE),
        "lines": lines, "error_count": _count(lines, Verdict.ERROR), "warning_count": _count(lines, Verdict.WARNING),
        "others": presence.others(issue, than=by, now=now), "tag": presence.tag(issue), "most": MOST_CHARACTERS,
        "goes_at": _shown(issue), "rule": _rule(issue), "seconds": max(0, int((issue.send_at - now).total_seconds())),
        "sentence": forecast_wording.sentence(laid.forecast, now=now) if laid.forecast and is_alive else "",
        "remarks": list(forecast_wording.remarks(laid.forecast)) if laid.forecast and is_alive else [],
        "is_narrowable": issue.is_written and not issue.correction_id, "conditions": list(narrowing.in_words(issue)),
        "campaign": campaign, **_progress(campaign),
        **_sections(issue, laid),
        "test_to": " ".join(issue.newsletter.test_addresses) or by.email, "desk_count": len(acting.desk_list()),
        "shown_subject": issue.subject or laid.offered_subject,
    }  # fmt: skip


def _sections(issue: Issue, laid: Board) -> dict[str, Any]:
    """The titles that a story can be moved under, where the mail has sections; the last is of those without topic."""
    if len(laid.parts) < 2:
        return {"sections": [], "rest_title": ""}
    titles = sections_of(issue)
    return {"sections": titles, "rest_title": titles[-1]}


def facts(shown: Mapping[str, Any]) -> dict[str, Any]:
    """What the script must know besides the panes."""
    issue: Issue = shown["issue"]
    laid: Board = shown["board"]
    return {
        "version": issue.version, "tag": shown["tag"], "others": shown["others"], "isAlive": shown["is_alive"],
        "words": {name: getattr(issue, name) for name in versions.WORDS}, "offeredSubject": laid.offered_subject,
        "errors": shown["error_count"],
    }  # fmt: skip


def may_change(issue: Issue, by: User) -> bool:
    """What is approved by somebody is only changed by those who could approve it."""
    if issue.launched_at or issue.status not in {*Issue.OPEN, Issue.Status.APPROVED}:
        return False
    return versions.may_touch(issue, by=by) and by.has_perm(versions.MAY_CHANGE)


def links_of(issue: Issue, *, now: datetime) -> list[str]:
    """The addresses outside that the mail leads to; none of a mail that cannot be made."""
    try:
        mail = board(issue, now=now).sample.mail()
    except RenderingError:
        return []
    return links.outside(preflight.Found.of(mail.html).links) if mail else []


def _progress(campaign: Campaign | None) -> dict[str, Any]:
    books = books_of([campaign])[campaign.pk] if campaign else None
    if books is None:
        return {"books": None}
    counts = {"planned_count": books.planned, "waiting_count": books.waiting}
    return {"books": books, **{name: grouped(n) for name, n in counts.items()}}


def _count(lines: list[Line], verdict: Verdict) -> int:
    return sum(line.verdict == verdict for line in lines)


def _shown(issue: Issue) -> str:
    return date_format(issue.send_at.astimezone(ZoneInfo(issue.newsletter.time_zone)), "l j F, H:i")


def _rule(issue: Issue) -> str:
    if issue.schedule is None:
        return _("It goes out when somebody approves it.")
    return str(RULES[Schedule.Approval(issue.schedule.approval)])
