"""What a row says: who it is about, what they want or do not want, and since when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from newsletter.lib.address_lists import Identity
from newsletter.lib.addresses import InvalidAddress
from newsletter.subscribers.forms import clean_name, known_language, known_zone
from newsletter.subscribers.importing.formats import NO, STRENGTH, WORDS, YES, Flag, Format, Meaning, Test
from newsletter.subscribers.importing.restoring import Own, parse_own
from newsletter.subscribers.importing.values import (
    BadDate,
    Order,
    RefusedRow,
    address,
    labels,
    moment,
    needs_order,
    network_address,
)
from newsletter.subscribers.spreadsheet import plain_cell

MOST_KNOWN, LONGEST_KNOWN = 10_000, 64
UNSEEN = object()
LEAVE_OUT = "-"  # the answer for a list that should not be brought in


class Person(NamedTuple):
    """One row, understood. Times are in UTC; "" and None mean that the row does not say."""

    line: int
    identity: Identity
    meaning: Meaning
    newsletter: str  # slug; "" where the row is about no newsletter
    name: str = ""
    language: str = ""
    time_zone: str = ""
    cadence: str = ""
    topics: str = ""
    signed_up_at: datetime | None = None
    asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    consent_ip: str | None = None
    confirmation_ip: str | None = None
    consent_page: str = ""
    ended_at: datetime | None = None
    labels: tuple[str, ...] = ()
    note: str | None = None
    own: Own | None = None  # what only our own export knows
    remark: str = ""  # what the row said and could not be taken

    @property
    def begun_at(self) -> datetime | None:
        """When this person is first known to have turned up there."""
        return self.signed_up_at or self.asked_at

    @property
    def has_consent_date(self) -> bool:
        return bool(self.asked_at or self.confirmed_at)


class UnknownWord(Exception):
    """A word whose meaning must be asked; ``kind`` is ``status``, ``list``, or ``order`` (of day and month)."""

    def __init__(self, kind: str, word: str) -> None:
        super().__init__(word)
        self.kind, self.word = kind, word


class Interpreter:
    """Reads the rows of one table. Call it with a line number and cells."""

    def __init__(
        self, kind: Format, header: Sequence[str], *, mapping: Mapping[str, str], answers: Mapping[str, str],
        newsletters: Mapping[str, str], default: str, reads_labels: bool, asks_order: bool,
    ) -> None:  # fmt: skip
        """``newsletters``: slug and name in lower case -> slug; ``default``: slug for rows that name none."""
        left_out = set() if reads_labels else {"labels"}
        self._meaning = kind.meaning
        self._words = {**WORDS, **kind.words}
        self._answers, self._newsletters, self._default = answers, newsletters, default
        names = [name.lower() for name in header]
        self.fields = fields_of(kind, header, mapping)
        recorded = [name for name, field in self.fields.items() if field == "recorded_at" and name not in mapping]
        meant = {name: answers.get(f"date:{name}", "") for name in recorded if kind.asks_about_dates}
        self.unsure_dates = [name for name, field in meant.items() if not field]
        self.fields |= {name: field for name, field in meant.items() if field}
        self._order = Order(order) if (order := answers.get("order:/", "")) in set(Order) else None
        self._asks_order = asks_order and not order
        self._columns = {field: names.index(name) for name, field in self.fields.items()}
        self._flags = [(names.index(flag.column), flag) for flag in kind.flags if flag.column in names]
        self._width = len(names)
        self._email = self._columns["email"]
        self._statuses = [(field, self._columns[field]) for field in _STATUSES if field in self._columns]
        self._one_meaning = None if self._statuses or self._flags else kind.meaning or Meaning.SUBSCRIBED
        self._names_newsletters = "lists" in self._columns or "consents" in self._columns
        dates = dict.fromkeys(DATES, partial(moment, order=self._order))
        parsers: Mapping[str, Callable[[str], Any]] = {**PARSERS, **dates}
        known: dict[Any, dict[str, Any]] = {parse: {} for parse in parsers.values()}  # for columns that say the same
        self._parsers = [
            (field, column, parse, known[parse])
            for field, column in self._columns.items()
            if (parse := parsers.get(field)) and field not in left_out
        ]

    @property
    def may_ask(self) -> bool:
        """Can there be a word in this table whose meaning is not known?"""
        return bool(self._statuses or self._flags or "lists" in self._columns)

    def __call__(self, line: int, cells: list[str]) -> list[Person]:
        """One person for each list that the row names. Raises RefusedRow or UnknownWord."""
        if len(cells) < self._width:
            cells += [""] * (self._width - len(cells))
        identity, outer_name = self._identity(cells)
        meaning = self._means(cells)
        if meaning is Meaning.IGNORED:
            return []
        details = self._details(cells, outer_name)
        own = self._own(cells) if "consents" in self._columns else None
        return [Person(line, identity, meaning, slug, own=own, **details) for slug in self._lists(cells, meaning)]

    def look_for_words(self, cells: list[str]) -> None:
        """Only what may have to be asked. Raises UnknownWord."""
        if len(cells) < self._width:
            cells += [""] * (self._width - len(cells))
        meaning = self._means(cells)
        if meaning is not Meaning.IGNORED and "lists" in self._columns:
            with suppress(RefusedRow):
                self._lists(cells, meaning)

    def look_for_order(self, cells: list[str]) -> None:
        """Raises UnknownWord if there is a date whose day and month cannot be told apart."""
        found = (
            cells[column].strip() for field, column in self._columns.items() if field in DATES and column < len(cells)
        )
        if self._asks_order and any(map(needs_order, found)):
            raise UnknownWord("order", "/")

    def _cell(self, cells: list[str], field: str) -> str:
        column = self._columns.get(field)
        return "" if column is None else plain_cell(cells[column])

    def _identity(self, cells: list[str]) -> tuple[Identity, str]:
        text = cells[self._email]
        if _NEEDS_A_LOOK.search(text):
            text = plain_cell(text)
        if not text and (kept := self._cell(cells, "address_hash")):
            return Identity("", self._cell(cells, "hash_key"), kept), ""
        try:
            return address(text)
        except InvalidAddress as error:
            raise RefusedRow(str(error)) from error

    def _said(self, cells: list[str]) -> dict[str, Any]:
        """What the cells hold, by field; nothing of those that are empty."""
        found: dict[str, Any] = {}
        for field, column, parse, known in self._parsers:
            cell = cells[column]
            value = known.get(cell, UNSEEN)
            if value is UNSEEN:
                try:
                    value = _parsed(cell, parse, known)
                except BadDate as error:
                    value, found["remark"] = None, self._without_date(cell, error)
            if value is not None:
                found[field] = value
        return found

    def _details(self, cells: list[str], outer_name: str) -> dict[str, Any]:
        found = self._said(cells)
        first, last = found.pop("first_name", ""), found.pop("last_name", "")
        if name := found.get("name") or f"{first} {last}".strip() or outer_name:
            found["name"] = clean_name(name)
        if "note" in self._columns:
            found.setdefault("note", "")
        asked_at, recorded_at = found.pop("consent_at", None), found.pop("recorded_at", None)
        found["asked_at"] = asked_at or found.get("signed_up_at") or found.get("confirmed_at")
        if recorded_at:
            found.setdefault("signed_up_at", recorded_at)
        if found.pop("prefers_digests", False):
            found.setdefault("cadence", "weekly")
        return found

    def _without_date(self, cell: str, error: BadDate) -> str:
        """The remark on a row that is brought in all the same. Raises UnknownWord if an answer would help."""
        if self._asks_order and needs_order(cell.strip()):
            raise UnknownWord("order", "/")
        return _("brought in without this date: %(problem)s") % {"problem": error}

    def _means(self, cells: list[str]) -> Meaning:
        """The strongest of what status columns and flags say."""
        if self._one_meaning is not None:
            return self._one_meaning
        said = [self._word(plain_cell(cells[column]), field) for field, column in self._statuses]
        if self._flags:
            said += [flag.meaning for column, flag in self._flags if self._passes(flag, plain_cell(cells[column]))]
        if self._meaning is not None:
            said.append(self._meaning)
        if len(said) == 1:
            return said[0]
        return max(said, key=STRENGTH.__getitem__, default=Meaning.SUBSCRIBED)

    def _word(self, text: str, field: str) -> Meaning:
        word = text.lower()
        if answer := self._answers.get(f"status:{word}"):
            return Meaning(answer)
        if (meaning := self._words.get(word)) is None:
            raise UnknownWord("status", word[:80])
        if meaning is Meaning.UNSUBSCRIBED and field == "list_status":
            return Meaning.ENDED  # they left that list, not all
        return meaning

    def _passes(self, flag: Flag, text: str) -> bool:
        word = text.lower()
        if flag.test is Test.FILLED:
            return bool(word)
        if word in YES:
            return flag.test is Test.YES
        if word in NO:
            return flag.test is Test.NO and word != ""
        answer = self._answers.get(f"status:{flag.column}={word}")
        if not answer:
            raise UnknownWord("status", f"{flag.column}={word}"[:80])
        return Meaning(answer) is flag.meaning

    def _lists(self, cells: list[str], meaning: Meaning) -> list[str]:
        """Slugs of the newsletters that the row is about."""
        if meaning is Meaning.SUBSCRIBED and self._default and not self._names_newsletters:
            return [self._default]
        if STRENGTH[meaning] >= STRENGTH[Meaning.UNSUBSCRIBED]:
            return [""]
        names = [name for text in self._cell(cells, "lists").split(";") if (name := text.strip())]
        if "consents" in self._columns and not names:
            return [""]  # somebody of ours without a subscription
        if not names or names == ["No Lists"]:
            if not self._default:
                raise RefusedRow(_("the row names no newsletter"))
            return [self._default]
        slugs = [slug for name in names if (slug := self._slug(name)) != LEAVE_OUT]
        return list(dict.fromkeys(slugs))

    def _slug(self, name: str) -> str:
        lower = name.lower()
        found = self._newsletters.get(lower) or self._answers.get(f"list:{lower}")
        if not found:
            raise UnknownWord("list", name[:80])
        return found

    def _own(self, cells: list[str]) -> Own:
        return parse_own(*(self._cell(cells, field) for field in ("person", "subscription", "consents")))


def fields_of(kind: Format, header: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Column in lower case -> field: what the format knows, after what the editor said. The first column wins."""
    chosen = {name.lower(): field for name, field in mapping.items()}
    fields: dict[str, str] = {}
    for name in (name.lower() for name in header):
        field = chosen.get(name, "" if kind.columns.get(name) in chosen.values() else kind.columns.get(name, ""))
        if field and field not in fields.values() and name not in fields:
            fields[name] = field
    return fields


