"""Lines of feeds that are no news, found by rules that people can read, and taken out.

A *line* is what stands between two block tags or line breaks. A rule's words are compared with the whole line, without
regard to case, white space and the punctuation around it; ``*`` stands for anything. A line longer than MAX_LINE
characters is a text, not boilerplate. The time is linear in the length of the text; there are no regular expressions
in rules. Works on HTML that ``clean_html`` made.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from articles.sanitizing import BLOCKS, clean_html

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_LINE = 300
REST_BEGINS = 0.5  # "all that follows" goes only where at least this part of the text lies before it
BEGINNING = 4  # characters
EDGES = " \t\n\u00a0-–—―_*|•·.:;!…»«›‹>←→<[](){}+=~#\"'“”„"

SHARE_NETWORKS = frozenset({
    "share", "tweet", "facebook", "twitter", "linkedin", "whatsapp", "telegram", "reddit", "pinterest", "bluesky",
    "mastodon", "xing", "messenger", "tumblr", "viber", "pocket", "flipboard", "teilen", "partager", "compartir",
    "condividi",
})  # fmt: skip
SHARE_WORDS = SHARE_NETWORKS | frozenset({
    "pin", "email", "e-mail", "mail", "print", "copy", "link", "x", "instagram", "threads", "this", "on", "via", "in",
    "new", "window", "opens", "to", "click", "drucken", "imprimer", "imprimir", "stampa",
})  # fmt: skip


def normalized(text: str) -> str:
    """A line as rules see it: lower case, single spaces, no punctuation around it."""
    return _folded(text).strip(EDGES)


def _folded(text: str) -> str:
    spaced = re.sub(r"\s+", " ", text.replace("\u00a0", " "))
    return spaced.casefold().replace("’", "'")


class Effect(StrEnum):
    """What happens to a line that a rule describes."""

    LINE = "line"
    REST = "rest"  # it and everything behind it
    KEEP = "keep"


@dataclass(frozen=True)
class Rule:
    """Words with ``*`` for anything. ``needs_link``: only a line with a link in it."""

    pattern: str
    effect: Effect = Effect.LINE
    needs_link: bool = False
    pieces: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        words = self.pattern.split("*")
        pieces = [_folded(piece) for piece in words]
        pieces[0] = pieces[0].lstrip(EDGES)
        pieces[-1] = pieces[-1].rstrip(EDGES)
        object.__setattr__(self, "pieces", tuple(pieces))

    def matches(self, line: str) -> bool:
        """``line`` as ``normalized`` gives it."""
        first, *rest = self.pieces
        if not rest:
            return line == first
        *middle, last = rest
        if not line.startswith(first) or not line.endswith(last) or len(line) < len(first) + len(last):
            return False
        at, end = len(first), len(line) - len(last)
        for piece in middle:
            at = line.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True


@dataclass(frozen=True)
class Group:
    """Standard rules of one kind, with a name for people and lines that show what they take and what they do not."""

    name: StrOrPromise
    rules: tuple[Rule, ...]
    taken: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Removed:
    """A line that was taken out, and the words of the rule that did it."""

    text: str
    pattern: str


@dataclass(frozen=True)
class Tidied:
    html: str
    removed: tuple[Removed, ...] = ()


SHARE_BAR = Rule("Share | Facebook | WhatsApp …")


class RuleBook:
    """Rules made ready: whole lines are looked up, those with a ``*`` are tried by how they begin."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        ordered = sorted(rules, key=lambda rule: rule.effect != Effect.KEEP)
        self.by_beginning: dict[str, list[Rule]] = {}
        for rule in ordered:
            if any(rule.pieces):
                self.by_beginning.setdefault(rule.pieces[0][:BEGINNING], []).append(rule)

    def judge(self, text: str, *, has_link: bool) -> Rule | None:
        """The rule that a line falls under; one that keeps comes before all others."""
        line = normalized(text)
        if not line or len(line) > MAX_LINE:
            return None
        beginnings = (line[:length] for length in range(min(BEGINNING, len(line)) + 1))
        candidates = [rule for beginning in beginnings for rule in self.by_beginning.get(beginning, ())]
        found = [rule for rule in candidates if (has_link or not rule.needs_link) and rule.matches(line)]
        return min(found, key=lambda rule: rule.effect != Effect.KEEP, default=None)


def shared_words(text: str) -> frozenset[str]:
    """The words of a line that has nothing but the names of networks and what leads there; none for any other."""
    words = [word for word in normalized(text.replace("|", " ").replace(",", " ")).split() if word.strip(EDGES)]
    return frozenset(words) if len(words) <= 40 and SHARE_WORDS.issuperset(words) else frozenset()


