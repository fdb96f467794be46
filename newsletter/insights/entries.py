"""An entry of a reader's timeline, and its place in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import NamedTuple


class Kind(IntEnum):
    """What an entry tells of; of two that happened at one moment, the higher is shown as the later."""

    FIRST_SEEN = 0
    SIGN_UP = 1
    CONSENT = 2
    CHANGE = 3
    SEND = 4
    EVENT = 5
    SUPPRESSION = 6
    WELCOME = 7
    PERSONAL_MAIL = 8


class Tone(StrEnum):
    """How an entry is colored; the words say the same."""

    PLAIN = "plain"
    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    DANGER = "danger"


class Position(NamedTuple):
    """A place in the timeline: no two entries have the same."""

    at: datetime
    kind: Kind
    pk: int

    @property
    def text(self) -> str:
        """For an address; ``timeline.parse_position`` reads it."""
        return f"{self.at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}~{self.kind.value}~{self.pk}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, in words. ``url`` leads to the record at the desk."""

    position: Position
    title: str
    details: tuple[str, ...] = ()
    tone: Tone = Tone.PLAIN
    url: str = ""

    @property
    def at(self) -> datetime:
        return self.position.at

    @property
    def icon(self) -> str:
        """A name in the desk's icon font."""
        return ICONS[self.position.kind]


ICONS = {
    Kind.FIRST_SEEN: "flag",
    Kind.SIGN_UP: "how_to_reg",
    Kind.CONSENT: "verified_user",
    Kind.CHANGE: "tune",
    Kind.SEND: "mail",
    Kind.EVENT: "monitor_heart",
    Kind.SUPPRESSION: "block",
    Kind.WELCOME: "mail",
    Kind.PERSONAL_MAIL: "link",
}
