"""Dates in lists: a bad one costs nobody their place, and nothing is guessed about what one means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from newsletter.subscribers.importing import starting
from newsletter.subscribers.importing.reporting import describe
from newsletter.subscribers.models import ConsentRecord, ImportRun, Subscription
from tests.factories import NOW, make_newsletter
from tests.subscribers.importing.lists import bring_in, uploaded, worked

pytestmark = pytest.mark.django_db
FIRST_OF_FEBRUARY, SECOND_OF_JANUARY = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 1, 2, 15, 30, tzinfo=UTC)


def asked_words(run: ImportRun) -> list[tuple[str, str]]:
    return [(each["kind"], each["word"]) for each in run.questions]


def test_row_with_a_bad_date_comes_in_without_it_and_with_a_remark() -> None:
    run = bring_in("email,confirmed_at\na@example.org,soon\nb@example.org,2024-01-01\n", newsletter=make_newsletter())

    assert run.counts == {"subscribed": 2, "no_consent_date": 1, "remarks": 1}
    assert Subscription.objects.get(subscriber__email="a@example.org").confirmed_at is None
    remark = run.refusals.get()
    assert (remark.line, remark.cells) == (2, ["a@example.org", "soon"])
    assert remark.reason == "brought in without this date: not a date: soon"


@pytest.mark.parametrize(
    ("answer", "text", "expected"),
    [
        ("day-first", "01/02/2024", FIRST_OF_FEBRUARY),
        ("month-first", "1/2/2024 3:30 PM", SECOND_OF_JANUARY),
        ("-", "01/02/2024", None),
    ],
)
def test_order_of_day_and_month_is_asked(answer: str, text: str, expected: datetime | None) -> None:
    run = worked(uploaded(f"email,confirmed_at\na@example.org,{text}\n", newsletter=make_newsletter()))
    assert (run.status, asked_words(run)) == ("asking", [("order", "/")])

    assert starting.answer(run, {"answer-order:/": answer}, now=NOW)
    worked(run).start(NOW)
    worked(run)

    assert Subscription.objects.get().confirmed_at == expected
    assert run.counts.get("remarks", 0) == (0 if expected else 1)


def test_date_that_does_not_fit_the_order_is_no_date() -> None:
    run = worked(uploaded("email,confirmed_at\na@example.org,12/31/2024\n", newsletter=make_newsletter()))
    starting.answer(run, {"answer-order:/": "day-first"}, now=NOW)
    worked(run).start(NOW)

    assert worked(run).counts == {"subscribed": 1, "no_consent_date": 1, "remarks": 1}


@pytest.mark.parametrize(
    ("answer", "asked_at"), [("signed_up_at", datetime(2020, 5, 1, tzinfo=UTC)), ("recorded_at", None)]
)
def test_what_created_at_means_is_asked_in_a_plain_list(answer: str, asked_at: datetime | None) -> None:
    run = worked(uploaded("email,created_at\na@example.org,2020-05-01\n", newsletter=make_newsletter()))
    assert (run.status, asked_words(run)) == ("asking", [("date", "created_at")])
    assert "created_at" in describe(run, NOW)["questions"][0]["text"]

    assert starting.answer(run, {"answer-date:created_at": answer}, now=NOW)
    worked(run).start(NOW)
    worked(run)

    assert ConsentRecord.objects.get().asked_at == asked_at
    assert Subscription.objects.get().created_at == datetime(2020, 5, 1, tzinfo=UTC)


def test_entry_in_listmonk_is_no_consent() -> None:
    header = "uuid,email,name,attributes,status,created_at,updated_at"
    row = "1,a@example.org,Ann,{},enabled,2020-05-01 00:00:00 +0000 UTC,2020-05-01 00:00:00 +0000 UTC"

    run = bring_in(f"{header}\n{row}\n", newsletter=make_newsletter())

    assert run.counts == {"subscribed": 1, "no_consent_date": 1}


def test_command_asks_before_it_begins(tmp_path_factory: pytest.TempPathFactory) -> None:
    make_newsletter(slug="news")
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    path.write_text("email,created_at\na@example.org,01/02/2024\n")

    with pytest.raises(CommandError, match=r'--date "created_at=…"') as asked:
        call_command("import_subscribers", path, newsletter="news")
    call_command("import_subscribers", path, newsletter="news", date=["created_at=signed_up_at"], order=["/=day-first"])

    assert '--order "/=…"' in str(asked.value)
    assert ConsentRecord.objects.get().asked_at == FIRST_OF_FEBRUARY
