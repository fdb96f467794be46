"""The words of a search: what they are in a text that was typed, and where they stand in a text that was found."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles.sanitizing import plain_text
from articles.search_index import UNSPACED

MOST_CHARACTERS = 200
MOST_WORDS = 8
WHOLE_WORDS_BELOW = 4  # shorter ones are met only whole: "an" should not find "anchor"
EXCERPT_CHARACTERS = 220
RUN = re.compile(rf"[{UNSPACED}]+|(?:(?![{UNSPACED}])\w)+")
HANGUL = re.compile("[\uac00-\ud7a3]")


def words_of(text: str) -> list[str]:
    """What is searched for, each word once and in its plain form: "Café  au lait!" is cafe, au, lait.

    Chinese and Japanese have no spaces: what stands together there counts as one word, to be met as it is.
    """
    plain = "".join(map(_plain, unicodedata.normalize("NFC", text[:MOST_CHARACTERS])))
    return list(dict.fromkeys(RUN.findall(plain.replace("_", " "))))[:MOST_WORDS]


def is_unspaced(word: str) -> bool:
    """Whether it may stand anywhere within a run of characters."""
    return re.match(f"[{UNSPACED}]", word) is not None


def is_beginning(word: str) -> bool:
    """Whether longer words that begin with it are met, too. Korean words are short, and grow at their ends."""
    return not is_unspaced(word) and (len(word) >= WHOLE_WORDS_BELOW or bool(HANGUL.match(word)))


def marked(text: str, words: Sequence[str]) -> SafeString:
    """The text as HTML, with what was found in <mark>."""
    return format_html_join("", "{}", ((piece,) for piece in _pieces(text, words)))


def excerpt(html: str, words: Sequence[str]) -> str:
    """A passage of the text around the first word that is found in it; "" if none is."""
    text = plain_text(html)
    found = _pattern(tuple(words)).search(_folded(text))
    if not found:
        return ""
    start = max(found.start() - EXCERPT_CHARACTERS // 3, 0)
    end = min(start + EXCERPT_CHARACTERS, len(text))
    if start:
        start = text.find(" ", start, found.start()) + 1 or _cut(text, start, found.start())
    if end < len(text):
        end = max(text.rfind(" ", found.end(), end), _cut(text, end, found.end()))
    return f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"


def _cut(text: str, place: int, otherwise: int) -> int:
    """Only a text without spaces may be cut anywhere."""
    return place if is_unspaced(text[place]) else otherwise


def is_found_in(text: str, words: Sequence[str]) -> bool:
    return bool(_pattern(tuple(words)).search(_folded(text)))


def _pieces(text: str, words: Sequence[str]) -> Iterator[str | SafeString]:
    end = 0
    for found in _pattern(tuple(words)).finditer(_folded(text)):
        yield text[end : found.start()]
        yield format_html("<mark>{}</mark>", text[found.start() : found.end()])
        end = found.end()
    yield text[end:]


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(_alternative, words)) if words else r"(?!)")


def _alternative(word: str) -> str:
    if is_unspaced(word):
        return re.escape(word)
    return rf"(?<!\w){re.escape(word)}" + (r"\w*" if is_beginning(word) else r"\b")


def _folded(text: str) -> str:
    """The text in lower case without accents, each character in its place."""
    return text.lower() if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    plain = parts[0] if all("\u0300" <= mark <= "\u036f" for mark in parts[1:]) else character
    return plain.lower() if len(plain.lower()) == 1 else plain
