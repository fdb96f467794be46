"""Working through a list: looking at it (a dry run) or running it, some thousand rows to a transaction.

How far it is stands in the database with what was done, so that a worker that dies loses one chunk of work and no row.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from newsletter.subscribers import counting
from newsletter.subscribers.importing import files, forgetting, undoing
from newsletter.subscribers.importing.ahead import ahead, uncollected
from newsletter.subscribers.importing.applying import Outcome, apply
from newsletter.subscribers.importing.book import Book
from newsletter.subscribers.importing.interpreting import Interpreter, Person, UnknownWord
from newsletter.subscribers.importing.records import Record, read_records
from newsletter.subscribers.importing.setting import Setting
from newsletter.subscribers.importing.starting import Part, parts_of
from newsletter.subscribers.importing.values import RefusedRow
from newsletter.subscribers.models import ImportRefusal, ImportRun
from newsletter.subscribers.models.imports import LEASE, MOST_ATTEMPTS

logger = logging.getLogger(__name__)

CHUNK = 5_000
TURN_SECONDS = 45.0
SAMPLE, MOST_QUESTIONS, MOST_LABELS = 20, 50, 50
FIRST_ROWS = 1_000
TRIES = 5  # when a form and the import enter the same address at once
MAX_REFUSED_CELL, MAX_REFUSED_CELLS = 300, 100


@dataclass(slots=True)
class Chunk:
    """Some rows of one part, understood as far as they could be."""

    part_number: int
    offset: int
    line: int
    record_count: int
    people: list[Person] = field(default_factory=list)
    refusals: list[ImportRefusal] = field(default_factory=list)
    remarks: list[ImportRefusal] = field(default_factory=list)
    questions: Counter[tuple[str, str]] = field(default_factory=Counter)


class TakenAway(Exception):
    """Somebody cancelled the run, or another worker has it."""


def advance(
    *, import_run_id: int, clock: Callable[[], datetime], seconds: float = TURN_SECONDS,
    tell: Callable[[ImportRun], None] = lambda run: None,
) -> bool:  # fmt: skip
    """Go on with whatever this run needs, for about so long. True if there is more to do.

    Safe to call at any time and twice at once. ``tell`` is called now and then, with how far the run is.
    """
    run = ImportRun.objects.select_related("newsletter").filter(pk=import_run_id).first()
    if run is None or not run.claim(clock()):
        return False
    if run.attempt_count > MOST_ATTEMPTS:
        run.fail(clock(), error=_("It stopped five times at the same place, after line %(line)d.") % {"line": run.line})
        forgetting.let_go(run, clock())
        return False
    until = clock() + timedelta(seconds=seconds)
    changes_readers = run.status in {run.Status.RUNNING, run.Status.UNDOING}
    try:
        is_over = undoing.advance(run, clock, until) if run.status == run.Status.UNDOING else _work(
            run, clock, until, tell
        )  # fmt: skip
    except TakenAway:
        is_over = True
    if not is_over:
        run.release(clock())
    elif changes_readers:
        counting.count_anew(now=clock())
    return not is_over


def _work(run: ImportRun, clock: Callable[[], datetime], until: datetime, tell: Callable[[ImportRun], None]) -> bool:
    """Chunk after chunk. True at the end of the file."""
    writes = run.status == run.Status.RUNNING
    setting = Setting(run, writes=writes)
    for chunk in ahead(chunks(run, setting)):
        with uncollected():
            _do(run, chunk, setting, clock())
        tell(run)
        if clock() >= until:
            return False
    if writes:
        run.finish(clock())
        forgetting.let_go(run, clock())
    else:
        run.settle()
    logger.info("import %d: %s", run.pk, run.status)
    return True


def chunks(run: ImportRun, setting: Setting) -> Iterator[Chunk]:
    """What is left of the file, understood without a look at the database."""
    for number, part in enumerate(parts_of(run)):
        if number < run.part_number:
            continue
        is_begun = number == run.part_number and run.offset
        offset, line = (run.offset, run.line) if is_begun else (part.offset, part.line)
        records = _records(run, part, offset, line)
        interpret = interpreter(run, part, setting)
        while batch := list(islice(records, CHUNK)):
            yield _understood(run, number, batch, interpret)


def _records(run: ImportRun, part: Part, offset: int, line: int) -> Iterator[Record]:
    path = files.folder_of(run.folder) / part.path
    backslashes = part.kind.has_backslash_quotes
    return read_records(path, part.dialect, offset=offset, line=line, has_backslash_quotes=backslashes)


def interpreter(run: ImportRun, part: Part, setting: Setting) -> Interpreter:
    return Interpreter(
        part.kind, part.header, mapping=run.mapping, answers=run.answers, newsletters=setting.newsletter_names,
        default=setting.default, reads_labels=run.brings_labels or not setting.writes, asks_order=not setting.writes,
    )  # fmt: skip


def _understood(run: ImportRun, number: int, batch: list[Record], interpret: Interpreter) -> Chunk:
    last = batch[-1]
    chunk = Chunk(number, last.end_offset, last.end_line, len(batch))
    chunk.questions.update({("date", name): len(batch) for name in interpret.unsure_dates})
    for record in batch:
        try:
            people = interpret(record.line, _sound(record))
            chunk.people += people
            if people and people[0].remark:
                chunk.remarks.append(_refusal(run, number, record, people[0].remark))
        except RefusedRow as error:
            chunk.refusals.append(_refusal(run, number, record, str(error)))
        except UnknownWord as word:
            chunk.questions[word.kind, word.word] += 1
            reason = _("nobody said what “%(word)s” means") % {"word": word}
            chunk.refusals.append(_refusal(run, number, record, reason))
    return chunk


def _sound(record: Record) -> list[str]:
    if record.problem:
        raise RefusedRow(record.problem)
    return record.cells


def _refusal(run: ImportRun, number: int, record: Record, reason: str) -> ImportRefusal:
    cells = [cell[:MAX_REFUSED_CELL].replace("\0", "") for cell in record.cells[:MAX_REFUSED_CELLS]]
    address_hash = forgetting.hash_in(cells)
    return ImportRefusal(
        run=run, part_number=number, line=record.line, reason=reason[:300], cells=cells, address_hash=address_hash
    )


def _do(run: ImportRun, chunk: Chunk, setting: Setting, now: datetime) -> None:
    """One chunk and the note that it is done, together. Raises TakenAway."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                values = _enter(run, chunk, setting, now)
        except IntegrityError:
            if attempt == TRIES - 1:
                raise
            setting.look_up_anew(run)
        else:
            vars(run).update(values)
            return


