"""The issue as mail programs will show it: HTML in light or dark, as text, as it goes over the wire."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape

from newsletter.delivery import outlooks, proofs
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.rendering import RenderedMail
from newsletter.digests.stories import absolute
from newsletter.lib import slots
from newsletter.lib.slots import Slot

PREFERS_DARK = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)")
NOBODY = "reader@example.org"


def usual(issue: Issue, *, now: datetime) -> RenderedMail | None:
    """As a reader of every topic gets it who has had what most have had. Raises RenderingError."""
    return sample(issue, now=max(now, issue.send_at), received=outlooks.had_by_most(outlooks.forecast_of(issue))).mail()


def html(issue: Issue, mail: RenderedMail, *, is_dark: bool, now: datetime, email: str = NOBODY, name: str = "") -> str:
    """The HTML part, as a program shows it that is set to light or to dark."""
    values = _values(issue, mail, email, name, now)
    whole = slots.fill(mail.html, {key: escape(value) for key, value in values.items()})
    scheme = "dark" if is_dark else "light"
    whole = PREFERS_DARK.sub("@media all" if is_dark else "@media not all", whole)
    whole = whole.replace("light dark", scheme)
    whole = _with_places(issue, whole)
    return whole.replace("<head>", '<head><base target="_blank">', 1)  # links open beside the frame


def _with_places(issue: Issue, whole: str) -> str:
    """With ``id="story-12"`` where a story begins, so that the desk can lead the frame to it.

    Not on the link itself, which would take the focus away from the desk.
    """
    for item in issue.items.exclude(state__in=IssueItem.OUT).select_related("article").defer("article__body"):
        address = re.escape(escape(absolute(item.article.get_absolute_url())))
        link = re.compile(rf'<a\b[^>]*\bhref="{address}"')
        whole = link.sub(rf'<span id="story-{item.article_id}"></span>\g<0>', whole, count=1)
    return whole


def text(issue: Issue, mail: RenderedMail, *, now: datetime, email: str = NOBODY, name: str = "") -> str:
    """The text part."""
    return slots.fill(
        mail.text, {**proofs.stand_ins(issue, mail, email, now), Slot.NAME: name, Slot.GREETING: mail.greeting.to(name)}
    )


def source(issue: Issue, mail: RenderedMail, *, now: datetime) -> str:
    """The whole message with its headers. Raises InvalidAddress for the newsletter's own."""
    _letter, data = proofs.as_message(issue, mail, address=NOBODY, now=now)
    return data.decode(errors="replace")


def _values(issue: Issue, mail: RenderedMail, email: str, name: str, now: datetime) -> dict[str, str]:
    own: dict[str, str] = {Slot.NAME: name, Slot.GREETING: mail.greeting.to(name)}
    return {**proofs.stand_ins(issue, mail, email, now), **own}
