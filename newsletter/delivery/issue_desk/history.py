"""Who did what to an issue, and what differs between two versions of it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.digests import narrowing, versions
from newsletter.digests.models import Issue, IssueItem, IssueVersion
from newsletter.digests.narrowing import Narrowing
from newsletter.digests.versions import Content

SHOWN = 100


@dataclass(frozen=True)
class Entry:
    """A line of the list: ``did`` says what the version changed."""

    version: IssueVersion
    who: str
    did: Sequence[str]


@dataclass(frozen=True)
class Difference:
    """Something that differs: as it was and as it became, in pieces of (kind, text) for words."""

    label: str
    sentence: str = ""
    pieces: Sequence[tuple[str, str]] = ()


def context(issue: Issue, *, before: str, after: str) -> dict[str, Any]:
    """For the page of versions: the list, and two that are compared, by default the last two."""
    kept = list(issue.versions.select_related("editor").order_by("-pk")[:SHOWN])
    titles = _titles(kept)
    newer = _chosen(kept, after, 0)
    older = _chosen(kept, before, kept.index(newer) + 1 if newer else 1)
    return {
        "entries": [_entry(version, kept[n + 1 : n + 2], titles) for n, version in enumerate(kept)],
        "before": older, "after": newer,
        "differences": list(differences(older.content, newer.content, titles)) if older and newer else [],
    }  # fmt: skip


def _entry(version: IssueVersion, earlier: Sequence[IssueVersion], titles: Mapping[int, str]) -> Entry:
    did = [str(version.get_action_display())] if version.action != IssueVersion.Action.EDITED else []
    if earlier:
        found = differences(earlier[0].content, version.content, titles)
        did += [each.sentence or each.label for each in found]
    return Entry(version, versions.name_of(version.editor), did[:8])


def differences(before: Content, after: Content, titles: Mapping[int, str]) -> Iterator[Difference]:
    """Words first, then stories, then the order."""
    labels = {
        "subject": _("Subject"), "preheader": _("Preview line"), "intro": _("Introduction"), "body": _("Text"),
    }  # fmt: skip
    for name, label in labels.items():
        if before[name] != after[name]:
            yield Difference(label, pieces=list(_pieces(before[name], after[name])))
    if versions.READERS in versions.differences(before, after):
        yield Difference(_("Readers"), _readers(after[versions.READERS]))
    old, new = ({row[0]: row for row in content["items"]} for content in (before, after))
    for pk in {**old, **new}:
        yield from _of_story(titles.get(pk, _("a deleted article")), old.get(pk), new.get(pk))
    if versions.ORDER in versions.differences(before, after):
        yield Difference(_("The order"), _("the order was changed"))


def _readers(kept: Mapping[str, Any]) -> str:
    chosen = list(narrowing.conditions(Narrowing.from_json(kept), kept["cadence"]))
    if not chosen:
        return _("it is for all active readers of the newsletter")
    return _("it is for active readers who %(conditions)s") % {"conditions": ", ".join(chosen)}


def _of_story(title: str, old: Sequence[Any] | None, new: Sequence[Any] | None) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference(title, (_("“%(story)s” came in") if new else _("“%(story)s” was deleted")) % {"story": title})
        return
    if old[1] != new[1]:
        told = {
            IssueItem.State.PINNED: _("“%(story)s” was pinned"),
            IssueItem.State.INCLUDED: _("“%(story)s” was taken in"),
            IssueItem.State.LATER: _("“%(story)s” was kept for later"),
            IssueItem.State.DROPPED: _("“%(story)s” was dropped"),
        }[IssueItem.State(new[1])]
        if old[1] == IssueItem.State.PINNED and new[1] == IssueItem.State.INCLUDED:
            told = _("“%(story)s” lost its pin")
        yield Difference(title, told % {"story": title})
    for place, label in ((2, _("Headline of “%(story)s”")), (3, _("Summary of “%(story)s”"))):
        if old[place] != new[place]:
            yield Difference(label % {"story": title}, pieces=list(_pieces(old[place], new[place])))


def _pieces(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Word by word: same, removed, added."""
    before, after = old.split(" "), new.split(" ")
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield "same", " ".join(before[first:last])
            continue
        if last > first and any(before[first:last]):
            yield "removed", " ".join(before[first:last])
        if end > start and any(after[start:end]):
            yield "added", " ".join(after[start:end])


def _titles(kept: Sequence[IssueVersion]) -> dict[int, str]:
    pks = {row[0] for version in kept for row in version.content["items"]}
    return dict(Article.objects.filter(pk__in=pks).values_list("pk", "title"))


def _chosen(kept: Sequence[IssueVersion], pk: str, default: int) -> IssueVersion | None:
    named = next((version for version in kept if str(version.pk) == pk), None)
    return named or (kept[default] if default < len(kept) else None)
