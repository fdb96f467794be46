"""Taking a list in, and saying what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, BinaryIO

from django.utils.translation import gettext as _

from newsletter.subscribers.importing import files
from newsletter.subscribers.importing.files import UnreadableFile
from newsletter.subscribers.importing.formats import FIELDS, STRENGTH, Format, Meaning, of_people, recognize
from newsletter.subscribers.importing.interpreting import LEAVE_OUT, fields_of
from newsletter.subscribers.importing.records import Dialect, read_dialect
from newsletter.subscribers.importing.values import Order
from newsletter.subscribers.importing.vendors import BY_NAME, FORMATS, GENERIC
from newsletter.subscribers.models import ImportRun, Newsletter

ANSWERS: Mapping[str, set[str]] = {  # to each kind of question; those about lists are newsletters
    "status": {meaning.value for meaning in Meaning},
    "date": {"signed_up_at", "recorded_at"},
    "order": {*map(str, Order), LEAVE_OUT},
}


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a run, as it is kept in ``ImportRun.parts``."""

    name: str
    path: str
    size: int
    encoding: str
    format: str
    version: int  # which of the formats of that name
    separator: str
    header: tuple[str, ...]
    offset: int
    line: int

    @property
    def kind(self) -> Format:
        return [each for each in (*FORMATS, GENERIC) if each.name == self.format][self.version]

    @property
    def dialect(self) -> Dialect:
        return Dialect(self.separator, self.header, self.offset, self.line)

    def has_address(self, mapping: Mapping[str, str]) -> bool:
        return "email" in fields_of(self.kind, self.header, mapping).values()


def parts_of(run: ImportRun) -> list[Part]:
    return [Part(**{**part, "header": tuple(part["header"])}) for part in run.parts]


def begin(
    *, upload: BinaryIO, name: str, now: datetime, newsletter: Newsletter | None = None, wanted: str = "", **fields: Any
) -> ImportRun:
    """Keep the file and look at its columns; a worker looks at its rows. Raises UnreadableFile.

    ``wanted``: the name of a format, if it should not be recognized; ``fields``: of ImportRun.
    """
    run = ImportRun(file_name=_shown(name), newsletter=newsletter, created_at=now, leased_until=now, **fields)
    tables = files.take_in(upload, name=name, folder=run.folder)
    try:
        parts = [_part(run, table, wanted) for table in tables]
        known = [part for part in parts if part.has_address(run.mapping)]
        _check(known, parts)
    except UnreadableFile:
        files.delete(run.folder)
        raise
    run.parts = [asdict(part) for part in sorted(known or parts, key=_leavers_first)]
    if not known:
        run.status = ImportRun.Status.ASKING
        run.questions = [{"kind": "column", "word": "email", "count": 0}]
    run.save()
    return run


def _check(known: list[Part], parts: list[Part]) -> None:
    if not known and len(parts) > 1:
        raise UnreadableFile(_("None of the tables in the archive has a column with e-mail addresses."))


def _part(run: ImportRun, table: files.Table, wanted: str) -> Part:
    dialect = read_dialect(files.folder_of(run.folder) / table.path)
    header = [column.lower() for column in dialect.header]
    found = BY_NAME[wanted] if wanted else recognize(header, table.name, FORMATS) or GENERIC
    versions = [each for each in (*FORMATS, GENERIC) if each.name == found.name]
    version = next(number for number, each in enumerate(versions) if each is found)
    return Part(**asdict(table), format=found.name, version=version, separator=dialect.separator,
                header=dialect.header, offset=dialect.offset, line=dialect.line)  # fmt: skip


def _leavers_first(part: Part) -> int:
    """Whoever unsubscribed is on the suppression list before anybody is subscribed."""
    return -STRENGTH[part.kind.meaning or Meaning.SUBSCRIBED]


def _shown(name: str) -> str:
    return "".join(character for character in name if character.isprintable())[-200:] or "list"


def describe(part: Part, mapping: Mapping[str, str]) -> dict[str, Any]:
    """For people: what it was recognized as, what that means, and which columns are not used."""
    used = fields_of(part.kind, part.header, mapping)
    flags = {flag.column for flag in part.kind.flags}
    unused = [name for name in part.header if name.lower() not in used and name.lower() not in flags]
    encoding = {"utf-8-sig": "UTF-8", "cp1252": "Windows-1252"}.get(part.encoding, part.encoding.upper())
    return {
        "file": part.name, "format": part.format, "label": str(part.kind.label), "encoding": encoding,
        "consequence": str(of_people(part.kind.meaning)), "hint": str(part.kind.hint),
        "columns": [{"column": name, "field": used.get(name.lower(), "")} for name in part.header], "unused": unused,
    }  # fmt: skip


def answer(run: ImportRun, sent: Mapping[str, str], *, now: datetime) -> bool:
    """Take what an editor says of words, lists and columns, and look at the file again. False if it is too late.

    ``sent``: ``answer-status:WORD`` a meaning, ``answer-list:NAME`` a slug, ``answer-date:COLUMN`` and
    ``answer-order:/`` as in ``ANSWERS``, ``column-COLUMN`` a field.
    """
    slugs = {LEAVE_OUT, *Newsletter.objects.values_list("slug", flat=True)}
    known: Mapping[str, set[str]] = {"list": slugs, **ANSWERS}
    for name, value in sent.items():
        kind, _colon, word = name.removeprefix("answer-").partition(":")
        if name.startswith("answer-") and value in known.get(kind, ()):
            run.answers[f"{kind}:{word.lower()}"] = value
    columns = {column: sent.get(f"column-{column}", "") for part in parts_of(run) for column in part.header}
    run.mapping |= {column.lower(): field for column, field in columns.items() if field in FIELDS}
    if not any(part.has_address(run.mapping) for part in parts_of(run)) or not run.check_again(now):
        return False
    run.save(update_fields=["answers", "mapping"])
    return True
