"""What a product's export looks like, and which one a header belongs to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Meaning(StrEnum):
    """What a row says about its person, the weakest first: of two statements in one row the stronger holds."""

    SUBSCRIBED = "subscribed"
    PENDING = "pending"  # asked, never confirmed
    PAUSED = "paused"
    ENDED = "ended"  # left this one newsletter
    UNSUBSCRIBED = "unsubscribed"  # left altogether
    BLOCKED = "blocked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    ERASED = "erased"
    IGNORED = "ignored"  # the editor said so


STRENGTH = {meaning: number for number, meaning in enumerate(Meaning)}

# Exact words, never parts of words: "inactive" holds "active". docs/interface.md lists them.
WORDS: Mapping[str, Meaning] = {
    **dict.fromkeys(["", "active", "subscribed", "confirmed", "enabled", "regular", "premium"], Meaning.SUBSCRIBED),
    **dict.fromkeys(["pending", "unconfirmed", "unactivated"], Meaning.PENDING),
    "paused": Meaning.PAUSED,
    "ended": Meaning.ENDED,
    **dict.fromkeys(["unsubscribed", "inactive", "cancelled", "canceled", "imported"], Meaning.UNSUBSCRIBED),
    **dict.fromkeys(["blocklisted", "blacklisted", "removed", "blocked", "by_hand", "disabled"], Meaning.BLOCKED),
    **dict.fromkeys(["cleaned", "bounced", "undeliverable", "unreachable", "hard_bounce"], Meaning.BOUNCED),
    **dict.fromkeys(["complained", "complaint", "spam"], Meaning.COMPLAINED),
    "erased": Meaning.ERASED,
}
YES = frozenset({"true", "yes", "1", "t", "y", "x"})
NO = frozenset({"false", "no", "0", "f", "n", ""})


class Test(StrEnum):
    """How a column that is no status decides one."""

    YES = "yes"
    NO = "no"
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Flag:
    """If the column passes the test, the row means ``meaning``."""

    column: str
    test: Test
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Format:
    """One product's export. Column names are in lower case, as headers are compared."""

    name: str
    label: str | Promise
    marks: Collection[str]  # columns by which it is recognized: all must be there
    columns: Mapping[str, str]  # column -> field; columns that are not named are not used
    words: Mapping[str, Meaning] = field(default_factory=dict)  # status words, before WORDS
    flags: Sequence[Flag] = ()
    meaning: Meaning | None = None  # of every row, where there is no status
    file_names: str = ""  # what the file's name begins with, where headers do not tell
    has_backslash_quotes: bool = False
    asks_about_dates: bool = False  # is it said nowhere what its ``recorded_at`` means?
    hint: str | Promise = ""


def of_people(meaning: Meaning | None) -> str | Promise:
    """What happens to all rows of a table that holds only one kind of people."""
    return _CONSEQUENCES.get(meaning or Meaning.SUBSCRIBED, "")


_CONSEQUENCES: Mapping[Meaning, Promise] = {
    Meaning.UNSUBSCRIBED: _("These people unsubscribed: they will be put on the suppression list."),
    Meaning.BOUNCED: _("Mail to these people bounced: they will be put on the suppression list."),
    Meaning.COMPLAINED: _("These people complained: they will be put on the suppression list."),
    Meaning.PENDING: _("These people never confirmed: they will not be subscribed."),
}

# What may be chosen for a column by hand.
FIELDS: Mapping[str, Promise] = {
    "email": _("e-mail address"),
    "name": _("name"),
    "first_name": _("first name"),
    "last_name": _("last name"),
    "status": _("status"),
    "lists": _("newsletters or lists"),
    "language": _("language"),
    "time_zone": _("time zone"),
    "cadence": _("cadence"),
    "topics": _("topics"),
    "labels": _("labels or tags"),
    "signed_up_at": _("signed up at"),
    "recorded_at": _("entered there at (no date of consent)"),
    "consent_at": _("agreed at"),
    "consent_ip": _("IP address of the form's user"),
    "consent_page": _("page of the form"),
    "confirmed_at": _("confirmed at"),
    "confirmation_ip": _("IP address of the confirmation"),
    "ended_at": _("left at"),
}


def recognize(header: Sequence[str], file_name: str, formats: Sequence[Format]) -> Format | None:
    """The most particular format whose marks the header has; by the file's name where headers are alike."""
    names = set(header)
    fitting = [each for each in formats if names.issuperset(each.marks)]
    by_name = [each for each in fitting if each.file_names and file_name.lower().startswith(each.file_names)]
    candidates = by_name or [each for each in fitting if not each.file_names] or fitting[:0]
    return max(candidates, key=lambda each: len(each.marks), default=None)