def _enter(run: ImportRun, chunk: Chunk, setting: Setting, now: datetime) -> dict[str, Any]:
    """Returns what the run is like once this is committed. Raises TakenAway."""
    book = Book(chunk.people, setting, now=now)
    counts, refused = apply(chunk.people, book)
    counts.update({Outcome.REJECTED.value: len(chunk.refusals), "remarks": len(chunk.remarks)})
    values: dict[str, Any] = {
        "part_number": chunk.part_number, "offset": chunk.offset, "line": chunk.line, "attempt_count": 0,
        "leased_until": now + LEASE, "record_count": run.record_count + chunk.record_count,
    }  # fmt: skip
    if setting.writes:
        book.write()
        late = [_late_refusal(run, chunk, person, reason) for person, reason in refused]
        ImportRefusal.objects.bulk_create([*chunk.refusals, *chunk.remarks, *late], batch_size=1000)
        values["counts"] = dict(Counter(run.counts) + counts)
    else:
        values |= {"forecast": dict(Counter(run.forecast) + counts), "total_count": values["record_count"],
                   "questions": _asked(run, chunk), "sample": _sample(run, chunk),
                   "labels": _labels(run, chunk)}  # fmt: skip
    mine = ImportRun.objects.filter(pk=run.pk, status=run.status, leased_until=run.leased_until)
    if not mine.update(**values):
        raise TakenAway
    return values


def _late_refusal(run: ImportRun, chunk: Chunk, person: Person, reason: str) -> ImportRefusal:
    return ImportRefusal(
        run=run, part_number=chunk.part_number, line=person.line, reason=reason, cells=[person.identity.email],
        address_hash=person.identity.hash,
    )  # fmt: skip


def _asked(run: ImportRun, chunk: Chunk) -> list[dict[str, Any]]:
    """What nobody has explained, the most frequent first."""
    known = Counter({(each["kind"], each["word"]): each["count"] for each in run.questions}) + chunk.questions
    return _as_questions(known)


def _labels(run: ImportRun, chunk: Chunk) -> dict[str, int]:
    """How many rows have each label, the most frequent first."""
    seen = Counter(label for person in chunk.people for label in person.labels)
    return dict((Counter(run.labels) + seen).most_common(MOST_LABELS)) if seen else run.labels


def _as_questions(words: Counter[tuple[str, str]]) -> list[dict[str, Any]]:
    return [{"kind": kind, "word": word, "count": count} for (kind, word), count in words.most_common(MOST_QUESTIONS)]


def _sample(run: ImportRun, chunk: Chunk) -> list[dict[str, str]]:
    free = SAMPLE - len(run.sample)
    return [*run.sample, *(_shown(person) for person in chunk.people[: max(free, 0)])]


def _shown(person: Person) -> dict[str, Any]:
    asked_at = person.confirmed_at or person.asked_at
    return {
        "line": person.line, "email": person.identity.email, "name": person.name, "meaning": person.meaning.value,
        "newsletter": person.newsletter, "consent": asked_at.isoformat() if asked_at else "",
    }  # fmt: skip


def unknown_words(run: ImportRun, setting: Setting) -> list[dict[str, Any]]:
    """What must be explained before it can start. Reads the whole file if need be, asks the database nothing.

    Dates are written alike in all rows of a file: the first ones tell how.
    """
    words: Counter[tuple[str, str]] = Counter()
    for part in parts_of(run):
        interpret = interpreter(run, part, setting)
        words.update({("date", name): 0 for name in interpret.unsure_dates})
        for number, record in enumerate(_records(run, part, part.offset, part.line)):
            if number >= FIRST_ROWS and not interpret.may_ask:
                break
            words.update(_words_in(record, interpret, looks_for_order=number < FIRST_ROWS))
    return _as_questions(words)


def _words_in(record: Record, interpret: Interpreter, *, looks_for_order: bool) -> list[tuple[str, str]]:
    if record.problem:
        return []
    try:
        interpret.look_for_words(record.cells)
        if looks_for_order:
            interpret.look_for_order(record.cells)
    except UnknownWord as word:
        return [(word.kind, word.word)]
    return []
