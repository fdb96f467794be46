"""Telling those who may approve, once each, that an issue is held and waits for them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, Subquery
from django.urls import reverse

from newsletter.digests.models import Issue, IssueNotice, IssueVersion
from newsletter.digests.versions import MAY_APPROVE
from newsletter.lib import mail

logger = logging.getLogger(__name__)

RECENT = timedelta(days=2)  # what was held longer ago is known
LEASE, FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=2), timedelta(seconds=30), timedelta(minutes=30)
AT_ONCE, MOST_EDITORS = 50, 100
DECISIONS = (IssueVersion.Action.APPROVED, IssueVersion.Action.HELD, IssueVersion.Action.REOPENED)


def tell(*, now: datetime) -> int:
    """Note whom to tell, and mail those it is due for. Returns how many mails were accepted."""
    _note(now)
    due = IssueNotice.objects.filter(next_attempt_at__lte=now).select_related("issue__newsletter", "editor")
    return sum(_send(notice, now) for notice in list(due.order_by("pk")[:AT_ONCE]))


def people(permission: str = MAY_APPROVE) -> list[User]:
    """Who may do this, by default approve, and has an address."""
    able = User.objects.with_perm(
        permission, is_active=True, include_superusers=True, backend="django.contrib.auth.backends.ModelBackend"
    )
    return list(able.filter(is_staff=True).exclude(email="").order_by("pk")[:MOST_EDITORS])


def _note(now: datetime) -> None:
    """Held by its schedule's rule or by the preflight, not by one of them."""
    told = IssueNotice.objects.filter(issue=OuterRef("pk"))
    decisions = IssueVersion.objects.filter(issue=OuterRef("pk"), action__in=DECISIONS).order_by("-pk")
    held = Issue.objects.filter(status=Issue.Status.HELD, launched_at=None, send_at__gt=now - RECENT)
    held = held.exclude(Exists(told)).annotate(decision=Subquery(decisions.values("action")[:1]))
    by_itself = held.filter(Q(decision=None) | Q(decision=IssueVersion.Action.APPROVED))
    for issue in by_itself.order_by("pk")[:AT_ONCE]:
        rows = [IssueNotice(issue=issue, editor=each, created_at=now, next_attempt_at=now) for each in people()]
        IssueNotice.objects.bulk_create(rows, ignore_conflicts=True)


def _send(notice: IssueNotice, now: datetime) -> bool:
    """Claim, commit, then talk to the mail server."""
    if not notice.claim(now, until=now + LEASE):
        return False
    if notice.issue.status != Issue.Status.HELD or not notice.editor.email:
        return _settle(notice)
    issue = notice.issue
    address = reverse("issue_desk:desk", args=[issue.pk])
    context = {"issue": issue, "newsletter": issue.newsletter, "url": settings.SITE_URL + address}
    try:
        mail.send(template="issue_held", to=notice.editor.email, context=context, language=settings.LANGUAGE_CODE)
    except mail.NotAccepted as refusal:
        return _refused(notice, str(refusal), is_permanent=refusal.is_permanent, now=now)
    notice.sent_at = now
    _settle(notice)
    return True


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
    logger.warning("editor %s could not be told that issue %s is held", notice.editor_id, notice.issue_id)
    return False
