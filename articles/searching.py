"""Search, for the site and for the desk: the same words, the same index, on both databases.

A word that is in few stories is looked up in the index, wherever they are. Of one that is in more than MOST_FOUND, only
the newest are looked at: nobody reads so many, and a small machine could not sort a million of them.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction

from articles.models import Article, ArticleQuerySet
from articles.search_index import TABLE
from articles.search_words import is_beginning, is_unspaced

MOST_FOUND = 5_000
NEWEST = 40_000  # of the articles, among which a word that is everywhere is looked for on PostgreSQL
PATIENCE_SECONDS = 2.0
IN_HEADLINE, IN_SUMMARY, IN_TEXT = 3, 2, 1
HALF_LIFE = timedelta(days=180)  # a headline of a year ago counts as much as a text of today


class TooCostly(Exception):
    """The search took longer than anybody should make a small machine work."""


def matching(articles: ArticleQuerySet, words: Sequence[str]) -> ArticleQuerySet:
    """Those articles that have all the words in headline, summary or text, or words that begin with them.

    In any letter case, with or without accents. The order is the one that ``articles`` has. No words: none.
    Two queries at most, each as long as ``limited`` allows.
    """
    return articles.filter(pk__in=list(_found(words))) if words else articles.none()


def best(words: Sequence[str], *, now: datetime) -> list[int]:
    """The keys of the public articles that have all the words, best first.

    Where the words are counts (all in the headline, there or in the summary, or somewhere), and how new the story is:
    after each HALF_LIFE it counts as one more part less, a half, a third, a quarter.
    """
    weights = _found(words) if words else {}
    public = Article.objects.published(now).filter(pk__in=list(weights)).values_list("pk", "released_at")
    scored = [(weights[pk] / (1 + (now - (released_at or now)) / HALF_LIFE), pk) for pk, released_at in public]
    return [pk for _score, pk in sorted(scored, key=lambda row: -row[0])]  # equals stay newest first


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


def _found(words: Sequence[str]) -> dict[int, int]:
    """By their keys, where each of the articles has all the words."""
    return _found_by_sqlite(words) if connection.vendor == "sqlite" else _found_by_postgresql(words)


def _found_by_sqlite(words: Sequence[str]) -> dict[int, int]:
    terms = " ".join(map(_sqlite_term, words))
    scopes = {IN_TEXT: terms, IN_SUMMARY: f"{{title summary}} : ({terms})", IN_HEADLINE: f"title : ({terms})"}
    found: dict[int, int] = {}
    with connection.cursor() as cursor:
        for weight, expression in scopes.items():
            sql = f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH %s ORDER BY rowid DESC LIMIT {MOST_FOUND}"  # noqa: S608
            cursor.execute(sql, [expression])
            found |= dict.fromkeys((row[0] for row in cursor.fetchall()), weight)
    return found


def _found_by_postgresql(words: Sequence[str]) -> dict[int, int]:
    terms = [_postgresql_term(word, "") for word in words]
    weights = [" & ".join(_postgresql_term(word, letters) for word in words) for letters in ("A", "AB")]
    sql = (
        f"SELECT article_id, CASE WHEN document @@ to_tsquery('simple', %s) THEN {IN_HEADLINE} "  # noqa: S608
        f"WHEN document @@ to_tsquery('simple', %s) THEN {IN_SUMMARY} ELSE {IN_TEXT} END "
        f"FROM {TABLE} WHERE document @@ to_tsquery('simple', %s)"
    )
    newest = (
        f" AND article_id > (SELECT max(article_id) - {NEWEST} FROM {TABLE})"  # noqa: S608
        f" ORDER BY article_id DESC LIMIT {MOST_FOUND}"
    )
    values = [*weights, " & ".join(terms)]
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {MOST_FOUND + 1}", values)
        found = dict(cursor.fetchall())
        if len(found) > MOST_FOUND:
            cursor.execute(sql + newest, values)
            found = dict(cursor.fetchall())
    return found


def _sqlite_term(word: str) -> str:
    written = " ".join(word) if is_unspaced(word) else word
    return f'"{written}"' + "*" * is_beginning(word)


def _postgresql_term(word: str, weights: str) -> str:
    plain = _without_marks(word)
    written = " ".join(plain) if is_unspaced(word) else plain
    flags = weights + "*" * is_beginning(word)
    return f"'{written}'" + (f":{flags}" if flags else "")


def _without_marks(word: str) -> str:
    """As the index on PostgreSQL has it."""
    return re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", word))
