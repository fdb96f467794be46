"""Which version of each issue a list was made of: it goes with the list's form, so that nothing is approved unseen.

Each row carries its own. For "select all", which means those of other pages, too, the first row carries theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from newsletter.digests import approval
from newsletter.digests.models import Issue
from newsletter.digests.versions import StaleError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 1_000  # issues on other pages; an action takes no more
ELSEWHERE = "seen-elsewhere"


def note_elsewhere(shown: Sequence[Any], everything: QuerySet[Issue]) -> None:
    """Give the first row the versions of what may be approved and is on other pages of the list. One query at most."""
    if shown:
        waiting = everything.filter(status__in=Issue.OPEN, launched_at=None).exclude(pk__in=[row.pk for row in shown])
        pairs = waiting.values_list("pk", "version")[:MOST]
        shown[0].seen_elsewhere = ",".join(f"{pk}:{version}" for pk, version in pairs)


def fields_of(issue: Any) -> SafeString:
    """The hidden fields that go with the issue's row."""
    own = format_html('<input type="hidden" name="seen-{}" value="{}">', issue.pk, issue.version)
    if not (others := getattr(issue, "seen_elsewhere", "")):
        return own
    return own + format_html('<input type="hidden" name="{}" value="{}">', ELSEWHERE, others)


def versions_in(form: QueryDict) -> dict[int, int]:
    """The version of each issue that the list was made of, as its form says."""
    pairs = [tuple(pair.split(":", 1)) for pair in form.get(ELSEWHERE, "").split(",") if ":" in pair]
    pairs += [(name.removeprefix("seen-"), str(form[name])) for name in form if name.startswith("seen-")]
    return {int(pk): int(version) for pk, version in pairs if _is_number(pk) and _is_number(version)}


def approve(issue: Issue, *, seen: int | None, by: User, now: datetime) -> None:
    """Approve the version that the list was made of. Raises as ``approval.approve`` does.

    ``seen`` None: the list did not have it, so it is not approved (StaleError), unless it was decided anyway.
    """
    if seen is None and issue.status in Issue.OPEN:
        raise StaleError(_("It was not in the list when you chose. Look at it, and approve it at its desk."))
    approval.approve(issue, by=by, now=now, seen=seen)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19
