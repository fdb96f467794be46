"""Approving an issue, holding it, and taking that back, for as long as it has not left."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.digests import preflight, versions
from newsletter.digests.models import Issue, IssueVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import User

UNDO = timedelta(seconds=30)  # before an issue leaves that is approved after its time
Action = IssueVersion.Action


class BlockedError(Exception):
    """The preflight found errors. The message names the first, and ``count`` says how many there are."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(_("It cannot be approved: %(error)s") % {"error": errors[0]})
        self.count = len(errors)


class DecidedError(Exception):
    """It was decided, or has left, before this could be done."""


def approve(issue: Issue, *, by: User, now: datetime, seen: int | None = None) -> None:
    """Let it go out at its time; if that is over, in UNDO. ``issue`` is then as the database has it.

    Raises BlockedError, versions.StaleError (somebody changed it after version ``seen``) and DecidedError.
    """
    if errors := preflight.errors(issue, now=now):
        raise BlockedError(errors)
    with transaction.atomic():
        row = versions.lock(issue)
        if seen is not None:
            versions.refuse_stale(row, seen=seen, but_of=by)
        if not row.approve(by=by, now=now):
            raise DecidedError(_("It had been decided already: it is %(state)s.") % {"state": state_of(row)})
        if row.send_at < now + UNDO:
            row.send_at = now + UNDO
            row.save(update_fields=["send_at"])
        versions.record_decision(row, by=by, action=Action.APPROVED, now=now)
    issue.refresh_from_db()


def hold(issue: Issue, *, by: User, now: datetime) -> None:
    """It does not go out until somebody approves it. Raises DecidedError."""
    with transaction.atomic():
        row = versions.lock(issue)
        if not row.hold(reason=_("Held by %(editor)s.") % {"editor": versions.name_of(by)}):
            raise DecidedError(_("It could not be held any more: it is %(state)s.") % {"state": state_of(row)})
        versions.record_decision(row, by=by, action=Action.HELD, now=now)
    issue.refresh_from_db()


def reopen(issue: Issue, *, by: User, now: datetime) -> None:
    """Take the approval back. Before its time it is a draft again; afterwards it is held. Raises DecidedError."""
    with transaction.atomic():
        row = versions.lock(issue)
        is_early = row.send_at - now > UNDO
        reason = _("%(editor)s took the approval back.") % {"editor": versions.name_of(by)}
        if row.status != Issue.Status.APPROVED or not (row.reopen() if is_early else row.hold(reason=reason)):
            raise DecidedError(_("It was too late to take it back: it is %(state)s.") % {"state": state_of(row)})
        versions.record_decision(row, by=by, action=Action.REOPENED, now=now)
    issue.refresh_from_db()


def state_of(issue: Issue) -> str:
    return _("on its way") if issue.launched_at else str(issue.get_status_display())
