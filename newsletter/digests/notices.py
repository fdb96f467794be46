"""Telling the editors, once each: that an issue is held and waits for who may approve, that a draft is open, that the
sending of an issue stopped by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from newsletter.digests import carrying, telling
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue, IssueNotice, IssueVersion, Schedule
from newsletter.digests.versions import MAY_APPROVE, MAY_CHANGE
from newsletter.lib import mail
from newsletter.lib.numbers import grouped

logger = logging.getLogger(__name__)

RECENT = timedelta(days=2)  # what was held longer ago is known
LEASE, FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(seconds=30), timedelta(minutes=30)
AT_ONCE, MOST_EDITORS = 50, 100
Kind = IssueNotice.Kind
# the mail, and of which issues it is still true
MAILS = {
    Kind.HELD: ("issue_held", Q(status=Issue.Status.HELD)),
    Kind.OPENED: ("issue_opened", Q(status__in=[Issue.Status.DRAFT, Issue.Status.IN_REVIEW])),
    Kind.PAUSED: ("campaign_paused", Q(campaign__status="paused", campaign__resume_at=None)),
}
DECISIONS = (IssueVersion.Action.APPROVED, IssueVersion.Action.HELD, IssueVersion.Action.REOPENED)


def tell(*, now: datetime) -> int:
    """Note whom to tell, and mail those it is due for. Returns how many mails were accepted."""
    _note(now)
    due = IssueNotice.objects.filter(next_attempt_at__lte=now).order_by("pk")
    notices = list(due.select_related("issue__newsletter", "issue__schedule", "editor")[:AT_ONCE])
    return sum(_send(notice, now) for notice in notices)


def note_paused(issue: Issue, *, occasion: int, now: datetime) -> None:
    """Its campaign stopped by itself and waits for a person."""
    _note_for(issue, Kind.PAUSED, people(), occasion=occasion, now=now)


def people(permission: str = MAY_APPROVE) -> list[User]:
    """Who may do this, by default approve, and has an address."""
    able = User.objects.with_perm(
        permission, is_active=True, include_superusers=True, backend="django.contrib.auth.backends.ModelBackend"
    )
    return list(able.filter(is_staff=True).exclude(email="").order_by("pk")[:MOST_EDITORS])


def _note(now: datetime) -> None:
    for issue in _held_by_itself(now)[:AT_ONCE]:
        _note_for(issue, Kind.HELD, people(), occasion=issue.occasion, now=now)
    for issue in _opened(now)[:AT_ONCE]:
        _note_for(issue, Kind.OPENED, people(MAY_CHANGE), now=now)


def _held_by_itself(now: datetime) -> Any:
    """Held by its schedule's rule, by the preflight or at its launch, not by one of them.

    The ``occasion`` is the approval before it: who approved it and is let down by what came after is told anew.
    """
    decisions = IssueVersion.objects.filter(issue=OuterRef("pk"), action__in=DECISIONS).order_by("-pk")
    held = Issue.objects.filter(status=Issue.Status.HELD, launched_at=None, send_at__gt=now - RECENT).annotate(
        decision=Subquery(decisions.values("pk")[:1]),
        occasion=Coalesce(Subquery(decisions.values("number")[:1]), 0),
    )
    by_hand = IssueVersion.objects.filter(pk=OuterRef("decision"), content__status=Issue.Status.HELD)
    told = IssueNotice.objects.filter(issue=OuterRef("pk"), kind=Kind.HELD, occasion=OuterRef("occasion"))
    return held.exclude(Exists(by_hand)).exclude(Exists(told)).order_by("pk")


def _opened(now: datetime) -> QuerySet[Issue]:
    """Drafts of planned runs whose newsletter wants it."""
    told = IssueNotice.objects.filter(issue=OuterRef("pk"), kind=Kind.OPENED)
    drafts = Issue.objects.filter(
        newsletter__tells_of_drafts=True, status=Issue.Status.DRAFT, run_date__isnull=False, send_at__gt=now
    )
    return drafts.exclude(Exists(told)).order_by("pk")


def _note_for(issue: Issue, kind: str, editors: Iterable[User], *, occasion: int = 0, now: datetime) -> None:
    values = {"issue": issue, "kind": kind, "occasion": occasion, "created_at": now, "next_attempt_at": now}
    IssueNotice.objects.bulk_create([IssueNotice(editor=each, **values) for each in editors], ignore_conflicts=True)


def _send(notice: IssueNotice, now: datetime) -> bool:
    """Claim, commit, then talk to the mail server."""
    if not notice.claim(now, until=now + LEASE):
        return False
    issue, (template, is_true) = notice.issue, MAILS[Kind(notice.kind)]
    reader_count = _reader_count(issue)
    if not notice.editor.email or not Issue.objects.filter(is_true, pk=issue.pk).exists():
        return _settle(notice)
    context = {
        "issue": issue, "newsletter": issue.newsletter, "url": settings.SITE_URL + _address(notice),
        "reason": issue.campaign.reason if notice.kind == Kind.PAUSED else issue.reason,
        "story_count": _story_count(issue),
        "offer_count": len(carrying.offers_of(issue, now=issue.send_at)),
        "reader_count": reader_count, "readers": grouped(reader_count),
        "needs_approval": issue.schedule is None or issue.schedule.approval == Schedule.Approval.REQUIRED,
    }  # fmt: skip
    try:
        mail.send(template=template, to=notice.editor.email, context=context, language=settings.DESK_LANGUAGE)
    except mail.NotAccepted as refusal:
        return _refused(notice, str(refusal), is_permanent=refusal.is_permanent, now=now)
    notice.sent_at = now
    _settle(notice)
    return True


def _reader_count(issue: Issue) -> int:
    """As the worker last worked it out; 0 if it has not yet."""
    outlook = getattr(issue, "outlook", None)
    return sum(outlook.forecast["editions"]) if outlook else 0


def _address(notice: IssueNotice) -> str:
    """Where the editor can do something about it."""
    if notice.kind == Kind.PAUSED:
        return reverse("admin:delivery_campaign_change", args=[notice.issue.campaign.pk])
    return reverse("issue_desk:desk", args=[notice.issue_id])


def _story_count(issue: Issue) -> int:
    """For somebody who follows every topic and had what went out before."""
    drawn = sample(issue, now=issue.send_at, received=telling.before(issue))
    return len(drawn.selection.stories) + len(drawn.selection.headlines)


def _settle(notice: IssueNotice) -> bool:
    notice.next_attempt_at = None
    notice.save(update_fields=["next_attempt_at", "sent_at", "response"])
    return False


def _refused(notice: IssueNotice, response: str, *, is_permanent: bool, now: datetime) -> bool:
    """Try again, ever more rarely; after MOST_ATTEMPTS the desk's first page has to do."""
    notice.response = response[:300]
    is_over = is_permanent or notice.attempt_count >= IssueNotice.MOST_ATTEMPTS
    pause = min(FIRST_PAUSE * 2 ** (notice.attempt_count - 1), LONGEST_PAUSE)
    notice.next_attempt_at = None if is_over else now + pause
    notice.save(update_fields=["next_attempt_at", "response"])
    logger.warning("editor %s could not be told of issue %s (%s)", notice.editor_id, notice.issue_id, notice.kind)
    return False
