"""The list as far as some thousand rows need it: looked up at once, changed in memory, written at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext as _

from newsletter.lib.bulk import Table, Waiting, among, commit_without_waiting, prefer_indexes, reserve_ids, update
from newsletter.subscribers.changes import UNTOLD
from newsletter.subscribers.importing import restoring
from newsletter.subscribers.importing.interpreting import Person
from newsletter.subscribers.importing.restoring import Own
from newsletter.subscribers.importing.setting import Setting
from newsletter.subscribers.models import (
    Change,
    ConsentRecord,
    ImportChange,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.signup import validity

IMPORT, ENDED = ConsentRecord.Method.IMPORT.value, Subscription.Status.ENDED.value
GIVEN, WITHDRAWN = ConsentRecord.Action.GIVEN.value, ConsentRecord.Action.WITHDRAWN.value
PROFILE = ("name", "language", "time_zone")


@dataclass(slots=True)
class Member:
    """A subscriber, known or about to be written."""

    pk: int
    hash: str
    name: str
    language: str
    time_zone: str
    is_new: bool = False


@dataclass(slots=True)
class Held:
    """A subscription that was there before."""

    pk: int
    status: str
    ended_at: datetime | None
    confirmed_at: datetime | None
    row: Waiting | None = None  # if it waits to be written


class Book:
    """Begin one for each chunk, inside its transaction."""

    def __init__(self, people: Sequence[Person], setting: Setting, *, now: datetime) -> None:
        self.setting, self.now, self.run_id = setting, now, setting.run_id
        self.asks, self.words = setting.asks, _words()
        prefer_indexes()
        commit_without_waiting()  # the run's place in the file is committed, or lost, with the chunk
        keys = {person.identity.key for person in people}
        hashes = {person.identity.hash for person in people}
        self._members = self._look_up(keys)
        # After the members: who is erased meanwhile is either still known, and then nothing can be written of them, or
        # suppressed by now.
        self.suppressed = set(
            Suppression.objects.filter(address_hash__in=among(hashes)).values_list("address_hash", flat=True)
        )
        self._held = self._look_up_subscriptions()
        free = len(keys) - len(self._members) if setting.writes else 0
        self._ids: Iterator[int] = iter(reserve_ids(Subscriber, free))
        mark = {"import_run_id": self.run_id}
        self._subscribers = Table(Subscriber, "id", "created_at", **mark)
        self._subscriptions = Table(Subscription, "created_at", **mark)
        self._consents = Table(ConsentRecord, **mark)
        self._add_person = self._subscribers.naming(
            "id", "email", "address_key", "address_hash", "name", "language", "time_zone", "created_at"
        )
        self._add_subscription = self._subscriptions.naming(
            "subscriber_id", "newsletter_id", "status", "cadence", "topic_set_id", "created_at", "confirmed_at",
            "imported_at",
        )  # fmt: skip
        self._add_proof = self._consents.naming(
            "subscriber_id", "address_hash", "method", "at", "newsletter_id", "action", "wording_id", "asked_at",
            "ip_address", "confirmation_ip", "page_url",
        )  # fmt: skip
        self._suppressions = Table(Suppression, "created_at", **mark)
        self._changes = Table(ImportChange)
        self._history = Table(Change, at=now, by=Change.By.IMPORT.value)
        self._updates: dict[tuple[type[Any], tuple[str, ...]], list[tuple[int, tuple[Any, ...]]]] = {}
        self._expected: dict[int, str] = {}  # the status of every subscription that is changed, as it was looked up
        self._asked: list[tuple[Member, Person]] = []
        self._labels: list[tuple[int, list[str]]] = []
        self._labeled = self._look_up_labels(people) if setting.brings_labels else {}

    def _look_up(self, keys: set[str]) -> dict[str, Member]:
        rows = Subscriber.objects.filter(address_key__in=among(keys))
        columns = ("address_key", "pk", "address_hash", *PROFILE)
        return {key: Member(*values) for key, *values in rows.values_list(*columns)}

    def _look_up_subscriptions(self) -> dict[tuple[int, int], Held]:
        if not self._members:
            return {}
        rows = Subscription.objects.filter(subscriber_id__in=among([member.pk for member in self._members.values()]))
        columns = ("subscriber_id", "newsletter_id", "pk", "status", "ended_at", "confirmed_at")
        return {(person, letter): Held(*values) for person, letter, *values in rows.values_list(*columns)}

    def _look_up_labels(self, people: Sequence[Person]) -> dict[int, set[str]]:
        """Which labels the readers have on whom this chunk puts any."""
        pks = {member.pk for person in people if person.labels and (member := self._members.get(person.identity.key))}
        found: dict[int, set[str]] = {pk: set() for pk in pks}
        if pks:
            through = Subscriber.labels.through.objects.filter(subscriber_id__in=among(pks))
            for pk, name in through.values_list("subscriber_id", "label__name"):
                found[pk].add(name)
        return found

    # --- what is there ------------------------------------------------------------------------------------------------
    def has_this_key(self, mark: str) -> bool:
        return mark == restoring.hash_key_mark()

    def subscription(self, member: Member, slug: str) -> Held | None:
        return self._held.get((member.pk, self.setting.newsletter_ids[slug]))

    def confirmed_here_after(self, person: Person) -> bool:
        """Did this person, by our own confirmation link, come after they had left there?"""
        member = self._members.get(person.identity.key)
        if member is None or person.ended_at is None:
            return False
        held = [each for (pk, _letter), each in self._held.items() if pk == member.pk]
        return any(each.confirmed_at and each.confirmed_at > person.ended_at and not each.ended_at for each in held)

    def member(self, person: Person) -> Member:
        """The one person behind this address, made if there was none."""
        key = person.identity.key
        if member := self._members.get(key):
            return member
        pk = next(self._ids, -len(self._members) - 1)
        email, _key, hashed = person.identity
        profile = person.name, person.language, person.time_zone
        member = self._members[key] = Member(pk, hashed, *profile, is_new=True)
        row = self._add_person(pk, email, key, hashed, *profile, person.begun_at or self.now)
        if person.own:
            self._subscribers.change(row, **restoring.prepared(Subscriber, person.own.person))
            self._labels.append((pk, person.own.labels))
        return member

    # --- what happens -------------------------------------------------------------------------------------------------
    def fill_in(self, member: Member, person: Person) -> None:
        """What was not known of somebody; nothing is overwritten."""
        if person.labels and self.setting.brings_labels:
            self._put_labels(member, person.labels)
        if member.is_new:
            return
        missing = {name: value for name in PROFILE if (value := getattr(person, name)) and not getattr(member, name)}
        if missing:
            self._change(Subscriber, member, member.pk, None, before=dict.fromkeys(missing, ""), after=missing)
            for name, value in missing.items():
                setattr(member, name, value)
                told = "" if name in UNTOLD else value[:500]
                self._history.add(subscriber_id=member.pk, field=name, after=told)

    def _put_labels(self, member: Member, labels: Sequence[str]) -> None:
        has = self._labeled.setdefault(member.pk, set())
        added = [label for label in labels if label not in has]
        if added:
            has.update(added)
            self._labels.append((member.pk, added))
            if not member.is_new:
                self._keep(member, None, before={}, after={"labels": added})

    def suppress(self, person: Person, reason: Suppression.Reason) -> None:
        self.suppressed.add(person.identity.hash)
        email = "" if reason is Suppression.Reason.ERASED else person.identity.email
        note = self.setting.note if person.note is None else person.note[:300]
        self._suppressions.add(
            address_hash=person.identity.hash, email=email, reason=reason.value, note=note,
            created_at=person.ended_at or self.now,
        )  # fmt: skip

    def subscribe(self, member: Member, person: Person, *, status: str) -> None:
        """A subscription that was not there, with the proof that the list brought along."""
        newsletter_id, cadence = self.setting.offer(person.newsletter, person.cadence)
        row = self._add_subscription(
            member.pk, newsletter_id, status, cadence, self.setting.topic_set_id(person.topics),
            person.begun_at or self.now, person.confirmed_at, self.now,
        )  # fmt: skip
        further: dict[str, Any] = {}
        if status == ENDED:
            further = {"ended_at": person.ended_at or self.now, "ended_reason": IMPORT}
        if person.own:
            further |= self._as_it_was(person, person.own, status)
            self._prove_again(member, person, person.own)
        elif status != ENDED:
            self._prove(member, person)
        if further:
            row = self._subscriptions.change(row, **further)
        held = Held(0, status, further.get("ended_at"), person.confirmed_at, row)
        self._held[member.pk, newsletter_id] = held

    def _as_it_was(self, person: Person, own: Own, status: str) -> dict[str, Any]:
        """What our own export says of a subscription beyond its plain columns."""
        values: dict[str, Any] = {}
        if person.confirmed_at or status in {"pending", "ended"}:
            values["imported_at"] = None  # it came from here, unless it says otherwise
        if status != "ended":
            values["ended_at"] = person.ended_at  # a wish that was opened anew remembers its end
        return values | restoring.prepared(Subscription, own.subscription)

    def activate(self, there: Held, member: Member, person: Person) -> None:
        """A form was waiting for a confirmation that the list has."""
        if not there.pk:
            return
        before: dict[str, Any] = {"status": there.status, "confirmed_at": None, "imported_at": None}
        after = {"status": "active", "confirmed_at": person.confirmed_at, "imported_at": self.now}
        self._change(Subscription, member, there.pk, there.pk, before=before, after=after)
        there.status = "active"
        self._prove(member, person)

    def end(self, there: Held, member: Member, person: Person) -> None:
        before: dict[str, Any] = {"status": there.status, "ended_at": None, "ended_reason": ""}
        ended_at = person.ended_at or self.now
        after = {"status": "ended", "ended_at": ended_at, "ended_reason": IMPORT}
        if there.row:  # the same person stood further up as active
            there.row = self._subscriptions.change(there.row, **after)
        elif there.pk:
            self._change(Subscription, member, there.pk, there.pk, before=before, after=after)
        there.status, there.ended_at = "ended", ended_at
        if before["status"] != "pending":  # nobody had agreed
            self._consents.add(
                subscriber_id=member.pk, address_hash=member.hash, method=IMPORT, at=self.now, action=WITHDRAWN,
                newsletter_id=self.setting.newsletter_ids[person.newsletter],
            )  # fmt: skip

    def ask(self, member: Member, person: Person) -> None:
        """No consent to show: a wish that waits for one."""
        self._asked.append((member, person))
        newsletter_id, cadence = self.setting.offer(person.newsletter, person.cadence)
        self._subscriptions.add(
            subscriber_id=member.pk, newsletter_id=newsletter_id, status="pending", created_at=self.now,
            cadence=cadence, topic_set_id=self.setting.topic_set_id(person.topics),
        )  # fmt: skip
        self._held[member.pk, newsletter_id] = Held(0, "pending", None, None)

    def _prove(self, member: Member, person: Person) -> None:
        self._add_proof(
            member.pk, member.hash, IMPORT, self.now, self.setting.newsletter_ids[person.newsletter], GIVEN,
            self.setting.wording_id(person.newsletter), person.asked_at, person.consent_ip, person.confirmation_ip,
            person.consent_page[:1000],
        )  # fmt: skip

    def _prove_again(self, member: Member, person: Person, own: Own) -> None:
        newsletter_id = self.setting.newsletter_ids[person.newsletter]
        for consent in own.consents:
            text, language = consent.wording
            wording_id = self.setting.wording_id(person.newsletter, text=text, language=language) if text else None
            self._consents.add(
                subscriber_id=member.pk, address_hash=member.hash, newsletter_id=newsletter_id, wording_id=wording_id,
                **restoring.prepared(ConsentRecord, consent.values),
            )  # fmt: skip

    def _change(
        self, model: type[Any], member: Member, pk: int, subscription_id: int | None, *, before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self._updates.setdefault((model, tuple(after)), []).append((pk, tuple(after.values())))
        if subscription_id:
            self._expected.setdefault(subscription_id, before["status"])
        self._keep(member, subscription_id, before=before, after=after)

    def _keep(
        self, member: Member, subscription_id: int | None, *, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """For taking it back."""
        values = {"before": _as_json(before), "after": _as_json(after)}
        self._changes.add(run_id=self.run_id, subscriber_id=member.pk, subscription_id=subscription_id, **values)

    # --- writing ------------------------------------------------------------------------------------------------------
    def write(self) -> None:
        """Everything at once, inside the caller's transaction. Raises IntegrityError if somebody was first."""
        self._hold_what_changes()
        tables = (self._subscribers, self._subscriptions, self._consents, self._suppressions, self._changes)
        for table in (*tables, self._history):
            table.write()
        for (model, names), rows in self._updates.items():
            update(model, names, rows)
        restoring.add_labels(self._labels)
        self._write_sign_ups()

    def _hold_what_changes(self) -> None:
        """Nobody may confirm or leave between our look and our change, or that would be lost."""
        if not self._expected:
            return
        rows = Subscription.objects.filter(pk__in=among(self._expected)).order_by("pk").select_for_update()
        if dict(rows.values_list("pk", "status")) != self._expected:
            raise IntegrityError("a reader was first")

    def _write_sign_ups(self) -> None:
        """Confirmation mails, spread over time: each is owed from its own moment on."""
        step = timedelta(hours=1) / max(settings.IMPORT_CONFIRMATIONS_PER_HOUR, 1)
        for member, person in self._asked:
            due_at = self.now + step * self.setting.next_asked()
            wish = Subscription.objects.get(
                subscriber_id=member.pk, newsletter_id=self.setting.newsletter_ids[person.newsletter]
            )
            sign_up = SignUp.objects.create(
                subscriber_id=member.pk, created_at=due_at, next_attempt_at=due_at, expires_at=due_at + validity()
            )
            sign_up.subscriptions.add(wish)


def _as_json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, default=str)


def _words() -> dict[str, str]:
    return {"other_key": _("the hash was made with another ADDRESS_HASH_KEY"), "never_confirmed": _("never confirmed")}
