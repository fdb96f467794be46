"""Plain text in lines that every mail program shows whole."""

from __future__ import annotations

import re
import unicodedata

TEXT_WIDTH = 72  # columns
_WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"  # never first in a line
)
_WORD = re.compile(f"[{_WIDE}][{_CLOSING}]*|[^\\s{_WIDE}]+|\\s+")
# What stands where a value will be (newsletter/digests/blocks.py); such a value is short, as a story's number.
_PLACE = re.compile("\ue002[a-z_]+\ue003")
# A list's number or sign, or the place where the number will be.
_HANGING = re.compile(r"\s*(?:[0-9]+\.|[\ue002][a-z_]+[\ue003]\.|[-\u2022*])\s+|\s*")


def wrap(text: str, width: int = TEXT_WIDTH) -> str:
    """Every line at most ``width`` columns where it has a place to break; an address is never broken."""
    lines = (wrapped for line in text.splitlines() for wrapped in _wrap_line(line.rstrip(), width))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _wrap_line(line: str, width: int) -> list[str]:
    if _columns(line) <= width:
        return [line]
    lead = _HANGING.match(line)
    indent = " " * _columns(lead[0]) if lead else ""
    lines, current = [], lead[0] if lead else ""
    for word in _WORD.findall(line[len(current) :]):
        if _columns(current) + _columns(word.rstrip()) > width and current.strip():
            lines.append(current.rstrip())
            current = indent
        current += word if current != indent else word.lstrip()
    return [*lines, current.rstrip()]


def _columns(text: str) -> int:
    shown = _PLACE.sub("0", text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in shown)
