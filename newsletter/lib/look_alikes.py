"""Names that only look like another: letters of several scripts in one word, and marks that turn the direction."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")
# Scripts whose letters are mixed in ordinary words (UTS 39, section 5.1, "highly restrictive").
_TOGETHER = ({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}, {"LATIN", "CJK", "BOPOMOFO"}, {"LATIN", "CJK", "HANGUL"})
_TURNING = re.compile("[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def is_suspicious(text: str) -> bool:
    """Does a word of this name or address mix scripts (a Cyrillic a in "paypal"), or is something in it unseen?

    A domain may be given in ASCII (xn--…) or as people read it.
    """
    shown = ".".join(_readable(label) for label in text.split("."))
    return bool(_TURNING.search(shown)) or any(_is_mixed(word) for word in _WORD.findall(shown))


def _readable(label: str) -> str:
    head, separator, tail = label.rpartition("@")
    if not tail.lower().startswith("xn--"):
        return label
    try:
        return head + separator + tail[4:].encode().decode("punycode")
    except UnicodeError:
        return label


def _is_mixed(word: str) -> bool:
    scripts = {unicodedata.name(letter, "UNKNOWN").split(" ")[0].split("-")[0] for letter in word}
    scripts -= {"MODIFIER", "COMBINING", "FEMININE", "MASCULINE", "MICRO"}
    return len(scripts) > 1 and not any(scripts <= allowed for allowed in _TOGETHER)
