"""Files that are broken, huge or meant to do harm: a sentence or a refused row, never a crash, never much memory."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from newsletter.subscribers.importing import files, records
from newsletter.subscribers.importing.files import UnreadableFile
from newsletter.subscribers.models import ImportRun, Subscriber
from tests.factories import make_newsletter
from tests.subscribers.importing.lists import bring_in, uploaded

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "content",
    ["email,name\na@example.org,Zoë\n".encode(), "email,name\na@example.org,Zoë\n".encode("utf-8-sig"),
     "email,name\na@example.org,Zoë\n".encode("utf-16"), "email,name\na@example.org,Zoë\n".encode("utf-16-le"),
     "email,name\na@example.org,Zoë\n".encode("utf-16-be"), "email,name\na@example.org,Zoë\n".encode("cp1252"),
     "sep=;\r\nemail;name\r\na@example.org;Zoë\r\n".encode(), b"email\tname\ra@example.org\tZo\xc3\xab\r",
     "\n\nemail|name\nmailto:a@example.org|Zoë\n".encode(), "email\nZoë <a@example.org>\n".encode()],
)  # fmt: skip
def test_encodings_separators_and_line_ends_of_the_world_are_read(content: bytes) -> None:
    bring_in(content, newsletter=make_newsletter())

    reader = Subscriber.objects.get()
    assert (reader.email, reader.name) == ("a@example.org", "Zoë")


def test_unclosed_quotation_mark_costs_one_row() -> None:
    text = 'email,name\na@example.org,"Ann\nb@example.org,Bob\nc@example.org,"Cem\nof Graz"\nd@example.org,Do "D" ra\n'

    run = bring_in(text, newsletter=make_newsletter())

    assert [refusal.line for refusal in run.refusals.all()] == [2]
    assert set(Subscriber.objects.values_list("email", "name")) == {
        ("b@example.org", "Bob"), ("c@example.org", "Cem of Graz"), ("d@example.org", 'Do "D" ra'),
    }  # fmt: skip


def test_quotation_mark_that_swallows_the_rest_of_the_file_does_not() -> None:
    rows = "".join(f"reader{number}@example.org,x\n" for number in range(3000))

    run = bring_in(f'email,name\na@example.org,"Ann\n{rows}', newsletter=make_newsletter())

    assert (run.counts["subscribed"], run.counts["rejected"]) == (3000, 1)
    assert run.refusals.get().line == 2


def test_nul_and_control_characters_end_in_a_refused_row_or_vanish() -> None:
    run = bring_in(
        "email,name,page_url\na\x00@example.org,,\nb@example.org,B\x00ob,x\x00y\n", newsletter=make_newsletter()
    )

    assert run.counts["rejected"] == 1
    assert Subscriber.objects.get().name == "Bob"


def test_too_many_columns_are_refused_without_being_read() -> None:
    with pytest.raises(UnreadableFile, match="columns"):
        uploaded("email" + ",x" * 5_000_000)
    with pytest.raises(UnreadableFile, match="columns"):
        uploaded("email" + ",x" * 2_000 + "\n")


def test_endless_cell_is_one_bad_row() -> None:
    run = bring_in(f"email,name\na@example.org,{'x' * 3_000_000}\nb@example.org,B\n", newsletter=make_newsletter())

    assert [reader.email for reader in Subscriber.objects.all()] == ["b@example.org"]
    assert run.counts["rejected"] >= 1


def archive(*members: tuple[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


def test_zip_bomb_is_stopped_at_the_limit_and_leaves_nothing(settings: Settings) -> None:
    settings.IMPORT_MAX_MEGABYTES = 5
    place = Path(django_settings.PRIVATE_ROOT) / "imports"
    before = set(place.iterdir()) if place.exists() else set()
    bomb = archive(("list.csv", b"email\n" + b"a" * 50_000_000))

    with pytest.raises(UnreadableFile, match="megabytes"):
        uploaded(bomb, name="list.zip")

    assert not ImportRun.objects.exists()
    assert set(place.iterdir()) == before


def test_names_in_an_archive_are_no_paths() -> None:
    run = uploaded(archive(("../../../../tmp/evil.csv", "email\na@example.org\n")), name="../list.zip")

    place = files.folder_of(run.folder)
    assert [file.name for file in place.iterdir()] == ["0.csv"]
    assert not Path("/tmp/evil.csv").exists()  # noqa: S108


def test_archive_in_an_archive_is_not_opened() -> None:
    inner = archive(("list.csv", "email\na@example.org\n"))

    with pytest.raises(UnreadableFile, match="not opened"):
        uploaded(archive(("inner.zip", inner)), name="list.zip")


@pytest.mark.parametrize("content", [b"%PDF-1.7 \x00", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0\xa1", b"", b"\n\n\n"])
def test_what_is_no_table_is_refused_with_a_sentence(content: bytes) -> None:
    try:
        run = uploaded(content)
    except UnreadableFile as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert run.status == "asking"


def test_file_with_folder_is_private() -> None:
    run = uploaded("email\na@example.org\n")

    place = files.folder_of(run.folder)
    assert place.stat().st_mode & 0o077 == 0
    assert not place.is_relative_to(django_settings.MEDIA_ROOT)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        path.write_text("email,name\n" + "".join(f"reader{number}@example.org,Name\n" for number in range(rows)))
        dialect = records.read_dialect(path)
        tracemalloc.start()
        count = sum(1 for _record in records.read_records(path, dialect, offset=dialect.offset, line=dialect.line))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return used

    assert peak(60_000) < peak(6_000) + 100_000  # both are longer than what is read at once
