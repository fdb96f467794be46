"""What a button, a key or a drag on the desk asks for: one action, by name, and what came of it in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.utils.translation import gettext as _

from newsletter.delivery import proofs
from newsletter.delivery.outcomes import Fate, SenderRefusedError, TransportDownError
from newsletter.delivery.proofs import NothingToShowError
from newsletter.digests import approval, notices, versions
from newsletter.digests.approval import BlockedError, DecidedError
from newsletter.digests.changing import CannotChangeError, Desk
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.rendering import RenderingError
from newsletter.digests.versions import MAY_CHANGE, ClosedError, StaleError
from newsletter.lib.addresses import InvalidAddress

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_PROOFS = 10
State = IssueItem.State


class NotAllowedError(Exception):
    """This person may not do this."""


@dataclass(frozen=True)
class Answer:
    """``said`` is for the editor. ``is_stale``: somebody else was faster, and nothing was done."""

    said: str
    is_done: bool = True
    is_stale: bool = False


@dataclass(frozen=True)
class Request:
    """One action on one issue."""

    issue: Issue
    by: User
    now: datetime
    values: QueryDict

    @property
    def verb(self) -> str:
        """``do`` is a verb, then what it is about: ``move 12 45 Local sport`` puts article 12 before article 45, into
        that section; ``end`` instead of an article is the end.
        """
        return self._part(0)

    @property
    def is_for_all(self) -> bool:
        return self._part(1) == "desk"

    @property
    def section(self) -> str:
        return " ".join(self._part(3).split())

    @property
    def before(self) -> int | None:
        return _number(self._part(2))

    def _part(self, place: int) -> str:
        parts = self.values.get("do", "").split(maxsplit=3)
        return parts[place] if place < len(parts) else ""

    @property
    def desk(self) -> Desk:
        return Desk(self.issue, by=self.by, seen=_number(self.values.get("seen", "")) or 0, now=self.now)

    @property
    def article(self) -> int:
        return _number(self._part(1)) or 0


def act(asked: Request) -> Answer:
    """Do what ``do`` names. Raises NotAllowedError."""
    permission, action = ACTIONS.get(asked.verb, (MAY_CHANGE, _unknown))
    if not asked.by.has_perm(permission):
        raise NotAllowedError
    try:
        return Answer(action(asked))
    except StaleError as error:
        return Answer(str(error), is_done=False, is_stale=True)
    except (CannotChangeError, ClosedError, BlockedError, DecidedError) as error:
        return Answer(str(error), is_done=False)


def _unknown(asked: Request) -> str:
    raise CannotChangeError(_("There is no such button."))


def _state(state: IssueItem.State) -> Callable[[Request], str]:
    return lambda asked: asked.desk.set_state(asked.article, state)


def _move(asked: Request) -> str:
    return asked.desk.move(asked.article, before=asked.before, section=asked.section)


def _word(asked: Request) -> str:
    values = asked.values
    section = values.get("section")
    return asked.desk.word(
        asked.article,
        title=values.get("title", "").strip(),
        summary=values.get("summary", "").strip(),
        section=None if section is None else " ".join(section.split()),
    )


def _write(asked: Request) -> str:
    """Only what was changed in the form: what another editor wrote into the other fields stays."""
    words = {name: _text(asked.values, name) for name in versions.WORDS if name in asked.values}
    changed = {name: text for name, text in words.items() if text != asked.values.get(f"was_{name}", "\0")}
    return asked.desk.write(changed) if changed else _("Nothing was changed.")


def _text(values: Mapping[str, str], name: str) -> str:
    """A form sends lines as CR LF."""
    text = values.get(name, "").replace("\r\n", "\n").strip()
    return " ".join(text.split()) if name in {"subject", "preheader"} else text


def _add(asked: Request) -> str:
    return asked.desk.add(asked.article)


def _undo(asked: Request) -> str:
    return asked.desk.undo()


def _approve(asked: Request) -> str:
    seen = _number(asked.values.get("seen", ""))
    approval.approve(asked.issue, by=asked.by, now=asked.now, seen=seen)
    return _("Approved. Until it leaves you can take that back.")


def _hold(asked: Request) -> str:
    approval.hold(asked.issue, by=asked.by, now=asked.now)
    return _("Held: it does not go out until somebody approves it.")


def _reopen(asked: Request) -> str:
    approval.reopen(asked.issue, by=asked.by, now=asked.now)
    return _("The approval is taken back.")


def _test(asked: Request) -> str:
    """To the addresses in the field, or with ``test desk`` to everybody who works on issues."""
    typed = asked.values.get("to", "").replace(",", " ").replace(";", " ").split()
    addresses = desk_list() if asked.is_for_all else list(dict.fromkeys(typed))
    if not addresses:
        raise CannotChangeError(_("Write at least one address."))
    if len(addresses) > MOST_PROOFS:
        raise CannotChangeError(_("A test goes to at most %(most)d addresses.") % {"most": MOST_PROOFS})
    refused = [address for address in addresses if (why := _proof(asked, address)) and why]
    if refused:
        raise CannotChangeError(_("The test was not accepted for %(addresses)s.") % {"addresses": ", ".join(refused)})
    return _("The test is on its way to %(addresses)s.") % {"addresses": ", ".join(addresses)}


def desk_list() -> list[str]:
    """The addresses of those who may change issues, as many as one test goes to."""
    return list(dict.fromkeys(person.email for person in notices.people(MAY_CHANGE)))[:MOST_PROOFS]


def _proof(asked: Request, address: str) -> bool:
    """Whether it was refused. Raises CannotChangeError for what concerns every address."""
    try:
        outcome = proofs.send_test(asked.issue, address=address, now=asked.now)
    except InvalidAddress:
        return True
    except (NothingToShowError, RenderingError, TransportDownError, SenderRefusedError) as error:
        raise CannotChangeError(_("No test could be sent: %(error)s") % {"error": error}) from error
    return outcome.fate != Fate.ACCEPTED


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


ACTIONS: Mapping[str, tuple[str, Callable[[Request], str]]] = {
    "pin": (MAY_CHANGE, _state(State.PINNED)),
    "unpin": (MAY_CHANGE, _state(State.INCLUDED)),
    "take": (MAY_CHANGE, _state(State.INCLUDED)),
    "drop": (MAY_CHANGE, _state(State.DROPPED)),
    "later": (MAY_CHANGE, _state(State.LATER)),
    "move": (MAY_CHANGE, _move),
    "word": (MAY_CHANGE, _word),
    "write": (MAY_CHANGE, _write),
    "add": (MAY_CHANGE, _add),
    "undo": (MAY_CHANGE, _undo),
    "test": (MAY_CHANGE, _test),
    "approve": (versions.MAY_APPROVE, _approve),
    "hold": (versions.MAY_APPROVE, _hold),
    "reopen": (versions.MAY_APPROVE, _reopen),
}
