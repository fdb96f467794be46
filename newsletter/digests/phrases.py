"""Short texts of a publisher with named places, as ``{newsletter}: {headline}``.

No template language: a place is one of a few names in braces, and what is put in is never looked at again, so nothing
can be reached with them, run or broken.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

SLOT = re.compile(r"\{([^{}]*)\}")


def slots_in(text: str) -> list[str]:
    """The names in braces, in their order."""
    return SLOT.findall(text)


def problem(text: str, *, allowed: Collection[str]) -> str:
    """A sentence that says what is wrong with the places of ``text`` and what would be right; empty if all is well."""
    choice = " ".join(f"{{{name}}}" for name in allowed)
    for name in slots_in(text):
        if name not in allowed:
            told = _("{%(name)s} means nothing here.") % {"name": name}
            return f"{told} {_choice(choice)}"
    if set("{}") & set(SLOT.sub("", text)):
        return f"{_('A brace stands alone, or two stand together.')} {_choice(choice)}"
    return ""


def filled(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the values in their places. Unknown names stay as they are: ``problem`` refuses them before."""
    return SLOT.sub(lambda match: values.get(match[1], match[0]), text)


def _choice(choice: str) -> str:
    return _("You can use %(choice)s.") % {"choice": choice} if choice else _("No names in braces can be used here.")
