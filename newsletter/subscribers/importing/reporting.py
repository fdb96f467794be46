"""What is shown of an import: what the file was recognized as, what would happen, what did, and what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from newsletter.subscribers.importing.applying import Outcome
from newsletter.subscribers.importing.formats import FIELDS, Meaning
from newsletter.subscribers.importing.interpreting import LEAVE_OUT
from newsletter.subscribers.importing.starting import describe as describe_part
from newsletter.subscribers.importing.starting import parts_of
from newsletter.subscribers.importing.values import Order
from newsletter.subscribers.models import ImportRun, Newsletter

OUTCOMES = {
    Outcome.SUBSCRIBED: gettext_lazy("subscribed"),
    Outcome.KNOWN: gettext_lazy("known already: left as they are"),
    Outcome.SUPPRESSED: gettext_lazy("put on the suppression list"),
    Outcome.ENDED: gettext_lazy("noted as having left"),
    Outcome.KEPT_OUT: gettext_lazy("left or suppressed here before: not brought back"),
    Outcome.ASKED: gettext_lazy("asked by mail first"),
    Outcome.REJECTED: gettext_lazy("refused, with a reason"),
}
MEANINGS = {
    Meaning.SUBSCRIBED: gettext_lazy("subscribed"),
    Meaning.PENDING: gettext_lazy("never confirmed"),
    Meaning.PAUSED: gettext_lazy("paused"),
    Meaning.ENDED: gettext_lazy("left this newsletter"),
    Meaning.UNSUBSCRIBED: gettext_lazy("unsubscribed"),
    Meaning.BLOCKED: gettext_lazy("blocked"),
    Meaning.BOUNCED: gettext_lazy("bounced"),
    Meaning.COMPLAINED: gettext_lazy("complained"),
    Meaning.ERASED: gettext_lazy("erased"),
    Meaning.IGNORED: gettext_lazy("not brought in"),
}

TEXTS = {
    "date": gettext_lazy("What does the date in “%(word)s” say?"),
    "order": gettext_lazy("Dates such as 01/02/2024: which is it?"),
}
CHOICES: Mapping[str, Mapping[str, Any]] = {
    "date": {
        "signed_up_at": gettext_lazy("when they signed up: it is kept as the date of their consent"),
        "recorded_at": gettext_lazy("when somebody entered them: they have no date of consent"),
    },
    "order": {
        Order.DAY.value: gettext_lazy("1 February: the day comes first"),
        Order.MONTH.value: gettext_lazy("January 2: the month comes first"),
        LEAVE_OUT: gettext_lazy("bring them in without these dates"),
    },
}


def describe(run: ImportRun, now: datetime) -> dict[str, Any]:
    """Everything that the import's page shows."""
    counts = run.counts if run.started_at else run.forecast
    return {
        "parts": [describe_part(part, run.mapping) for part in parts_of(run)],
        "counts": [(label, counts.get(outcome.value, 0)) for outcome, label in OUTCOMES.items()],
        "no_consent_date": counts.get("no_consent_date", 0),
        "remarks": counts.get("remarks", 0),
        "sample": [_sampled(row) for row in run.sample],
        "questions": [_question(each) for each in run.questions],
        "has_column_question": any(each["kind"] == "column" for each in run.questions),
        "fields": FIELDS.items(),
        "may_be_undone": run.may_be_undone(now),
        "refused": run.refusals.order_by("pk")[:20],
        "is_forecast": run.started_at is None,
    }


def _sampled(row: Mapping[str, Any]) -> dict[str, Any]:
    consent = datetime.fromisoformat(row["consent"]) if row["consent"] else None
    return {**row, "meaning": MEANINGS[Meaning(row["meaning"])], "consent": consent}


def _question(each: Mapping[str, Any]) -> dict[str, Any]:
    kind = each["kind"]
    if kind == "list":
        choices = [(LEAVE_OUT, _("leave it out")), *Newsletter.objects.values_list("slug", "name")]
    else:
        choices = [(value, str(label)) for value, label in CHOICES.get(kind, MEANINGS).items()]
    text = TEXTS[kind] % each if kind in TEXTS else ""
    return {**each, "text": text, "choices": choices, "name": f"answer-{kind}:{each['word']}"}


def refusal_columns(run: ImportRun) -> list[str]:
    """The file's own columns, after line and reason, so that it can be mended and brought in as it is."""
    parts = parts_of(run)
    return ["line", "reason", *(parts[0].header if len(parts) == 1 else ["file", "row"])]


def refusals(run: ImportRun) -> Iterator[dict[str, str]]:
    parts = parts_of(run)
    header = parts[0].header if len(parts) == 1 else ()
    for refusal in run.refusals.order_by("pk").iterator(chunk_size=2000):
        row = {"line": str(refusal.line), "reason": refusal.reason}
        if header:
            yield {**dict(zip(header, refusal.cells, strict=False)), **row}
        else:
            yield {**row, "file": parts[refusal.part_number].name, "row": ", ".join(refusal.cells)}
