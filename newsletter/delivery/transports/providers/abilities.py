"""What each provider can, as its documentation and anymail's code say. docs/operations.md shows the same table.

A provider that fills in each reader's values itself gets one text and many values (MERGE). One that takes many
finished mails in one call gets those (VERSIONS). From the others every mail is asked for alone, several at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from newsletter.delivery.outcomes import Fate


class Way(Enum):
    MERGE = auto()
    VERSIONS = auto()
    SINGLE = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the provider said of one mail of a call. ``is_ours``: it would have said so of any reader's."""

    fate: Fate
    words: str
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Abilities:
    """``batch_size`` in readers, ``max_bytes`` of the texts in one call (VERSIONS repeats them for every reader)."""

    payload: str  # anymail's class
    way: Way
    batch_size: int = 1
    max_bytes: int = 8_000_000
    mark: str = ""  # MERGE: what stands in the text for a field
    opening: str = ""  # MERGE: what of the publisher's own words would be taken for a mark
    has_marks_in_headers: bool = False  # and in metadata; otherwise these are given reader by reader
    versions: tuple[str, str, str] = ("", "", "")  # VERSIONS: the list of mails, and in each its text and its HTML
    has_metadata: bool = True  # comes back in webhooks; without it they only name the address
    unwanted_headers: frozenset[str] = frozenset()
    extra_headers: tuple[tuple[str, str], ...] = ()
    idempotency_header: str = ""  # of the HTTP request
    idempotency_field: str = ""  # among the mail's headers, a UUID
    verdicts: Callable[[Any], list[Verdict] | None] | None = None  # reads answers that are in the order of the mails


def postmark_verdicts(answer: Any) -> list[Verdict] | None:
    """https://postmarkapp.com/developer/api/email-api, "Send batch emails": one answer per mail, in their order."""
    if not isinstance(answer, list):
        return None
    return [_postmark_verdict(one) for one in answer if isinstance(one, dict)]


def _postmark_verdict(answer: dict[str, Any]) -> Verdict:
    code, words = answer.get("ErrorCode", 0), str(answer.get("Message", ""))
    if code == 0:
        return Verdict(Fate.ACCEPTED, f"queued {answer.get('MessageID', '')}")
    # 300: not a valid mail, of whatever field; 406: it bounced or complained before
    is_recipient = code == 406 or (code == 300 and "'To'" in words)
    return Verdict(Fate.REFUSED, f"{code} {words}", is_ours=not is_recipient)


def mailjet_verdicts(answer: Any) -> list[Verdict] | None:
    """https://dev.mailjet.com/email/guides/send-api-v31/: Messages, in their order, each with its Status."""
    answers = answer.get("Messages") if isinstance(answer, dict) else None
    if not isinstance(answers, list):
        return None
    return [_mailjet_verdict(one) for one in answers if isinstance(one, dict)]


def _mailjet_verdict(answer: dict[str, Any]) -> Verdict:
    if answer.get("Status") == "success":
        to = answer.get("To") or [{}]
        return Verdict(Fate.ACCEPTED, f"queued {to[0].get('MessageID', '')}")
    errors = [error for error in answer.get("Errors", []) if isinstance(error, dict)]
    words = "; ".join(f"{error.get('ErrorCode', '')} {error.get('ErrorMessage', '')}".strip() for error in errors)
    is_recipient = any(str(field).startswith("To") for error in errors for field in error.get("ErrorRelatedTo", []))
    return Verdict(Fate.REFUSED, words or "refused", is_ours=not is_recipient)


ABILITIES = {
    "brevo": Abilities(
        payload="BrevoPayload", way=Way.VERSIONS, batch_size=1000,
        versions=("messageVersions", "textContent", "htmlContent"), idempotency_field="idempotencyKey",
    ),
    "mailersend": Abilities(payload="MailerSendPayload", way=Way.SINGLE, has_metadata=False),
    "mailgun": Abilities(
        payload="MailgunPayload", way=Way.MERGE, batch_size=1000,
        mark="%recipient.{}%", opening="%recipient.", has_marks_in_headers=True,
    ),
    "mailjet": Abilities(
        payload="MailjetPayload", way=Way.VERSIONS, batch_size=50, versions=("Messages", "TextPart", "HTMLPart"),
        unwanted_headers=frozenset({"message-id", "date"}), verdicts=mailjet_verdicts,
    ),
    "postmark": Abilities(
        payload="PostmarkPayload", way=Way.VERSIONS, batch_size=500, versions=("", "TextBody", "HtmlBody"),
        extra_headers=(("X-PM-KeepID", "true"),), verdicts=postmark_verdicts,
    ),
    "resend": Abilities(
        payload="ResendPayload", way=Way.VERSIONS, batch_size=100, versions=("", "text", "html"),
        idempotency_header="Idempotency-Key",
    ),
    "sendgrid": Abilities(
        payload="SendGridPayload", way=Way.MERGE, batch_size=1000, mark="[%broadsheet:{}%]", opening="[%broadsheet:",
    ),
    "sparkpost": Abilities(
        payload="SparkPostPayload", way=Way.MERGE, batch_size=1000,
        mark="{{{{{{{}}}}}}}", opening="{{", has_marks_in_headers=True,
    ),
}  # fmt: skip


def abilities_of(backend: str) -> Abilities:
    """By the path of anymail's backend, such as ``anymail.backends.mailgun.EmailBackend``; one by one if unknown."""
    parts = backend.split(".")
    known = ABILITIES.get(parts[2]) if backend.startswith("anymail.backends.") and len(parts) > 3 else None
    return known or Abilities(payload="", way=Way.SINGLE)
