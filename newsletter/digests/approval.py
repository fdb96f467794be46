"""Approving an issue, holding it, and taking that back, for as long as it has not left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from newsletter.digests import preflight, versions
from newsletter.digests.models import Issue, IssueVersion
from newsletter.lib.failures import Failures

if TYPE_CHECKING:
    from django.contrib.auth.models import User

AT_ONCE = 20
UNDO = timedelta(seconds=30)  # before an issue leaves that is approved after its time
Action = IssueVersion.Action


class BlockedError(Exception):
    """The preflight found errors. The message names the first, and ``count`` says how many there are."""

    def __init__(self, errors: list[str], told: str = "") -> None:
        super().__init__((told or _("It cannot be approved: %(error)s")) % {"error": errors[0]})
        self.count = len(errors)


class DecidedError(Exception):
    """It was decided, or has left, before this could be done."""


def approve(issue: Issue, *, by: User, now: datetime, seen: int | None = None) -> None:
    """Let it go out at its time; if that is over, in UNDO. ``issue`` is then as the database has it.

    ``seen`` is the version that was approved, by default that of ``issue``. What is examined is what is approved:
    nobody can change it in between. Raises BlockedError, versions.StaleError (somebody else changed it, or whom it is
    for, after that version) and DecidedError.
    """
    with transaction.atomic():
        row = versions.lock(issue)
        versions.refuse_stale(row, seen=issue.version if seen is None else seen, but_of=by)
        if errors := preflight.errors(row, now=now):
            raise BlockedError(errors)
        if not row.approve(by=by, now=now):
            raise DecidedError(_("It had been decided already: it is %(state)s.") % {"state": state_of(row)})
        row.examined_at, row.send_at = now, max(row.send_at, now + UNDO)
        row.save(update_fields=["examined_at", "send_at"])
        versions.record_decision(row, by=by, action=Action.APPROVED, now=now)
    issue.refresh_from_db()


def approve_at_once(issue: Issue, *, by: object, now: datetime) -> None:
    """Examine and approve what leaves within moments, in the transaction that made it. Raises BlockedError."""
    if errors := preflight.errors(issue, now=now):
        raise BlockedError(errors, told=_("It cannot be sent: %(error)s"))
    issue.approve(by=by, now=now)
    issue.examined_at = now
    issue.save(update_fields=["examined_at"])


def examine_again(*, failures: Failures, now: datetime) -> Iterator[Issue]:
    """Look again at what was approved and has changed since: what is wrong is held at once, not only at its time.

    Yields those that were held.
    """
    for issue in Issue.objects.changed_since_examined()[:AT_ONCE]:
        if failures.attempt(partial(_still_stands, issue, now=now)) is False:
            yield issue


def _still_stands(issue: Issue, *, now: datetime) -> bool:
    with transaction.atomic():
        row = versions.lock(issue)
        if row.status != Issue.Status.APPROVED or row.launched_at:
            return True
        Issue.objects.filter(pk=row.pk).update(examined_at=now)
        return stands(row, now=now)


def stands(issue: Issue, *, now: datetime) -> bool:
    """A look at what was approved, and the last one when it is launched.

    Articles are withdrawn and corrected after an approval, and whoever may approve can still change the words. If that
    made an error of it, it is held, and False. What was never examined is not examined now.
    """
    if not _was_examined(issue) or not (errors := preflight.errors(issue, now=now)):
        return True
    issue.hold(reason=(_("Held by the preflight: %(problem)s") % {"problem": errors[0]})[:300])
    return False


def _was_examined(issue: Issue) -> bool:
    is_planned = issue.schedule_id is not None and not issue.is_alert
    return is_planned or issue.examined_at is not None


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
