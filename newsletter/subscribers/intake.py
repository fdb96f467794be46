"""The one door for sign-ups: whatever surface they come from, the same protection, the same checks, the same use case.

Pages, the frame and JSON differ only in how they say what ``take_in`` found (see surfaces/answers.py).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, QueryDict
from django.http.request import RawPostDataException

from newsletter.subscribers import protection, signup
from newsletter.subscribers.forms import SubscribeForm
from newsletter.subscribers.hygiene import Verdict
from newsletter.subscribers.models import SignUp
from newsletter.subscribers.protection import Admission

RETRY_SECONDS = 3600
JSON_TYPE = "application/json"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Taken:
    """Answered alike for every address. ``sign_up`` is None where nothing comes of it: a robot, an ignored domain."""

    form: SubscribeForm
    sign_up: SignUp | None = None

    @property
    def is_slow(self) -> bool:
        """The mail will wait, because a proof of work was needed and none came (see shield/budget.py)."""
        return self.sign_up is not None and self.sign_up.is_unproven


@dataclass(frozen=True, slots=True)
class Refused:
    """The input is wrong in itself; the form knows why."""

    form: SubscribeForm


@dataclass(frozen=True, slots=True)
class InDoubt:
    """The address looks mistyped: only whoever typed it can say whether ``suggestion`` was meant."""

    form: SubscribeForm
    suggestion: str


@dataclass(frozen=True, slots=True)
class TooMany:
    """This visitor's network has sent very many."""

    retry_seconds: int = RETRY_SECONDS


class NoForm(ValueError):
    """The body is neither a form nor a JSON object."""


def take_in(
    *, request: HttpRequest, sent: QueryDict, now: datetime, asks_back: bool
) -> Taken | Refused | InDoubt | TooMany:
    """Check what was sent and, if it is in order, let it wait for its confirmation mail.

    ``asks_back``: this surface can show a suggestion and wait for a click; otherwise the address is taken as typed.
    """
    form = SubscribeForm(request, sent)
    admission = protection.admit(request, sent)
    if admission != Admission.ADMITTED:
        return Taken(form) if admission == Admission.CAUGHT else TooMany()
    if not form.is_valid():
        return Refused(form)
    if asks_back and form.suggestion and not form.has_chosen_address:
        return InDoubt(form, form.suggestion)
    if form.verdict == Verdict.IGNORED:
        return Taken(form)
    return Taken(form, signup.sign_up(form=form.sign_up_form(), now=now))


def wants_json(request: HttpRequest) -> bool:
    """Is this a program's request: one that sends JSON, or asks for JSON before anything else?"""
    best = request.get_preferred_type(["text/html", JSON_TYPE])
    return request.content_type == JSON_TYPE or best == JSON_TYPE


def sent_fields(request: HttpRequest) -> QueryDict:
    """The fields of a form or of a JSON object, in one shape. Raises NoForm."""
    if request.content_type != JSON_TYPE:
        return request.POST
    try:
        values = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException) as error:
        raise NoForm("the body is no JSON") from error
    if not isinstance(values, dict):
        raise NoForm("the body is no JSON object")
    fields = QueryDict(mutable=True)
    for name, value in values.items():
        fields.setlist(name, [_text(each) for each in (value if isinstance(value, list) else [value])])
    return fields


def _text(value: Any) -> str:
    """What a form would have sent. Half of a surrogate pair, which JSON can hold, is as invisible as a NUL."""
    return LONE_SURROGATE.sub("\0", value) if isinstance(value, str) else ""
