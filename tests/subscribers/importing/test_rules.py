"""What an import may never do, how it goes on after a crash, and how it is taken back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from newsletter.subscribers import preferences, signup
from newsletter.subscribers.entering import Entry, enter
from newsletter.subscribers.importing import files, running, starting, upkeep
from newsletter.subscribers.importing.book import Book
from newsletter.subscribers.models import (
    Cadence,
    ConsentRecord,
    ImportRun,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.signup import SignUpForm
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription
from tests.subscribers.importing.lists import bring_in, uploaded, worked

pytestmark = pytest.mark.django_db
Status = Subscription.Status
LONG = "email\n" + "".join(f"reader{number}@example.org\n" for number in range(60))


def test_proof_says_how_people_agreed_in_the_owners_words() -> None:
    bring_in("email\na@example.org\n", newsletter=make_newsletter(), ground="On paper, at the harbor festival of 2024")

    record = ConsentRecord.objects.select_related("wording").get()
    assert record.wording is not None
    assert record.wording.text == "On paper, at the harbor festival of 2024"
    assert (record.action, record.method, record.asked_at) == ("given", "import", None)


def test_those_without_a_date_are_asked_under_the_limits_and_spread_over_time() -> None:
    text = "email,confirmed_at\na@example.org,2024-01-01\nb@example.org,\nc@example.org,\n"

    run = bring_in(text, newsletter=make_newsletter(), confirms_missing_consent=True)

    first, second = SignUp.objects.order_by("pk")
    assert run.counts == {"subscribed": 1, "asked": 2}
    assert sorted(Subscription.objects.values_list("status", flat=True)) == ["active", "pending", "pending"]
    assert first.next_attempt_at is not None
    assert second.next_attempt_at is not None
    assert second.next_attempt_at - first.next_attempt_at == timedelta(seconds=7.2)  # 500 an hour
    assert not signup.send_confirmation(sign_up_id=second.pk, now=NOW)
    assert list(SignUp.objects.due(NOW)) == [first]


def test_reader_who_confirmed_here_after_leaving_there_stays() -> None:
    here = make_subscription(email="a@example.org")
    text = "email,status,ended_at\na@example.org,unsubscribed,2020-01-01\n"

    run = bring_in(text, newsletter=here.newsletter)

    assert run.counts == {"known": 1}
    assert not Suppression.objects.exists()


def test_complaint_counts_whenever_it_was() -> None:
    here = make_subscription(email="a@example.org")

    bring_in("email,status,ended_at\na@example.org,complained,2020-01-01\n", newsletter=here.newsletter)

    assert Suppression.objects.get().reason == "complaint"


def test_run_goes_on_where_a_killed_worker_left_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)
    run = worked(uploaded(LONG, newsletter=make_newsletter()))
    run.start(NOW)

    running.advance(import_run_id=run.pk, clock=lambda: NOW, seconds=0)  # one chunk
    run.refresh_from_db()
    assert run.claim(NOW)  # and this worker is never heard of again
    soon, later = NOW + timedelta(seconds=30), NOW + timedelta(seconds=90)
    assert upkeep.abandoned(soon) == []
    assert not running.advance(import_run_id=run.pk, clock=lambda: soon)
    assert Subscription.objects.count() == 10
    assert upkeep.abandoned(later) == [run.pk]
    running.advance(import_run_id=run.pk, clock=lambda: later)

    run.refresh_from_db()
    assert (run.status, run.counts["subscribed"], run.record_count) == ("finished", 60, 60)
    assert Subscription.objects.count() == 60


def test_cancelled_run_stops_and_can_be_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "CHUNK", 10)
    run = worked(uploaded(LONG, newsletter=make_newsletter()))
    run.start(NOW)
    running.advance(import_run_id=run.pk, clock=lambda: NOW, seconds=0)

    assert ImportRun.objects.get(pk=run.pk).cancel(NOW)
    assert not running.advance(import_run_id=run.pk, clock=lambda: NOW)
    assert Subscription.objects.count() == 10
    run.refresh_from_db()
    assert run.undo(NOW)
    assert worked(run).status == "undone"
    assert not Subscriber.objects.exists()


def test_run_that_fails_at_the_same_place_is_given_up() -> None:
    run = uploaded(LONG, newsletter=make_newsletter())
    files.delete(run.folder)

    for _try in range(5):
        with pytest.raises(FileNotFoundError):
            running.advance(import_run_id=run.pk, clock=lambda: NOW)
        ImportRun.objects.update(leased_until=None)
    running.advance(import_run_id=run.pk, clock=lambda: NOW)

    run.refresh_from_db()
    assert (run.status, "five times" in run.error) == ("failed", True)


def test_undo_takes_back_what_was_made_and_changed_but_not_what_readers_did() -> None:
    newsletter = make_newsletter()
    nameless = make_subscriber(email="known@example.org")
    waiting = make_subscription(
        email="waiting@example.org", newsletter=newsletter, status=Status.PENDING, confirmed_at=None
    )
    text = (
        "email,name,status\nknown@example.org,Ann,\nwaiting@example.org,,\nnew@example.org,,\nleft@example.org,,\n"
        "changed@example.org,,\ngone@example.org,,unsubscribed\n"
    )
    run = bring_in(text, newsletter=newsletter)
    left, changed = (Subscription.objects.get(subscriber__email=f"{name}@example.org") for name in ("left", "changed"))
    unsubscribe(subscription=left, method=ConsentRecord.Method.PAGE, now=NOW)
    changed.cadence = Cadence.WEEKLY
    changed.save(update_fields=["cadence"])

    assert run.undo(NOW)
    assert worked(run).status == "undone"

    waiting.refresh_from_db()
    nameless.refresh_from_db()
    assert (waiting.status, waiting.imported_at, nameless.name) == (Status.PENDING, None, "")
    assert set(Subscription.objects.values_list("subscriber__email", "status")) == {
        ("waiting@example.org", "pending"), ("left@example.org", "ended"), ("changed@example.org", "active"),
    }  # fmt: skip
    assert not Subscriber.objects.filter(email="new@example.org").exists()
    assert not Suppression.objects.exists()
    assert set(ConsentRecord.objects.values_list("subscriber__email", "action")) == {
        ("left@example.org", "given"), ("left@example.org", "withdrawn"), ("changed@example.org", "given"),
    }  # fmt: skip


def test_undo_brings_nobody_back_who_has_left_by_their_own_word_since() -> None:
    here = make_subscription(email="a@example.org")
    run = bring_in("email,status\na@example.org,ended\nb@example.org,ended\n", newsletter=here.newsletter)
    for subscription in Subscription.objects.order_by("pk"):
        unsubscribe(subscription=subscription, method=ConsentRecord.Method.ONE_CLICK, now=NOW)

    run.undo(NOW)
    worked(run)

    assert set(Subscription.objects.values_list("subscriber__email", "status", "ended_reason")) == {
        ("a@example.org", "ended", "one_click"), ("b@example.org", "ended", "one_click"),
    }  # fmt: skip


def test_undo_leaves_a_wish_alone_that_its_reader_has_used_since() -> None:
    waiting = make_subscription(email="a@example.org", status=Status.PENDING, confirmed_at=None)
    run = bring_in("email\na@example.org\n", newsletter=waiting.newsletter)
    choice = preferences.Choice(newsletter=waiting.newsletter, is_wanted=True, cadence="weekly")
    wanted = preferences.Preferences(choices=(choice,))
    preferences.save_preferences(subscriber=waiting.subscriber, preferences=wanted, now=NOW)

    run.undo(NOW)
    worked(run)

    assert Subscription.objects.get().status == Status.ACTIVE


def test_undo_leaves_alone_whom_an_editor_added_and_who_signed_up_since() -> None:
    newsletter = make_newsletter()
    run = bring_in("email,status\na@example.org,ended\nb@example.org,ended\n", newsletter=newsletter)
    agreed_on = NOW.date() + timedelta(days=1)
    ground = ConsentRecord.Ground.PAPER
    enter(entry=Entry("a@example.org", (newsletter,), ground, agreed_on, note="Shelf 4"), now=NOW + timedelta(hours=1))
    signup.sign_up(form=SignUpForm(email="b@example.org", newsletters=(newsletter.slug,)), now=NOW)

    run.undo(NOW)
    worked(run)

    assert set(Subscription.objects.values_list("subscriber__email", "status")) == {
        ("a@example.org", "active"), ("b@example.org", "pending"),
    }  # fmt: skip
    assert SignUp.objects.count() == 1


def test_wish_of_somebody_who_left_before_stays_what_it_was() -> None:
    before = NOW - timedelta(days=90)
    wish = make_subscription(email="a@example.org", status=Status.PENDING, ended_at=before, ended_reason="page")

    run = bring_in("email,status\na@example.org,ended\n", newsletter=wish.newsletter)
    run.undo(NOW)
    worked(run)

    wish.refresh_from_db()
    assert (wish.status, wish.ended_at, wish.ended_reason) == (Status.PENDING, before, "page")


def test_chunk_is_done_anew_if_a_reader_leaves_while_it_is_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = make_subscription(email="a@example.org", status=Status.PENDING, confirmed_at=None)
    write = Book.write
    refused: list[str] = []

    def late(book: Book) -> None:
        if not refused:
            Subscription.objects.filter(pk=wish.pk).update(status=Status.ENDED, ended_at=NOW)
            with pytest.raises(IntegrityError) as error:
                write(book)
            refused.append(str(error.value))
            raise error.value
        write(book)

    monkeypatch.setattr(Book, "write", late)
    bring_in("email\na@example.org\n", newsletter=wish.newsletter)

    assert refused == ["a reader was first"]
    assert ConsentRecord.objects.get().wording  # what the first try made for it was rolled back, too


def test_undo_is_for_a_day() -> None:
    run = bring_in("email\na@example.org\n", newsletter=make_newsletter())

    assert not run.undo(NOW + timedelta(days=1, seconds=1))
    assert run.undo(NOW + timedelta(hours=23))


def test_preferences_page_counts_as_the_readers_own_change() -> None:
    newsletter = make_newsletter()
    run = bring_in("email\na@example.org\n", newsletter=newsletter)
    choice = preferences.Choice(newsletter=newsletter, is_wanted=True, cadence="weekly")
    wanted = preferences.Preferences(choices=(choice,), name="Ann")
    preferences.save_preferences(subscriber=Subscriber.objects.get(), preferences=wanted, now=NOW)

    run.undo(NOW)
    worked(run)

    assert Subscription.objects.get().status == Status.ACTIVE


def test_file_goes_with_the_end_of_the_import_and_refused_rows_after_their_time() -> None:
    run = bring_in("email\nnonsense\n", newsletter=make_newsletter())
    assert (files.folder_of(run.folder).exists(), run.sample, run.refusals.count()) == (False, [], 1)

    assert upkeep.delete_old_files(NOW + timedelta(days=6)) == 0
    assert upkeep.delete_old_files(NOW + timedelta(days=7)) == 1

    assert run.refusals.count() == 0


def test_upload_that_nobody_starts_is_cancelled_and_a_cancelled_one_is_deleted_at_once() -> None:
    left_alone, cancelled = (worked(uploaded(LONG, newsletter=make_newsletter())) for _number in range(2))
    cancelled.cancel(NOW)

    assert upkeep.delete_old_files(NOW) == 1
    assert upkeep.delete_old_files(NOW + timedelta(days=7)) == 1

    left_alone.refresh_from_db()
    assert left_alone.status == "cancelled"
    assert not any(files.folder_of(run.folder).exists() for run in (left_alone, cancelled))


def test_dry_run_changes_nothing_and_foresees_everything() -> None:
    newsletter = make_newsletter()
    make_subscription(email="known@example.org", newsletter=newsletter)
    suppress(email="never@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)
    before = (Subscriber.objects.count(), Suppression.objects.count(), ConsentRecord.objects.count())
    text = (
        "email,confirmed_at,topics\nknown@example.org,,\nnever@example.org,,\nnew@example.org,,one two\nnonsense,,\n"
        "dated@example.org,2024-05-01,\n"
    )

    run = worked(uploaded(text, newsletter=newsletter))

    assert run.forecast == {"known": 1, "kept_out": 1, "subscribed": 2, "rejected": 1, "no_consent_date": 1}
    assert (Subscriber.objects.count(), Suppression.objects.count(), ConsentRecord.objects.count()) == before
    assert [row["email"] for row in run.sample][:2] == ["known@example.org", "never@example.org"]


def test_dates_of_all_hands_are_read_and_unlikely_ones_left_out() -> None:
    good = ["2024-05-01", "2024-05-01 10:00:00", "2024-05-01T10:00:00Z", "2024-05-01 10:00:00 UTC", "01-05-2024 10:00",
            "2024-05-01 12:00:00.123456 +0200 UTC", "0000-00-00 00:00:00"]  # fmt: skip
    bad = ["05.01.24", "yesterday", "9999-12-31", "2024-13-01", "0001-01-01T00:00:00+05:00"]
    rows = "".join(f"a{number}@example.org,{date}\n" for number, date in enumerate(good + bad))

    run = bring_in(f"email,confirmed_at\n{rows}", newsletter=make_newsletter())

    days = {each.confirmed_at.date() if each.confirmed_at else None for each in Subscription.objects.all()}
    assert run.counts["remarks"] == len(bad)
    assert days == {datetime(2024, 5, 1, tzinfo=UTC).date(), None}


def test_list_names_are_asked_and_one_may_be_left_out() -> None:
    offers = make_newsletter(slug="offers")
    run = worked(uploaded("email,lists\na@example.org,Deals; Old\nb@example.org,Old\n"))
    assert run.status == "asking"

    starting.answer(run, {"answer-list:deals": "offers", "answer-list:Old": "-"}, now=NOW)
    run = worked(run)
    assert run.start(NOW)
    worked(run)

    assert [each.newsletter for each in Subscription.objects.select_related("newsletter")] == [offers]


def test_column_that_nobody_knows_is_asked() -> None:
    run = uploaded("Kontakt,Wer\na@example.org,Ann\n", newsletter=make_newsletter())
    assert run.questions == [{"kind": "column", "word": "email", "count": 0}]

    assert starting.answer(run, {"column-Kontakt": "email", "column-Wer": "name"}, now=NOW)
    assert worked(run).start(NOW)
    worked(run)

    assert Subscriber.objects.get().name == "Ann"
