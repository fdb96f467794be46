"""Places in a rendered mail that are filled per reader.

An edition is rendered once, with marks where a reader's own values belong; delivery fills them in without a template.
A mark is a name between two private-use characters, which survive templates, escaping and CSS inlining.
"""

from __future__ import annotations

import re
from enum import StrEnum

OPENING, CLOSING = "\ue000", "\ue001"
MARK = re.compile(f"{OPENING}([a-z_]+){CLOSING}")


class Slot(StrEnum):
    """What may differ between two readers of one edition."""

    NAME = "name"  # empty if we do not know it
    EMAIL = "email"
    GREETING = "greeting"  # empty if the newsletter greets nobody
    SIGNED_UP_ON = "signed_up_on"  # the date of their confirmation, as people of the newsletter's language write it
    UNSUBSCRIBE_URL = "unsubscribe_url"
    PREFERENCES_URL = "preferences_url"
    RATING_URL = "rating_url"  # ends in a slash; an answer may follow
    CLICK_URL = "click_url"  # ends in a slash; the number of a destination follows
    OPEN_URL = "open_url"

    @property
    def mark(self) -> str:
        return f"{OPENING}{self.value}{CLOSING}"


def marks() -> dict[str, str]:
    """For a template's context: ``{{ slots.unsubscribe_url }}``."""
    return {slot.value: slot.mark for slot in Slot}


def fill(text: str, values: dict[str, str]) -> str:
    """Put a reader's values into the marks. In HTML the values must be escaped already."""
    return MARK.sub(lambda match: values[match[1]], text)
