"""What the desk tells of how many readers there are, after work that changed many of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from newsletter.subscribers import bulk_actions, counting
from newsletter.subscribers.importing import running
from newsletter.subscribers.models import BulkAction, ImportRun, Newsletter, Subscription
from tests.factories import NOW, make_editor, make_newsletter, make_subscription
from tests.subscribers.importing.lists import bring_in, uploaded, worked

pytestmark = pytest.mark.django_db
PEOPLE = "".join(f"reader{number}@example.org,2024-01-01\n" for number in range(5))
LIST = f"email,confirmed_at\n{PEOPLE}"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three readers are many already."""
    monkeypatch.setattr(counting, "FEW", 2)


def told(newsletter: Newsletter) -> str:
    return counting.readers_in_words([newsletter])[newsletter.pk]


def begin(kind: BulkAction.Kind, rows: Sequence[Subscription]) -> BulkAction:
    queryset = Subscription.objects.filter(pk__in=[row.pk for row in rows])
    return bulk_actions.begin(kind=kind, rows=queryset, values={}, by=make_editor(), now=NOW)


def test_import_is_counted_at_its_end_and_again_when_it_was_taken_back() -> None:
    newsletter = make_newsletter()
    counting.recount(now=NOW)

    run = bring_in(LIST, newsletter=newsletter)
    after = told(newsletter)
    run.undo(NOW)
    worked(run)

    assert after == "about 5"
    assert told(newsletter) == "0"


def test_import_that_is_cancelled_on_its_way_is_counted_as_far_as_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    newsletter = make_newsletter()
    counting.recount(now=NOW)
    run = worked(uploaded(LIST, newsletter=newsletter))
    run.start(NOW)
    monkeypatch.setattr(running, "CHUNK", 3)

    def cancel(_run: ImportRun) -> None:
        ImportRun.objects.get(pk=run.pk).cancel(NOW)

    running.advance(import_run_id=run.pk, clock=lambda: NOW, tell=cancel)

    assert Subscription.objects.count() == 3
    assert told(newsletter) == "about 3"


def test_looking_at_a_list_counts_nothing_again() -> None:
    worked(uploaded(LIST, newsletter=make_newsletter()))

    assert counting.recount(now=NOW)


def test_bulk_action_is_counted_at_its_end_and_when_it_was_taken_back() -> None:
    newsletter = make_newsletter()
    rows = [make_subscription(newsletter=newsletter) for _ in range(5)]
    counting.recount(now=NOW)

    action = begin(BulkAction.Kind.END, rows)
    bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW)
    after = told(newsletter)
    action.refresh_from_db()
    action.undo(NOW)
    bulk_actions.advance(bulk_action_id=action.pk, clock=lambda: NOW)

    assert after == "0"
    assert told(newsletter) == "about 5"


def test_no_number_is_told_of_a_newsletter_that_grew_since_it_was_counted() -> None:
    newsletter, old = make_newsletter(), make_newsletter()
    for _ in range(3):
        make_subscription(newsletter=old)
    counting.recount(now=NOW)
    for _ in range(3):
        make_subscription(newsletter=newsletter)

    words = counting.readers_in_words([newsletter, old])

    assert words == {newsletter.pk: "being counted", old.pk: "about 3"}
