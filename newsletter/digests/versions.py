"""Who changed what of an issue: every change is a version, and none overwrites another.

Whoever changes something says which version of the issue they saw. What others changed since does no harm where it was
something else; where it was the same thing, nothing is done and StaleError says who did what. What changed by itself
(new articles, another page of the admin) is noted before an editor's change as a version without an editor.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from newsletter.digests.models import Issue, IssueItem, IssueVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

WORDS = ("subject", "preheader", "intro", "body")
ORDER, STATUS, READERS = "order", "status", "readers"
MAY_CHANGE, MAY_APPROVE = "digests.change_issue", "digests.approve_issue"
MOST_KEPT = 120  # versions of an issue
KEPT_FOR = timedelta(days=90)  # after the issue's time
ONE_SITTING = timedelta(minutes=2)  # words typed within it are one version
FORGOTTEN_AT_ONCE = 2_000

Action = IssueVersion.Action
type Content = Mapping[str, Any]


class StaleError(Exception):
    """Somebody changed the same thing since it was looked at. The message says who, when and what."""


class ClosedError(Exception):
    """The issue is out, or will never be: nothing of it can be changed any more."""


@dataclass
class Editing:
    """A change under way: ``issue`` is locked until it is written down, ``by`` made it, having seen ``seen``."""

    issue: Issue
    by: User
    now: datetime
    action: str = Action.EDITED
    undoes: IssueVersion | None = None


def item_key(article_id: int) -> str:
    return f"item:{article_id}"


@contextmanager
def editing(issue: Issue, *, by: User, seen: int, touching: Collection[str] | None, now: datetime) -> Iterator[Editing]:
    """Change the issue in here; it is written down as a version at the end.

    Raises ClosedError, and StaleError if one of ``touching`` (None: anything) was changed by somebody after version
    ``seen``.
    """
    with transaction.atomic():
        row = lock(issue)
        if row.launched_at or row.status not in {*Issue.OPEN, Issue.Status.APPROVED}:
            raise ClosedError(_("This issue is decided: nothing of it can be changed any more."))
        if not may_touch(row, by=by):
            raise ClosedError(_("It is approved. Ask whoever approved it to take that back before you change it."))
        before = _note_found(row, now=now)
        refuse_stale(row, seen=seen, touching=touching)
        work = Editing(row, by, now)
        yield work
        _record(work, before)
    issue.refresh_from_db()


def lock(issue: Issue) -> Issue:
    """The issue as it is now; whoever else wants to change it waits for the end of the transaction."""
    rows = Issue.objects.select_for_update(of=("self",)).select_related("newsletter", "schedule")
    return rows.get(pk=issue.pk)


def is_approved_by_somebody(issue: Issue) -> bool:
    """What a person approved is what they saw; what a rule approved is not."""
    return issue.status == Issue.Status.APPROVED and issue.is_approved_by_hand


def may_touch(issue: Issue, *, by: User | AnonymousUser) -> bool:
    """What somebody approved is changed, and stopped, only by those who could approve it themselves."""
    return not is_approved_by_somebody(issue) or by.has_perm(MAY_APPROVE)


def refuse_stale(
    issue: Issue, *, seen: int, touching: Collection[str] | None = None, but_of: User | None = None
) -> None:
    """Raises StaleError if an editor changed one of these things (None: anything) after this version.

    ``but_of``: whose own changes do not count.
    """
    since = issue.versions.filter(number__gt=seen, editor__isnull=False).select_related("editor").order_by("-pk")
    for version in since.exclude(editor=but_of) if but_of else since:
        same = set(version.touched) if touching is None else set(version.touched) & set(touching)
        if same:
            values = {"name": name_of(version.editor), "what": ", ".join(said(sorted(same), version.content))}
            raise StaleError(_("%(name)s changed this meanwhile: %(what)s. Look at it, and do it again.") % values)


def content_of(issue: Issue) -> Content:
    """What editors can change of the issue, as the database has it. One query."""
    rows = issue.items.values_list("state", "position", "pk", "article_id", "title", "summary", "section")
    ordered = sorted(rows, key=lambda row: (row[0] != IssueItem.State.PINNED, row[1], row[2]))
    return {
        **{name: getattr(issue, name) for name in WORDS},
        "status": issue.status,
        "is_arranged": issue.is_arranged,
        READERS: {**(issue.narrowing or {}), "cadence": issue.cadence},
        "items": [
            [article, state, title, summary, *([section] if section else [])]
            for state, _place, _pk, article, title, summary, section in ordered
        ],
    }


def differences(before: Content, after: Content) -> list[str]:
    """The names of what differs. New articles at the end change no order."""
    names = [name for name in (*WORDS, STATUS) if before.get(name) != after.get(name)]
    if READERS in before and before[READERS] != after.get(READERS):
        names.append(READERS)
    old, new = _by_article(before), _by_article(after)
    common = [pk for pk in old if pk in new]
    if common != [pk for pk in new if pk in old]:
        names.append(ORDER)
    return names + [item_key(pk) for pk in {**old, **new} if old.get(pk) != new.get(pk)]


def _by_article(content: Content) -> dict[int, list[Any]]:
    return {row[0]: row[1:] for row in content["items"]}


def _note_found(issue: Issue, *, now: datetime) -> Content:
    """What the issue says, after making sure that the newest version says the same."""
    content = content_of(issue)
    latest = issue.versions.order_by("-pk").first()
    if latest is None or {READERS: content[READERS], **latest.content} != content:  # older ones did not keep them
        touched = differences(latest.content, content) if latest else []
        _keep(issue, content, action=Action.FOUND, editor=None, touched=touched, now=now)
    return content


def _record(work: Editing, before: Content) -> None:
    issue = work.issue
    after = content_of(issue)
    touched = differences(before, after)
    if not touched and after["is_arranged"] == before["is_arranged"]:
        return
    latest = issue.versions.order_by("-pk").first()
    issue.version += 1
    Issue.objects.filter(pk=issue.pk).update(version=issue.version)
    if work.undoes:
        IssueVersion.objects.filter(pk=work.undoes.pk).update(is_undone=True)
    if latest and _goes_on(latest, work, touched):
        latest.content, latest.number, latest.at = after, issue.version, work.now
        latest.save(update_fields=["content", "number", "at"])
        return
    _keep(issue, after, action=work.action, editor=work.by, touched=touched, now=work.now)


def _goes_on(latest: IssueVersion, work: Editing, touched: list[str]) -> bool:
    """Whether the same words are still being typed."""
    is_typing = latest.action == work.action == Action.EDITED and set(touched) <= set(WORDS)
    is_mine = latest.editor_id == work.by.pk and latest.touched == touched and not latest.is_undone
    return is_typing and is_mine and work.now - latest.at < ONE_SITTING


def _keep(
    issue: Issue, content: Content, *, action: str, editor: User | None, touched: list[str], now: datetime
) -> None:
    values = {"action": action, "editor": editor, "touched": touched, "content": content, "at": now}
    IssueVersion.objects.create(issue=issue, number=issue.version, **values)
    old = list(issue.versions.order_by("-pk").values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 50])
    IssueVersion.objects.filter(pk__in=old).delete()


def record_decision(issue: Issue, *, by: User | None, action: str, now: datetime) -> None:
    """Note that the issue was approved, held or opened again. Call it in the transaction that does it."""
    issue.version += 1
    Issue.objects.filter(pk=issue.pk).update(version=issue.version)
    _keep(issue, content_of(issue), action=action, editor=by, touched=[STATUS], now=now)


def leave_out_intro(issue: Issue, *, now: datetime) -> None:
    """Send without what nobody approved; it stays among the versions."""
    _note_found(issue, now=now)
    issue.intro = ""
    issue.version += 1
    Issue.objects.filter(pk=issue.pk).update(intro="", version=issue.version)
    _keep(issue, content_of(issue), action=Action.NO_INTRO, editor=None, touched=["intro"], now=now)


def bump(issue: Issue) -> None:
    """Something changed by itself: pages that show the issue must look again."""
    Issue.objects.filter(pk=issue.pk).update(version=F("version") + 1)


def restore_content(issue: Issue, content: Content, *, only: Collection[str] | None = None) -> None:
    """Make the issue say what it said then, or these things of it. Articles that came since stay, behind the others.

    Whom it is for stays as it is unless it is among ``only``: who brings back words does not think of the readers.
    """
    names = [name for name in WORDS if only is None or name in only]
    for name in names:
        setattr(issue, name, content[name])
    Issue.objects.filter(pk=issue.pk).update(**{name: content[name] for name in names})
    if only is not None and READERS in only and READERS in content:
        _restore_readers(issue, content[READERS])
    then = _by_article(content)
    items = {item.article_id: item for item in issue.items.order_by("position", "pk")}
    for pk, item in items.items():
        if pk in then and (only is None or item_key(pk) in only):
            item.state, item.title, item.summary, item.section = [*then[pk], ""][:4]
        elif only is not None and item_key(pk) in only:  # the change that is undone took it in
            item.state = IssueItem.State.DROPPED
    if only is None or ORDER in only:
        _put_in_order(items, list(then))
        issue.is_arranged = content["is_arranged"]
        Issue.objects.filter(pk=issue.pk).update(is_arranged=issue.is_arranged)
    IssueItem.objects.bulk_update(items.values(), ["state", "title", "summary", "section", "position"], batch_size=500)


def _restore_readers(issue: Issue, readers: Mapping[str, Any]) -> None:
    issue.narrowing = {name: value for name, value in readers.items() if name != "cadence"}
    issue.cadence = readers["cadence"]
    Issue.objects.filter(pk=issue.pk).update(narrowing=issue.narrowing, cadence=issue.cadence)


def _put_in_order(items: Mapping[int, IssueItem], order: Iterable[int]) -> None:
    known = [pk for pk in order if pk in items]
    others = [pk for pk in items if pk not in set(known)]
    for position, pk in enumerate([*known, *others], start=1):
        items[pk].position = position


def said(touched: Iterable[str], content: Content) -> list[str]:
    """The names of what was touched, in words."""
    words = {
        "subject": _("the subject"), "preheader": _("the preview line"), "intro": _("the introduction"),
        "body": _("the text"), ORDER: _("the order"), STATUS: _("whether it goes out"),
        READERS: _("whom it is for"),
    }  # fmt: skip
    stories = _("a story")
    return list(dict.fromkeys(words.get(name, stories) for name in touched))


def name_of(editor: User | None) -> str:
    return (editor.get_full_name() or editor.get_username()) if editor else _("the product")


def forget(*, now: datetime) -> int:
    """Delete versions of issues whose time is long past. Returns how many; at most FORGOTTEN_AT_ONCE."""
    old = IssueVersion.objects.filter(issue__send_at__lt=now - KEPT_FOR).order_by("pk")
    pks = list(old.values_list("pk", flat=True)[:FORGOTTEN_AT_ONCE])
    return IssueVersion.objects.filter(pk__in=pks).delete()[0]