# --- texts ------------------------------------------------------------------------------------------------------------
_TOKEN = re.compile(r'<(/?)([a-z0-9]+)(?: [a-z]+="[^"]*")*>|[^<]+|<')
_VOID = frozenset({"br", "hr", "img"})
_SOLID = frozenset({"img", "hr", "td", "th"})  # stands there even if nothing is in it


@dataclass
class _Line:
    """Tokens between two breaks, by number: [start, end)."""

    start: int
    end: int
    text: str
    has_link: bool
    has_picture: bool


def tidy(html: str, book: RuleBook, *, shares: bool = True) -> Tidied:
    """The text without the lines that the rules take out, and without share bars unless ``shares`` is False.

    ``html`` is clean, and so is the result.
    """
    tokens = list(_TOKEN.finditer(html))
    lines = _lines(tokens)
    verdicts = [None if line.has_picture else book.judge(line.text, has_link=line.has_link) for line in lines]
    if shares:
        _judge_share_bars(lines, verdicts)
    total, before = sum(len(line.text) for line in lines), 0
    gone: set[int] = set()
    removed: list[Removed] = []
    rest: Rule | None = None
    for line, verdict in zip(lines, verdicts, strict=True):
        if verdict and verdict.effect == Effect.REST and before >= REST_BEGINS * total:
            rest = rest or verdict
        rule = rest or (verdict if verdict and verdict.effect == Effect.LINE else None)
        if rule:
            gone.update(range(line.start, line.end))
            removed.append(Removed(" ".join(line.text.split())[:MAX_LINE], rule.pattern))
        before += len(line.text)
    return Tidied(clean_html(_joined(tokens, gone)), tuple(removed)) if gone else Tidied(html)


def _judge_share_bars(lines: Sequence[_Line], verdicts: list[Rule | None]) -> None:
    """Lines next to each other that only name networks are a share bar; a single name may be news."""
    shared = [frozenset() if line.has_picture else shared_words(line.text) for line in lines]
    for is_bar, run in groupby(range(len(lines)), key=lambda number: bool(shared[number])):
        numbers = list(run)
        words = frozenset[str]().union(*(shared[number] for number in numbers))
        if is_bar and len(words) > 1 and not SHARE_NETWORKS.isdisjoint(words):
            for number in numbers:
                verdicts[number] = verdicts[number] or SHARE_BAR


def _lines(tokens: Sequence[re.Match[str]]) -> list[_Line]:
    lines: list[_Line] = []
    start = 0
    for number, token in enumerate(tokens):
        if token[2] in BLOCKS:
            _add_line(lines, tokens, start, number)
            start = number + 1
    _add_line(lines, tokens, start, len(tokens))
    return lines


def _add_line(lines: list[_Line], tokens: Sequence[re.Match[str]], start: int, end: int) -> None:
    if start == end:
        return
    inside = tokens[start:end]
    text = entities.unescape("".join(token[0] for token in inside if not token[2]))
    has_picture = any(token[2] == "img" for token in inside)
    if text.strip() or has_picture:
        lines.append(_Line(start, end, text, any(token[2] == "a" for token in inside), has_picture))


def _joined(tokens: Sequence[re.Match[str]], gone: set[int]) -> str:
    """What is left: of lines that are gone the tags stay only if something is left between them."""
    kept: list[str] = []
    opened: list[tuple[str, int, int]] = []  # name, where in ``kept`` it began, how much stood before it
    solid_count = 0
    is_touched = False
    for number, token in enumerate(tokens):
        name = token[2]
        if number in gone and name in {None, "a", "img"}:
            is_touched = True
        elif name == "br" and is_touched and _is_line_start(kept):
            continue
        elif token[1] and opened:
            name, began, stood_before = opened.pop()
            _drop_trailing_breaks(kept, began, is_touched=is_touched)
            kept.append(token[0])
            if is_touched and stood_before == solid_count:
                del kept[began:]
        else:
            kept.append(token[0])
            is_solid = bool(token[0].strip()) if not name else name in _SOLID
            solid_count += is_solid
            is_touched = is_touched and not is_solid
            if name and name not in _VOID:
                opened.append((name, len(kept) - 1, solid_count - is_solid))
    return "".join(kept).strip()


def _is_line_start(kept: list[str]) -> bool:
    last = next((piece for piece in reversed(kept[-3:]) if piece.strip()), "")
    return not last or last == "<br>" or (last.startswith("<") and not last.startswith(("</", "<img", "<a")))


def _drop_trailing_breaks(kept: list[str], began: int, *, is_touched: bool) -> None:
    """A paragraph whose last lines went does not end in empty ones."""
    while is_touched and len(kept) - 1 > began and (kept[-1] == "<br>" or not kept[-1].strip()):
        del kept[-1]
