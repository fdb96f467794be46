"""What an import puts on readers whom we know, labels and missing details: told in their history and taken back."""

from __future__ import annotations

import pytest

from newsletter.insights import timeline
from newsletter.subscribers.importing import restoring
from newsletter.subscribers.importing.values import labels
from newsletter.subscribers.models import Change, Label, Subscriber
from tests.factories import NOW, make_newsletter, make_subscriber
from tests.subscribers.importing.lists import uploaded, worked

pytestmark = pytest.mark.django_db
TAGGED = "email,tags\nknown@example.org,Board;Press\nnew@example.org,Press\n"


def label_names(email: str) -> list[str]:
    return sorted(Label.objects.filter(subscribers__email=email).values_list("name", flat=True))


@pytest.mark.parametrize(
    ("cell", "names"),
    [("a;b", ("a", "b")), ("a, b,a", ("a", "b")), ('"A, or B","C"', ("A, or B", "C")), (" ; ", ()),
     ("x" * 99, ("x" * 60,))],
)  # fmt: skip
def test_tags_of_one_cell_are_read_as_each_product_writes_them(cell: str, names: tuple[str, ...]) -> None:
    assert labels(cell) == names


def test_labels_are_counted_first_and_put_on_readers_only_if_somebody_says_so() -> None:
    run = worked(uploaded(TAGGED, newsletter=make_newsletter()))
    assert run.labels == {"Press": 2, "Board": 1}

    run.start(NOW)
    worked(run)

    assert not Label.objects.exists()


def test_labels_join_those_that_a_reader_has_and_are_taken_back_alone() -> None:
    known = make_subscriber(email="known@example.org")
    known.labels.add(Label.objects.create(name="Board"), Label.objects.create(name="Own"))
    run = worked(uploaded(TAGGED, newsletter=make_newsletter()))

    run.start(NOW, brings_labels=True)
    run = worked(run)
    assert label_names("known@example.org") == ["Board", "Own", "Press"]
    assert label_names("new@example.org") == ["Press"]
    run.undo(NOW)
    worked(run)

    assert label_names("known@example.org") == ["Board", "Own"]


def test_desk_is_not_flooded_with_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "MAX_LABELS_OF_ALL", 3)
    rows = "".join(f"a{number}@example.org,tag{number}\n" for number in range(9))
    run = worked(uploaded(f"email,tags\n{rows}", newsletter=make_newsletter()))

    run.start(NOW, brings_labels=True)

    assert worked(run).counts["subscribed"] == 9
    assert Label.objects.count() == 3


def test_timeline_tells_what_an_import_filled_in_and_that_it_was_taken_back() -> None:
    known = make_subscriber(email="known@example.org", language="de")
    run = worked(uploaded("email,name,language,time_zone\nKnown@example.org,Ann,en,Europe/Vienna\n",
                          newsletter=make_newsletter()))  # fmt: skip
    run.start(NOW)
    run = worked(run)

    known.refresh_from_db()
    assert (known.name, known.language, known.time_zone) == ("Ann", "de", "Europe/Vienna")
    filled_in = Change.objects.order_by("field").values_list("field", "by", "before", "after")
    assert list(filled_in) == [("name", "import", "", ""), ("time_zone", "import", "", "Europe/Vienna")]
    run.undo(NOW)
    worked(run)

    known.refresh_from_db()
    assert (known.name, known.time_zone) == ("", "")
    assert Change.objects.get(before="Europe/Vienna").after == ""
    assert len(timeline.page(subscriber=Subscriber.objects.get()).entries) >= 4
