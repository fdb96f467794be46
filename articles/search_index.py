"""The index that searching.py asks. The database keeps it itself, by triggers: no way of writing is forgotten.

It is no model: it can be built anew from the articles at any time. ``migrate`` calls ``ensure`` at its end, because
SQLite drops the triggers of every table that a migration makes anew.
"""

# ruff: noqa: S608 (only names of our own are put into the SQL)

from __future__ import annotations

import hashlib

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max

from articles.models import Article

TABLE = "articles_search"
MOST_CHARACTERS = 100_000  # of a text; tsvector ends at a megabyte
ROWS_AT_ONCE = 10_000
# Chinese and Japanese are written without spaces: every character of theirs is a word of its own in the index, and
# a run of them that is searched for is a phrase.
UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
MOST_UNSPACED = 4_000  # characters of a text, on SQLite, which takes them off one by one

# Tags go by what JSON can do: the text is cut at every "<", and of each piece what stands behind ">" is kept.
_SQLITE_TEXT = f"""(
    SELECT group_concat(CASE WHEN key = 0 THEN value ELSE substr(value, instr(value, '>') + 1) END, ' ')
    FROM json_each('[' || replace(json_quote(replace(replace(substr({{row}}.body, 1, {MOST_CHARACTERS}),
        '&amp;', '&'), '&nbsp;', ' ')), '<', '","') || ']'))"""


def _spaced(text: str) -> str:
    """SQL for the text, and behind it its Chinese and Japanese characters one by one."""
    return f"""{text} || CASE WHEN NOT {text} GLOB '*[{UNSPACED}]*' THEN '' ELSE coalesce(' ' || (
        WITH RECURSIVE cut(rest, piece) AS (SELECT substr({text}, 1, {MOST_UNSPACED}), ''
            UNION ALL SELECT substr(rest, 2), substr(rest, 1, 1) FROM cut WHERE rest <> '')
        SELECT group_concat(piece, ' ') FROM cut WHERE piece GLOB '[{UNSPACED}]'), '') END"""


_SQLITE_VALUES = (
    f"{{row}}.id, {_spaced('{row}.title')}, {_spaced('{row}.summary')}, "
    f"(SELECT {_spaced('words')} FROM (SELECT coalesce({_SQLITE_TEXT}, '') AS words))"
)
_SQLITE = {
    TABLE: f"CREATE VIRTUAL TABLE {TABLE} USING fts5"
    "(title, summary, body, tokenize = 'unicode61 remove_diacritics 2', prefix = '4')",
    f"{TABLE}_insert": f"""CREATE TRIGGER {TABLE}_insert AFTER INSERT ON articles_article BEGIN
        INSERT INTO {TABLE} (rowid, title, summary, body) VALUES ({_SQLITE_VALUES.format(row="new")}); END""",
    f"{TABLE}_update": f"""CREATE TRIGGER {TABLE}_update AFTER UPDATE OF title, summary, body ON articles_article
        WHEN old.title IS NOT new.title OR old.summary IS NOT new.summary OR old.body IS NOT new.body BEGIN
        DELETE FROM {TABLE} WHERE rowid = old.id;
        INSERT INTO {TABLE} (rowid, title, summary, body) VALUES ({_SQLITE_VALUES.format(row="new")}); END""",
    f"{TABLE}_delete": f"""CREATE TRIGGER {TABLE}_delete AFTER DELETE ON articles_article BEGIN
        DELETE FROM {TABLE} WHERE rowid = old.id; END""",
}
_SQLITE_FILL = f"""INSERT INTO {TABLE} (rowid, title, summary, body)
    SELECT {_SQLITE_VALUES.format(row="articles_article")} FROM articles_article"""

