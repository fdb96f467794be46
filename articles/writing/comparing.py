"""What changed between two versions, in words that people can read: paragraphs first, then words within them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from articles.models import Article, Author, Topic
from articles.sanitizing import plain_text
from articles.writing.revisions import CIRCUMSTANCES, RELATIONS, WORDS, Content

MOST_WORDS = 4_000  # of two passages that are compared word by word; longer ones are shown as a whole
ALIKE = 0.5  # passages that share less are two passages, and shown one after the other
_BLOCK_END = re.compile(r"(?<=</p>)|(?<=</h[1-6]>)|(?<=</li>)|(?<=</blockquote>)|(?<=</figure>)|(?<=</pre>)")
_IMAGE = re.compile(r'<img[^>]*?alt="([^"]*)"[^>]*>|<img[^>]*>')
_LINK = re.compile(r'<a[^>]*?href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_WORD = re.compile(r"\s+|[^\s]+")


class Kind(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True)
class Piece:
    kind: Kind
    text: str


@dataclass(frozen=True)
class FieldChange:
    """One field that differs: its paragraphs, each a row of pieces."""

    name: str
    label: str
    paragraphs: list[list[Piece]]


def changes(before: Content, after: Content) -> list[FieldChange]:
    """The fields that differ, in the order of the form."""
    names = [*WORDS[:3], *RELATIONS, *WORDS[3:], *CIRCUMSTANCES]
    found = []
    for name in names:
        if before.get(name) != after.get(name):
            old, new = _paragraphs(name, before.get(name)), _paragraphs(name, after.get(name))
            if old == new:
                continue  # markup only, or white space
            found.append(FieldChange(name, _label(name), list(compare(old, new))))
    return found


def compare(old: list[str], new: list[str]) -> Iterator[list[Piece]]:
    """Paragraphs of pieces: removed and added words marked; unchanged paragraphs are one piece."""
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from ([Piece(Kind.SAME, text)] for text in old[i:j])
        elif tag == "replace":
            yield from _pairs(old[i:j], new[k:m])
        else:
            yield from ([Piece(Kind.REMOVED, text)] for text in old[i:j])
            yield from ([Piece(Kind.ADDED, text)] for text in new[k:m])


def _pairs(old: list[str], new: list[str]) -> Iterator[list[Piece]]:
    common = min(len(old), len(new))
    for before, after in zip(old[:common], new[:common], strict=True):
        yield list(_words(before, after))
    yield from ([Piece(Kind.REMOVED, text)] for text in old[common:])
    yield from ([Piece(Kind.ADDED, text)] for text in new[common:])


def _words(before: str, after: str) -> Iterator[Piece]:
    old, new = _WORD.findall(before), _WORD.findall(after)
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if len(old) + len(new) > MOST_WORDS or matcher.ratio() < ALIKE:
        yield from (Piece(Kind.REMOVED, before), Piece(Kind.ADDED, after))
        return
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            yield Piece(Kind.SAME, "".join(old[i:j]))
            continue
        if i < j:
            yield Piece(Kind.REMOVED, "".join(old[i:j]))
        if k < m:
            yield Piece(Kind.ADDED, "".join(new[k:m]))


def _paragraphs(name: str, value: object) -> list[str]:
    if name == "body":
        return [text for block in _BLOCK_END.split(_said(str(value or ""))) if (text := plain_text(block))]
    if name in RELATIONS:
        return [_names(name, value if isinstance(value, list) else [])]
    if isinstance(value, bool):
        return [_("yes") if value else _("no")]
    if name.endswith(("_at", "_until")) and isinstance(value, str) and (moment := parse_datetime(value)):
        return [date_format(timezone.localtime(moment), "DATETIME_FORMAT")]
    return [line for line in str(value or "").splitlines() if line.strip()]


def _said(html: str) -> str:
    """Pictures and links in words, so that a change of theirs is seen."""
    html = _IMAGE.sub(lambda match: f" [{_('picture')}: {match[1] or '–'}] ", html)
    return _LINK.sub(lambda match: f"{match[2]} [→ {match[1]}]", html)


def _names(name: str, pks: Iterable[int]) -> str:
    model = Topic if name == "topics" else Author
    return ", ".join(str(row) for row in model._default_manager.filter(pk__in=list(pks)))


def _label(name: str) -> str:
    return capfirst(str(getattr(Article._meta.get_field(name), "verbose_name", name)))
