"""How a newsletter greets its readers, by name where it knows one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from newsletter.digests import phrases
from newsletter.digests.models import Appearance
from newsletter.digests.prose import one_line


@dataclass(frozen=True)
class Greeting:
    """The line for a reader whose name is known, with the place ``{name}``, and the one for all others."""

    named: str = ""
    nameless: str = ""

    @classmethod
    def of(cls, appearance: Appearance, names: Mapping[str, str]) -> Self:
        """``names`` are the values of the other places."""
        named = phrases.filled(appearance.greeting, names)
        nameless = phrases.filled(appearance.nameless_greeting, names) or phrases.filled(named, {"name": ""})
        return cls(named, one_line(nameless))

    def to(self, name: str) -> str:
        """Empty if the newsletter greets nobody."""
        return one_line(phrases.filled(self.named, {"name": name})) if name and self.named else self.nameless