_POSTGRESQL_VALUES = f"{{row}}.id, {TABLE}_document({{row}}.title, {{row}}.summary, {{row}}.body)"
_POSTGRESQL = f"""
CREATE TABLE {TABLE} (article_id bigint PRIMARY KEY, document tsvector NOT NULL);

CREATE OR REPLACE FUNCTION {TABLE}_words(words text) RETURNS tsvector IMMUTABLE LANGUAGE sql AS $$
    SELECT to_tsvector('simple', regexp_replace(translate(regexp_replace(regexp_replace(normalize(left(words,
        {MOST_CHARACTERS}), NFKD), '[\u0300-\u036f]', '', 'g'), '<[^>]*>', ' ', 'g'), './@:_-''’', '        '),
        '([{UNSPACED}])', ' \\1 ', 'g'))
$$;
CREATE OR REPLACE FUNCTION {TABLE}_document(title text, summary text, body text) RETURNS tsvector
    IMMUTABLE LANGUAGE sql AS $$ SELECT setweight({TABLE}_words(title), 'A') || setweight({TABLE}_words(summary), 'B')
    || setweight({TABLE}_words(body), 'C') $$;
CREATE OR REPLACE FUNCTION {TABLE}_keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO {TABLE} VALUES ({_POSTGRESQL_VALUES.format(row="new")})
    ON CONFLICT (article_id) DO UPDATE SET document = excluded.document;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION {TABLE}_forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'TRUNCATE' THEN TRUNCATE {TABLE}; ELSE DELETE FROM {TABLE} WHERE article_id = old.id; END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER {TABLE}_insert AFTER INSERT ON articles_article FOR EACH ROW EXECUTE FUNCTION {TABLE}_keep();
CREATE OR REPLACE TRIGGER {TABLE}_update AFTER UPDATE OF title, summary, body ON articles_article FOR EACH ROW
    WHEN ((old.title, old.summary, old.body) IS DISTINCT FROM (new.title, new.summary, new.body))
    EXECUTE FUNCTION {TABLE}_keep();
CREATE OR REPLACE TRIGGER {TABLE}_delete AFTER DELETE ON articles_article
    FOR EACH ROW EXECUTE FUNCTION {TABLE}_forget();
CREATE OR REPLACE TRIGGER {TABLE}_truncate AFTER TRUNCATE ON articles_article
    FOR EACH STATEMENT EXECUTE FUNCTION {TABLE}_forget();
"""
_POSTGRESQL_FILL = f"""INSERT INTO {TABLE} SELECT {_POSTGRESQL_VALUES.format(row="a")} FROM articles_article a
    WHERE a.id > %s AND a.id <= %s ON CONFLICT (article_id) DO NOTHING"""
_POSTGRESQL_INDEX = f"CREATE INDEX {TABLE}_document_index ON {TABLE} USING gin (document)"


def ensure(database: str = "default") -> bool:
    """Build the index if it is missing, incomplete, or made by older rules. True if it had to be built."""
    connection = connections[database]
    if Article._meta.db_table not in connection.introspection.table_names():
        return False
    if connection.vendor == "sqlite":
        return _ensure_on_sqlite(database)
    return _ensure_on_postgresql(database)


def _ensure_on_sqlite(database: str) -> bool:
    with transaction.atomic(database), connections[database].cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')")
        if dict(cursor.fetchall()).items() >= _SQLITE.items():
            return False
        for name in [*_SQLITE][1:]:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
        for sql in _SQLITE.values():
            cursor.execute(sql)
        cursor.execute(_SQLITE_FILL)
    return True


def _ensure_on_postgresql(database: str) -> bool:
    """In steps, so that articles can be written meanwhile; it counts as built when the last is done."""
    mark = hashlib.sha256((_POSTGRESQL + _POSTGRESQL_INDEX).encode()).hexdigest()
    with connections[database].cursor() as cursor:
        cursor.execute("SELECT obj_description(to_regclass(%s))", [TABLE])
        if cursor.fetchone() == (mark,):
            return False
        with transaction.atomic(database):
            cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
            cursor.execute(_POSTGRESQL)
        _fill_on_postgresql(cursor, Article.objects.using(database).aggregate(last=Max("pk"))["last"] or 0)
        cursor.execute(_POSTGRESQL_INDEX)
        cursor.execute(f"COMMENT ON TABLE {TABLE} IS '{mark}'")
        cursor.execute(f"ANALYZE {TABLE}")
    return True


def _fill_on_postgresql(cursor: CursorWrapper, last: int) -> None:
    """What is written meanwhile comes by the triggers."""
    for first in range(0, last, ROWS_AT_ONCE):
        cursor.execute(_POSTGRESQL_FILL, [first, first + ROWS_AT_ONCE])
