"""What a look at one thing found: a sentence and, unless all is well, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings


class Level(StrEnum):
    """WRONG makes the command fail; a NOTE is for a person to weigh."""

    WELL = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    name: str
    level: Level
    sentence: str


def well(name: str, sentence: str) -> Finding:
    return Finding(name, Level.WELL, sentence)


def note(name: str, sentence: str) -> Finding:
    return Finding(name, Level.NOTE, sentence)


def wrong(name: str, sentence: str) -> Finding:
    return Finding(name, Level.WRONG, sentence)


def is_public() -> bool:
    """Whether the site is meant for the world, not for trying it out on this machine."""
    parts = urlsplit(settings.SITE_URL)
    return parts.scheme == "https" or parts.hostname not in {"localhost", "127.0.0.1", "::1"}


def wrong_if_public(name: str, sentence: str) -> Finding:
    """Something that only a public site must have."""
    return wrong(name, sentence) if is_public() else note(name, sentence)
