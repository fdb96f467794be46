"""Work that is not saved yet is kept as it is typed, for the editor alone, and who is at it is told to the others.

A working copy holds what stands in the form, field by field, so that it comes back exactly so in the form. It changes
no article; saving the form does, and removes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from articles.models import Article, EditingPresence, WorkingCopy

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_CHARACTERS = 2_000_000
MOST_NEW = 20  # texts of an editor that no article was made of yet


class TooLong(Exception):
    """More was typed than an article can have."""


@dataclass(frozen=True)
class Other:
    """Another editor who has the article open."""

    name: str
    has_changes: bool


def keep(
    *, article: Article | None, editor: User, values: Mapping[str, list[str]], base: str, copy_pk: int | None,
    now: datetime,
) -> WorkingCopy:  # fmt: skip
    """Write down what was typed. ``copy_pk`` names the copy of a text that is no article yet. Raises TooLong."""
    if sum(len(text) for texts in values.values() for text in texts) > MOST_CHARACTERS:
        raise TooLong
    stored = {"values": dict(values), "base": base, "saved_at": now}
    if article is not None:
        return WorkingCopy.objects.update_or_create(article=article, editor=editor, defaults=stored)[0]
    copy = WorkingCopy.objects.filter(pk=copy_pk, article=None, editor=editor).first() if copy_pk else None
    if copy is None:
        _make_room(editor)
        return WorkingCopy.objects.create(editor=editor, **stored)
    WorkingCopy.objects.filter(pk=copy.pk).update(**stored)
    copy.values, copy.base, copy.saved_at = stored["values"], base, now
    return copy


def copy_of(article: Article, editor: User) -> WorkingCopy | None:
    return WorkingCopy.objects.filter(article=article, editor=editor).first()


def new_texts(editor: User) -> Iterable[WorkingCopy]:
    """What the editor began and never saved, the latest first."""
    return WorkingCopy.objects.filter(article=None, editor=editor)[:MOST_NEW]


def discard(*, editor: User, article: Article | None = None, copy_pk: int | None = None) -> bool:
    """Throw away the editor's copy, of an article or of a text that is none yet. False if there was none."""
    mine = WorkingCopy.objects.filter(editor=editor, article=article)
    if article is None:
        mine = mine.filter(pk=copy_pk or 0)
    return bool(mine.delete()[0])


def forget(*, now: datetime) -> None:
    """Remove copies that nobody came back to, and traces of who was here."""
    WorkingCopy.objects.forgotten(now).delete()
    EditingPresence.objects.filter(seen_at__lt=now - WorkingCopy.KEPT_FOR).delete()


def sign_of_life(*, article: Article, editor: User, has_changes: bool, now: datetime) -> None:
    EditingPresence.objects.update_or_create(
        article=article, editor=editor, defaults={"seen_at": now, "has_changes": has_changes}
    )


def leave(*, article: Article, editor: User) -> None:
    EditingPresence.objects.filter(article=article, editor=editor).delete()


def others(*, article: Article, editor: User, now: datetime) -> list[Other]:
    """Who else has it open."""
    present = EditingPresence.objects.present(now).filter(article=article).exclude(editor=editor)
    return [
        Other(name=presence.editor.get_full_name() or presence.editor.get_username(), has_changes=presence.has_changes)
        for presence in present.select_related("editor")
    ]


def _make_room(editor: User) -> None:
    """Of texts that never became an article the latest are kept."""
    old = list(WorkingCopy.objects.filter(article=None, editor=editor).values_list("pk", flat=True)[MOST_NEW - 1 :])
    WorkingCopy.objects.filter(pk__in=old).delete()
