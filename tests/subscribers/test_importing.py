"""Moving in from elsewhere, and out: import_subscribers and export_subscribers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from newsletter.subscribers.models import Cadence, ConsentRecord, Subscriber, Subscription, Suppression, TopicSet
from newsletter.subscribers.spreadsheet import plain_cell, safe_cell
from newsletter.subscribers.suppression import is_suppressed, suppress
from tests.factories import NOW, make_newsletter, make_subscription, make_topic
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
Status = Subscription.Status
Import = Callable[..., dict[str, Any]]


@pytest.fixture
def run_import(tmp_path: Path) -> Import:
    def run(text: str | bytes, **options: Any) -> dict[str, Any]:
        file = tmp_path / "list.csv"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        output = io.StringIO()
        call_command("import_subscribers", file, json=True, stdout=output, **options)
        return json.loads(output.getvalue())  # type: ignore[no-any-return]

    return run


def exported(**options: Any) -> str:
    output = io.StringIO()
    call_command("export_subscribers", stdout=output, **options)
    return output.getvalue()


def test_rows_become_subscriptions_with_their_proof_and_no_mail(run_import: Import, smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()

    report = run_import(
        "email,name,confirmed_at\nada@example.org,Ada,2024-05-01T10:00:00+00:00\nbob@example.org,Bob,\n",
        newsletter=newsletter.slug,
    )

    ada, bob = Subscription.objects.order_by("pk")
    record = ConsentRecord.objects.get(subscriber=ada.subscriber)
    assert report["subscribed"] == 2
    assert (ada.status, ada.confirmed_at, ada.subscriber.name) == (
        Status.ACTIVE,
        datetime(2024, 5, 1, 10, tzinfo=UTC),
        "Ada",
    )
    assert (bob.status, bob.confirmed_at) == (Status.ACTIVE, None)  # no date stays no date
    assert (record.method, record.asked_at) == ("import", ada.confirmed_at)
    assert smtp_mailers.messages == []


def test_somebody_who_left_is_never_brought_back(run_import: Import) -> None:
    ended = make_subscription(email="left@example.org", status=Status.ENDED, ended_at=NOW, ended_reason="page")
    reopened = make_subscription(
        email="asked@example.org", newsletter=ended.newsletter, status=Status.PENDING, ended_at=NOW
    )
    suppress(email="hard@example.org", reason=Suppression.Reason.HARD_BOUNCE, now=NOW)

    report = run_import(
        "email\nLEFT@example.org\nasked@example.org\nhard@example.org\n", newsletter=ended.newsletter.slug
    )

    ended.refresh_from_db()
    reopened.refresh_from_db()
    assert report["kept_out"] == 3
    assert (ended.status, reopened.status) == (Status.ENDED, Status.PENDING)
    assert not Subscriber.objects.filter(email="hard@example.org").exists()


@pytest.mark.parametrize(
    ("status", "reason"),
    [("unsubscribed", "imported"), ("Inactive", "imported"), ("cleaned", "hard_bounce"), ("complained", "complaint"),
     ("blocklisted", "by_hand")],
)  # fmt: skip
def test_rows_of_those_who_left_go_on_the_suppression_list(run_import: Import, status: str, reason: str) -> None:
    newsletter = make_newsletter()

    report = run_import(f"email,status\ngone@example.org,{status}\n", newsletter=newsletter.slug)
    again = run_import("email,status\ngone@example.org,active\n", newsletter=newsletter.slug)

    assert report["suppressed"] == 1
    assert Suppression.objects.get().reason == reason
    assert again["kept_out"] == 1


def test_active_reader_is_known_and_a_blank_overwrites_nothing(run_import: Import) -> None:
    active = make_subscription(email="ada@example.org", cadence=Cadence.WEEKLY)
    Subscriber.objects.update(name="Ada")

    report = run_import("email,name,cadence\nada@example.org,,daily\n", newsletter=active.newsletter.slug)

    active.refresh_from_db()
    assert report["known"] == 1
    assert (active.cadence, active.subscriber.name) == (Cadence.WEEKLY, "Ada")
    assert not ConsentRecord.objects.exists()


def test_bad_rows_are_named_by_line_and_stop_nothing(run_import: Import) -> None:
    newsletter = make_newsletter()
    lines = [
        "email,name,status,confirmed_at,newsletter",
        "nonsense,,,,",
        "b@example.org,,,soon,",
        "d@example.org,,pending,,",
        "e@example.org,too,many,cells,in,this,row",
        'f@example.org,"a name\nof two lines",,,',
        "g@example.org",
        "",
        "nul\x00@example.org,,,,",
    ]

    report = run_import("\n".join(lines), newsletter=newsletter.slug)

    assert report["subscribed"] == 3  # the one with the date that is none, without it
    assert {subscriber.name for subscriber in Subscriber.objects.all()} == {"", "a name of two lines"}
    assert sorted(problem["line"] for problem in report["problems"]) == [2, 3, 4, 5, 10]


@pytest.mark.parametrize("text", ["a@example.org\n", "", "name,status\nAda,active\n", "\x00\x01\x02", b"\xff\xfe\x00"])
def test_file_that_is_no_list_is_refused_with_a_sentence(run_import: Import, text: str | bytes) -> None:
    with pytest.raises(CommandError, match="email"):
        run_import(text, newsletter=make_newsletter().slug)


def test_unknown_newsletter_is_refused_before_anything_is_read(run_import: Import) -> None:
    with pytest.raises(CommandError, match="nothing"):
        run_import("email\na@example.org\n", newsletter="nothing")


def test_row_that_names_no_newsletter_needs_the_option(run_import: Import) -> None:
    assert run_import("email\na@example.org\n")["rejected"] == 1


@pytest.mark.parametrize("text", ["email;name\na@example.org;Ada\n", "email\tname\na@example.org\tAda\n",
                                  "\ufeffEmail,Name\r\na@example.org,Ada\r\n"])  # fmt: skip
def test_separators_and_marks_of_other_programs_are_understood(run_import: Import, text: str) -> None:
    run_import(text, newsletter=make_newsletter().slug)

    assert Subscriber.objects.get().name == "Ada"


def test_report_for_people_names_lines_and_counts(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("email\na@example.org\nnonsense\n")
    output, errors = io.StringIO(), io.StringIO()

    call_command("import_subscribers", file, newsletter=make_newsletter().slug, stdout=output, stderr=errors)

    assert "subscribed: 1" in output.getvalue()
    assert errors.getvalue().startswith("line 3: ")


def test_formulas_are_defused_in_the_export_and_come_back_as_they_were(run_import: Import) -> None:
    subscription = make_subscription(email="=cmd@example.org")
    Subscriber.objects.update(name="=HYPERLINK(1)")

    text = exported()
    Subscriber.objects.all().delete()
    run_import(text)

    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    assert rows[0]["email"] == "'=cmd@example.org"
    back = Subscription.objects.get()
    assert (back.subscriber.name, back.subscriber.email) == ("=HYPERLINK(1)", "=cmd@example.org")
    assert back.newsletter == subscription.newsletter


def test_raw_export_leaves_cells_as_they_are() -> None:
    make_subscription(email="+a@example.org")

    assert "\n+a@example.org," in exported(raw=True)


def test_round_trip_keeps_subscriptions_departures_and_the_suppression_list(run_import: Import) -> None:
    topic = make_topic()
    active = make_subscription(email="a@example.org", topics=[topic], cadence=Cadence.WEEKLY)
    ended = make_subscription(email="b@example.org", status=Status.ENDED, ended_at=NOW)
    suppress(email="c@example.org", reason=Suppression.Reason.COMPLAINT, now=NOW)
    text = exported()
    Subscriber.objects.all().delete()
    Suppression.objects.all().delete()

    report = run_import(text)

    back = {each.subscriber.email: each for each in Subscription.objects.all()}
    assert report["rejected"] == 0
    assert (back["a@example.org"].status, back["a@example.org"].cadence) == (Status.ACTIVE, Cadence.WEEKLY)
    assert back["a@example.org"].confirmed_at == active.confirmed_at
    assert back["a@example.org"].topic_set == TopicSet.objects.of([topic])
    assert (back["b@example.org"].status, back["b@example.org"].ended_at) == (Status.ENDED, ended.ended_at)
    assert is_suppressed("c@example.org")
    assert not is_suppressed("b@example.org")


def test_export_goes_to_a_file(tmp_path: Path) -> None:
    make_subscription(email="a@example.org")

    call_command("export_subscribers", tmp_path / "out.csv")

    assert "a@example.org" in (tmp_path / "out.csv").read_text()


@given(st.text())
def test_no_exported_cell_begins_a_formula(text: str) -> None:
    cell = safe_cell(text)

    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    if text == text.strip() and not text.startswith("'"):
        assert plain_cell(cell) == text