def _parsed(cell: str, parse: Callable[[str], Any], known: dict[str, Any]) -> Any:
    """What the cell says, None if nothing; kept in mind for the next that says the same."""
    text = cell.strip()
    if "\0" in text or text[:1] == "'":
        text = plain_cell(text.replace("\0", ""))
    value = parse(text) if text else None
    if len(cell) <= LONGEST_KNOWN:
        if len(known) >= MOST_KNOWN:
            known.clear()
        known[cell] = value
    return value


@lru_cache(maxsize=1000)
def _language(text: str) -> str:
    """``de``, ``de-AT`` and ``de_AT``, as far as they are languages."""
    code = text.lower().replace("_", "-")[:16]
    return known_language(code) or known_language(code.partition("-")[0])


_NEEDS_A_LOOK = re.compile(r"^[\s']|\s$")
DATES = ("signed_up_at", "recorded_at", "consent_at", "confirmed_at", "ended_at")
_STATUSES = ("status", "list_status")
PARSERS: Mapping[str, Callable[[str], Any]] = {
    "name": str,
    "first_name": str,
    "last_name": str,
    "language": _language,
    "time_zone": lru_cache(maxsize=1000)(known_zone),
    "cadence": str.lower,
    "topics": str,
    "note": str,
    "labels": labels,
    "consent_ip": network_address,
    "confirmation_ip": network_address,
    "consent_page": str,
    "prefers_digests": lambda text: text.lower() in YES,
}
