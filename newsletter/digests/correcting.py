"""Corrections: a dated note where the mistake can be read, and a mail to those who got it, if an editor wants one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import override

from articles.models import Article
from newsletter.digests import approval
from newsletter.digests.alerts import UNDO
from newsletter.digests.models import Correction, Issue
from newsletter.digests.opening import new_issue
from newsletter.digests.stories import absolute
from newsletter.subscribers.models import Newsletter

SUBJECT_LENGTH = 200


@dataclass(frozen=True)
class Wording:
    """``article`` is what it is about; None: the issue as a whole."""

    note: str
    article: Article | None = None
    is_on_article: bool = True


def correct(issue: Issue, *, wording: Wording, by: Any, now: datetime) -> Correction:
    """Publish the note. It stands on the web version at once."""
    return Correction.objects.create(
        issue=issue, article=wording.article, note=wording.note, is_on_article=wording.is_on_article, at=now, by=by
    )


def draft_mails(correction: Correction, newsletters: Iterable[Newsletter], *, by: object, now: datetime) -> list[Issue]:
    """A mail with the note in each of these newsletters, which leaves in UNDO unless it is cancelled.

    Once for each newsletter: a second call returns those that there are. What was taken back was sent to nobody, and
    can be sent after all. Raises approval.BlockedError, and then drafts none.
    """
    with transaction.atomic():
        Correction.objects.select_for_update(no_key=True).get(pk=correction.pk)  # a second tap must find the first
        made = {mail.newsletter_id: mail for mail in correction.mails.exclude(status=Issue.Status.CANCELLED)}
        for newsletter in newsletters:
            if newsletter.pk not in made:
                made[newsletter.pk] = _draft(correction, newsletter, by=by, now=now)
        return list(made.values())


def _draft(correction: Correction, newsletter: Newsletter, *, by: object, now: datetime) -> Issue:
    issue = new_issue(newsletter, send_at=now + UNDO)
    issue.correction = correction
    with override(newsletter.language):
        about = correction.article.title if correction.article else str(correction.issue)
        issue.subject = (_("Correction: %(about)s") % {"about": about})[:SUBJECT_LENGTH]
        issue.body = body_of(correction)
    issue.save(update_fields=["correction", "subject", "body"])
    approval.approve_at_once(issue, by=by, now=now)
    return issue


def body_of(correction: Correction) -> str:
    """The note as the text of a mail, with the way to the article."""
    note = correction.note.replace("\r\n", "\n")
    paragraphs: list[str] = [escape(each.strip()) for each in note.split("\n\n") if each.strip()]
    if correction.article:
        address = absolute(correction.article.get_absolute_url())
        paragraphs.append(f'<a href="{address}">{escape(correction.article.title)}</a>')
    return "".join(f"<p>{each}</p>" for each in paragraphs)
