"""Search, for the site and for the desk: the same words, the same index, on both databases."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from django.db import OperationalError, connection, transaction
from django.db.models.expressions import RawSQL
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from articles.models import ArticleQuerySet
from articles.sanitizing import plain_text
from articles.search_index import TABLE

MOST_CHARACTERS = 200
MOST_WORDS = 8
WHOLE_WORDS_BELOW = 4  # shorter ones are met only whole: "an" should not find "anchor"
MOST_MATCHES_ON_SQLITE = 5_000  # of a word that is everywhere, those that came in last
PATIENCE_SECONDS = 2.0
EXCERPT_CHARACTERS = 220
WORD = re.compile(r"\w+")


class TooCostly(Exception):
    """The search took longer than anybody should make a small machine work."""


def words_of(text: str) -> list[str]:
    """What is searched for, each word once and in its plain form: "Café  au lait!" is cafe, au, lait."""
    plain = "".join(map(_plain, unicodedata.normalize("NFC", text[:MOST_CHARACTERS])))
    return list(dict.fromkeys(WORD.findall(plain.replace("_", " "))))[:MOST_WORDS]


def matching(articles: ArticleQuerySet, words: Sequence[str]) -> ArticleQuerySet:
    """Those articles that have all the words in headline, summary or text, or words that begin with them.

    In any letter case, with or without accents. The order is the one that ``articles`` has. No words: none.
    """
    if not words:
        return articles.none()
    if connection.vendor == "sqlite":
        terms = " ".join(f'"{word}"' + "*" * _is_beginning(word) for word in words)
        sql = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY rowid DESC LIMIT %s"  # noqa: S608
        return articles.filter(pk__in=RawSQL(sql, [terms, MOST_MATCHES_ON_SQLITE]))  # noqa: S611
    terms = " & ".join(f"'{_without_marks(word)}'" + ":*" * _is_beginning(word) for word in words)
    sql = f"SELECT article_id FROM {TABLE} WHERE document @@ to_tsquery('simple', %s)"  # noqa: S608
    return articles.filter(pk__in=RawSQL(sql, [terms]))  # noqa: S611


@contextmanager
def limited() -> Iterator[None]:
    """Queries within that take longer than PATIENCE_SECONDS are given up. Raises TooCostly."""
    try:
        with _limit():
            yield
    except OperationalError as error:
        if "interrupted" in str(error) or "statement timeout" in str(error):
            raise TooCostly from error
        raise


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
        start = text.find(" ", start, found.start()) + 1 or found.start()
    if end < len(text):
        end = max(text.rfind(" ", start, end), found.end())
    return f"{'…' if start else ''}{text[start:end].strip()}{'…' if end < len(text) else ''}"


def is_found_in(text: str, words: Sequence[str]) -> bool:
    return bool(_pattern(tuple(words)).search(_folded(text)))


@contextmanager
def _limit() -> Iterator[None]:
    if connection.vendor == "sqlite":  # without a transaction, which would keep everybody from writing meanwhile
        connection.ensure_connection()
        deadline = time.monotonic() + PATIENCE_SECONDS
        connection.connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            yield
        finally:
            connection.connection.set_progress_handler(None, 0)
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_SECONDS * 1000:.0f}")
            yield


def _pieces(text: str, words: Sequence[str]) -> Iterator[str | SafeString]:
    end = 0
    for found in _pattern(tuple(words)).finditer(_folded(text)):
        yield text[end : found.start()]
        yield format_html("<mark>{}</mark>", text[found.start() : found.end()])
        end = found.end()
    yield text[end:]


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    alternatives = (re.escape(word) + (r"\w*" if _is_beginning(word) else r"\b") for word in words)
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})" if words else r"(?!)")


def _folded(text: str) -> str:
    """The text in lower case without accents, each character in its place."""
    return text.lower() if text.isascii() else "".join(map(_plain, text))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    parts = unicodedata.normalize("NFD", character)
    plain = parts[0] if all(map(unicodedata.combining, parts[1:])) else character
    return plain.lower() if len(plain.lower()) == 1 else plain


def _without_marks(word: str) -> str:
    """As the index on PostgreSQL has it."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", word))


def _is_beginning(word: str) -> bool:
    return len(word) >= WHOLE_WORDS_BELOW
