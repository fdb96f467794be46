"""What an editor does to an issue: put stories in order, pin, drop or keep them, say things differently, take it back.

Every function takes the version of the issue that its editor had seen, and raises versions.StaleError or ClosedError
(see versions.py) or CannotChangeError, whose message says what to do. None of them changes an article.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Max
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.models import Article, Topic
from newsletter.digests import versions
from newsletter.digests.looks import rest_title
from newsletter.digests.models import Appearance, Issue, IssueItem, IssueVersion
from newsletter.digests.narrowing import Narrowing
from newsletter.digests.prose import one_line
from newsletter.digests.versions import ORDER, READERS, Editing, editing, item_key
from newsletter.subscribers.models import Newsletter

if TYPE_CHECKING:
    from django.contrib.auth.models import User

State = IssueItem.State
MOST_CHARACTERS = {"subject": 200, "preheader": 200, "intro": 2_000, "body": 12_000, "title": 300, "summary": 1_000}


class CannotChangeError(ValueError):
    """It cannot be done; the message tells the editor why."""


class Desk:
    """One editor's hand on one issue, having seen the version ``seen`` of it."""

    def __init__(self, issue: Issue, *, by: User, seen: int, now: datetime) -> None:
        self.issue, self._by, self._seen, self._now = issue, by, seen, now

    def _editing(self, *touching: str) -> AbstractContextManager[Editing]:
        return editing(self.issue, by=self._by, seen=self._seen, touching=touching, now=self._now)

    def set_state(self, article_id: int, state: IssueItem.State) -> str:
        """Pin, drop, keep for later, or take in again. Returns what happened, in words."""
        with self._editing(item_key(article_id)) as work:
            item = _item(work.issue, article_id)
            if state == State.PINNED:
                _put_behind_pinned(work.issue, item)
            elif item.state in IssueItem.OUT:
                item.position = _end(work.issue)
            item.state = state
            item.save(update_fields=["state", "position"])
        told = {
            State.PINNED: _("“%(story)s” is pinned: it stays on top, whatever comes."),
            State.INCLUDED: _("“%(story)s” is in the issue."),
            State.LATER: _("“%(story)s” is kept for the next issue."),
            State.DROPPED: _("“%(story)s” is dropped, here and from the issues after this one."),
        }
        return told[State(state)] % {"story": headline_of(item)}

    def move(self, article_id: int, *, before: int | None, section: str = "") -> str:
        """Put it right before another article, or at the end; before itself it stays. ``section``: the title that it
        stands under from now on, in this mail only; "" leaves that as it is.

        Above a pinned one it is pinned as well, and below one that is not it loses its pin: pinned articles always
        come first.
        """
        if section and section not in sections_of(self.issue):
            raise CannotChangeError(_("There is no such section."))
        with self._editing(ORDER, item_key(article_id)) as work:
            items = _in_order(work.issue)
            moved = _item(work.issue, article_id)
            others = [item for item in items if item.pk != moved.pk]
            stays = items if before == article_id else others
            place = next((n for n, item in enumerate(stays) if item.article_id == before), len(others))
            others.insert(place, moved)
            moved.state = _state_at(others, place)
            moved.section = _own_section(moved, section) if section else moved.section
            for position, item in enumerate(others, start=1):
                item.position = position
            IssueItem.objects.bulk_update(others, ["position", "state", "section"], batch_size=500)
            Issue.objects.filter(pk=work.issue.pk).update(is_arranged=True)
            work.issue.is_arranged = True
        values = {"story": headline_of(moved), "section": section}
        return (_("“%(story)s” is moved to %(section)s.") if section else _("“%(story)s” is moved.")) % values

    def word(self, article_id: int, *, title: str, summary: str, section: str | None = None) -> str:
        """The headline and summary of this mail, and its section; empty: the article's own. None: as it is."""
        _check({"title": title, "summary": summary})
        if section and section not in sections_of(self.issue):
            raise CannotChangeError(_("There is no such section."))
        with self._editing(item_key(article_id)) as work:
            item = _item(work.issue, article_id)
            item.title = "" if title == own_headline(item.article) else title
            item.summary = "" if summary == own_summary(item.article) else summary
            item.section = item.section if section is None else _own_section(item, section)
            item.save(update_fields=["title", "summary", "section"])
        return _("“%(story)s” is changed in this mail. The article stays as it is.") % {"story": headline_of(item)}

    def write(self, words: Mapping[str, str]) -> str:
        """Subject, preview line, introduction, text: those that are given."""
        _check(words)
        values = {name: text for name, text in words.items() if name in versions.WORDS}
        with self._editing(*values) as work:
            for name, text in values.items():
                setattr(work.issue, name, text)
            Issue.objects.filter(pk=work.issue.pk).update(**values)
        return _("Kept.")

    def narrow(self, narrowing: Narrowing, *, cadence: str) -> str:
        """Choose whom an announcement is for."""
        if not self.issue.is_written or self.issue.correction_id:
            raise CannotChangeError(_("Only announcements are for readers whom somebody chooses."))
        with self._editing(READERS) as work:
            work.issue.narrowing, work.issue.cadence = narrowing.as_json(), cadence
            Issue.objects.filter(pk=work.issue.pk).update(narrowing=work.issue.narrowing, cadence=cadence)
        return _("Kept. It goes to these readers and no others.")

    def add(self, article_id: int) -> str:
        """Take in an article that did not come by itself, pinned, because somebody wants it."""
        article = Article.objects.published(self._now).filter(pk=article_id).first()
        if self.issue.newsletter.kind != Newsletter.Kind.DIGEST:
            raise CannotChangeError(_("Only digests are made of articles."))
        if article is None or not article.is_mailable:
            raise CannotChangeError(_("Only a published article that may be mailed can be taken in."))
        with self._editing(item_key(article_id)) as work:
            item, _is_new = IssueItem.objects.get_or_create(issue=work.issue, article=article)
            _put_behind_pinned(work.issue, item)
            item.state = State.PINNED
            item.save(update_fields=["state", "position"])
        return _("“%(story)s” is in the issue.") % {"story": headline_of(item)}

    def undo(self) -> str:
        """Take back the editor's own latest change that they have not taken back yet."""
        mine = self.issue.versions.filter(editor=self._by, is_undone=False, action=IssueVersion.Action.EDITED)
        version = mine.order_by("-pk").first()
        before = self.issue.versions.filter(pk__lt=version.pk).order_by("-pk").first() if version else None
        if version is None or before is None:
            raise CannotChangeError(_("There is nothing of yours to take back."))
        touched = list(version.touched)
        with editing(self.issue, by=self._by, seen=version.number, touching=touched, now=self._now) as work:
            work.action, work.undoes = IssueVersion.Action.UNDONE, version
            versions.restore_content(work.issue, before.content, only=touched)
        return _("Taken back: %(what)s.") % {"what": ", ".join(versions.said(touched, before.content))}

    def restore(self, version: IssueVersion) -> str:
        """Make the issue say what it said then. What it says now stays among the versions."""
        with editing(self.issue, by=self._by, seen=self._seen, touching=None, now=self._now) as work:
            work.action = IssueVersion.Action.RESTORED
            versions.restore_content(work.issue, version.content)
        return _("The issue says again what it said then.")


