"""Who is erased is in no file that waits, in no row that was shown, and in no row that was refused."""

from __future__ import annotations

import pytest

from newsletter.subscribers.importing import files
from newsletter.subscribers.models import ImportRefusal, ImportRun, Subscriber
from newsletter.subscribers.privacy import erase
from tests.factories import NOW, make_newsletter, make_subscriber
from tests.subscribers.importing.lists import bring_in, uploaded, worked

pytestmark = pytest.mark.django_db
LIST = (
    'email,name,note\nfirst@example.org,One,\nANN@Example.org,Ann Lee,"two\nlines"\nann@example.org,Again,\n'
    "annika@example.org,Other,\nlast@example.org,Last,\n"
)


def kept_text(run: ImportRun) -> str:
    return "".join(path.read_text() for path in files.folder_of(run.folder).iterdir())


def test_waiting_file_loses_their_rows_and_no_others_and_runs_as_if_they_had_never_been_in_it() -> None:
    run = worked(uploaded(LIST, newsletter=make_newsletter()))
    size = len(kept_text(run))

    erase(subscriber=make_subscriber(email="ann@example.org"), now=NOW)

    run.refresh_from_db()
    text = kept_text(run)
    assert (len(text), "Ann Lee" in text, "ann@" in text.lower(), "lines" in text) == (size, False, False, False)
    assert [row["email"] for row in run.sample] == ["first@example.org", "annika@example.org", "last@example.org"]
    assert run.start(NOW)
    assert worked(run).counts == {"subscribed": 3, "no_consent_date": 3}
    assert Subscriber.objects.get(email="last@example.org").name == "Last"


@pytest.mark.parametrize("spelled", ["ünal@bücher.example", "Ünal@xn--bcher-kva.example"])
def test_every_spelling_of_an_address_is_found(spelled: str) -> None:
    run = worked(uploaded(f"email,name\n{spelled},Ünal\n", newsletter=make_newsletter()))

    erase(subscriber=make_subscriber(email="ünal@bücher.example"), now=NOW)

    assert "nal" not in kept_text(run).partition("\n")[2]


def test_refused_rows_are_theirs_too() -> None:
    text = 'email,confirmed_at\nann@example.org,someday\nbob@example.org,someday\n"Ann" ann@example.org,,,x\n'
    run = bring_in(text, newsletter=make_newsletter())
    assert run.refusals.count() == 3  # two of them are remarks

    erase(subscriber=Subscriber.objects.get(email="ann@example.org"), now=NOW)

    assert [refusal.cells[0] for refusal in ImportRefusal.objects.all()] == ["bob@example.org"]
