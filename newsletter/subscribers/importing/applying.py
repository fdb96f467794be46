"""What rows do to the list: thousands at a time, with a few queries for all of them.

Nobody who left or is suppressed is subscribed, nothing known is overwritten by a blank, and no mail is sent. What was
there before and is changed is kept with the run, so that it can be taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from newsletter.subscribers.importing.book import Book, Member
from newsletter.subscribers.importing.formats import STRENGTH, Meaning
from newsletter.subscribers.importing.interpreting import Person
from newsletter.subscribers.models import Subscription, Suppression

Status = Subscription.Status


class Outcome(StrEnum):
    """What becomes of a row."""

    SUBSCRIBED = "subscribed"
    KNOWN = "known"  # is subscribed already
    SUPPRESSED = "suppressed"  # the row says that they left, bounced or complained
    ENDED = "ended"  # the row says that they left this one newsletter
    KEPT_OUT = "kept_out"  # left us before, or is on the suppression list: not brought back
    ASKED = "asked"  # gets a confirmation mail instead
    REJECTED = "rejected"


REASONS = {
    Meaning.UNSUBSCRIBED: Suppression.Reason.IMPORTED,
    Meaning.BLOCKED: Suppression.Reason.BY_HAND,
    Meaning.BOUNCED: Suppression.Reason.HARD_BOUNCE,
    Meaning.COMPLAINED: Suppression.Reason.COMPLAINT,
    Meaning.ERASED: Suppression.Reason.ERASED,
}
ACTIVE, PAUSED, PENDING = Status.ACTIVE.value, Status.PAUSED.value, Status.PENDING.value
LIVE = frozenset({ACTIVE, PAUSED})


def apply(people: Sequence[Person], book: Book) -> tuple[Counter[str], list[tuple[Person, str]]]:
    """Enter these people into the book. Returns how many had which outcome, and who was refused and why."""
    outcomes: list[Outcome] = []
    refused: list[tuple[Person, str]] = []
    undated_count = 0
    for person in people:
        outcome, reason = _apply(person, book)
        outcomes.append(outcome)
        if outcome is Outcome.REJECTED:
            refused.append((person, reason))
        elif outcome is Outcome.SUBSCRIBED and not person.has_consent_date:
            undated_count += 1
    counts = {outcome.value: count for outcome in Outcome if (count := outcomes.count(outcome))}
    return Counter(counts | ({"no_consent_date": undated_count} if undated_count else {})), refused


def _apply(person: Person, book: Book) -> tuple[Outcome, str]:
    if person.meaning is not Meaning.SUBSCRIBED and person.meaning in REASONS:
        return _suppress(person, book)
    if person.identity.hash in book.suppressed:
        return Outcome.KEPT_OUT, "suppressed"
    member = book.member(person)
    book.fill_in(member, person)
    if not person.newsletter:
        return Outcome.KNOWN, ""
    if person.meaning is Meaning.ENDED:
        return _end(person, member, book)
    return _subscribe(person, member, book)


def _suppress(person: Person, book: Book) -> tuple[Outcome, str]:
    if not person.identity.email and not book.has_this_key(person.identity.key):
        return Outcome.REJECTED, book.words["other_key"]
    if STRENGTH[person.meaning] < STRENGTH[Meaning.BOUNCED] and book.confirmed_here_after(person):
        return Outcome.KNOWN, ""
    if person.identity.hash not in book.suppressed:
        book.suppress(person, REASONS[person.meaning])
    return Outcome.SUPPRESSED, ""


def _subscribe(person: Person, member: Member, book: Book) -> tuple[Outcome, str]:
    there = book.subscription(member, person.newsletter)
    if there and there.ended_at:
        return Outcome.KEPT_OUT, "left"
    if there and there.status in LIVE:
        return Outcome.KNOWN, ""
    if person.own is not None:
        return _restore(person, member, book, is_new=there is None)
    if person.meaning is Meaning.PENDING and not book.asks:
        return Outcome.REJECTED, book.words["never_confirmed"]
    if book.asks and (person.meaning is Meaning.PENDING or not person.has_consent_date):
        if there is None:
            book.ask(member, person)
        return (Outcome.KNOWN if there else Outcome.ASKED), ""
    if there:
        book.activate(there, member, person)
    else:
        book.subscribe(member, person, status=PAUSED if person.meaning is Meaning.PAUSED else ACTIVE)
    return Outcome.SUBSCRIBED, ""


def _restore(person: Person, member: Member, book: Book, *, is_new: bool) -> tuple[Outcome, str]:
    """A subscription of our own, as it was."""
    if not is_new:
        return Outcome.KNOWN, ""
    names = {Meaning.PENDING: PENDING, Meaning.PAUSED: PAUSED}
    book.subscribe(member, person, status=names.get(person.meaning, ACTIVE))
    return Outcome.SUBSCRIBED, ""


def _end(person: Person, member: Member, book: Book) -> tuple[Outcome, str]:
    there = book.subscription(member, person.newsletter)
    if there is None:
        book.subscribe(member, person, status=Status.ENDED.value)
    elif there.status != Status.ENDED and not (there.status == PENDING and there.ended_at):  # left before, is asked
        if there.confirmed_at and person.ended_at and there.confirmed_at > person.ended_at:
            return Outcome.KNOWN, ""  # they came back to us after they had left there
        book.end(there, member, person)
    return Outcome.ENDED, ""