def sections_of(issue: Issue) -> list[str]:
    """The titles that a story of this issue can stand under: every topic, and what has none."""
    names = [one_line(name) for name in Topic.objects.order_by("name", "pk").values_list("name", flat=True)]
    with translation.override(issue.newsletter.language):
        return [*names, rest_title(Appearance.of(issue.newsletter))]


def topic_of(article: Article) -> str:
    """The topic that it stands under of itself; "" for none."""
    return one_line(next((topic.name for topic in article.topics.all()), ""))


def _own_section(item: IssueItem, section: str) -> str:
    return "" if section == topic_of(item.article) else section


def own_headline(article: Article) -> str:
    return article.newsletter_title or article.title


def own_summary(article: Article) -> str:
    return article.newsletter_summary or article.summary


def headline_of(item: IssueItem) -> str:
    return item.title or own_headline(item.article)


def _check(words: Mapping[str, str]) -> None:
    for name, text in words.items():
        most = MOST_CHARACTERS.get(name, 0)
        if len(text) > most:
            told = ngettext("At most %(most)d character.", "At most %(most)d characters.", most)
            raise CannotChangeError(told % {"most": most})


def _item(issue: Issue, article_id: int) -> IssueItem:
    item = issue.items.select_related("article").filter(article=article_id).first()
    if item is None:
        raise CannotChangeError(_("This story is not in the issue any more."))
    return item


def _in_order(issue: Issue) -> list[IssueItem]:
    items = issue.items.select_related("article").order_by("position", "pk")
    return sorted(items, key=lambda item: item.state != State.PINNED)


def _state_at(items: list[IssueItem], place: int) -> IssueItem.State:
    """What an item must be to stand there: whether what follows it is pinned decides."""
    following = next((item for item in items[place + 1 :] if item.state not in IssueItem.OUT), None)
    if following is not None and following.state == State.PINNED:
        return State.PINNED
    previous = [item for item in items[:place] if item.state not in IssueItem.OUT]
    is_first_after_pins = all(item.state == State.PINNED for item in previous)
    return State(items[place].state) if is_first_after_pins and items[place].state == State.PINNED else State.INCLUDED


def _put_behind_pinned(issue: Issue, item: IssueItem) -> None:
    """A new pin goes below those that are there."""
    pinned = issue.items.filter(state=State.PINNED).exclude(pk=item.pk)
    item.position = (pinned.aggregate(last=Max("position"))["last"] or 0) + 1


def _end(issue: Issue) -> int:
    return (issue.items.aggregate(last=Max("position"))["last"] or 0) + 1
