"""Row 19: files made to do harm. What is refused leaves nothing, what is taken mails nobody.

Further attacks on the reader itself: tests/subscribers/importing/test_hostile_files.py.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from newsletter.subscribers.importing.files import UnreadableFile
from newsletter.subscribers.models import ImportRun, SignUp, Subscriber
from tests.factories import make_editor, make_newsletter
from tests.servers.smtp import SmtpServer
from tests.subscribers.importing.lists import bring_in, uploaded

pytestmark = pytest.mark.django_db
PLACE = Path(django_settings.PRIVATE_ROOT) / "imports"


def archive(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("path", ["../../evil.csv", "/tmp/evil.csv", "C:\\evil.csv", "a/../../evil.csv"])  # noqa: S108
def test_zip_slip_writes_nowhere_but_in_its_folder(path: str) -> None:
    before = set(PLACE.rglob("*")) if PLACE.exists() else set()

    uploaded(archive((path, b"email\na@example.org\n")), name="list.zip")

    assert {each.name for each in set(PLACE.rglob("*")) - before if each.is_file()} == {"0.csv"}


def test_many_tables_that_are_small_each_count_together(settings: Settings) -> None:
    settings.IMPORT_MAX_MEGABYTES = 5
    tables = [(f"{number}.csv", b"email\n" + b"a" * 900_000) for number in range(6)]

    with pytest.raises(UnreadableFile, match="megabytes"):
        uploaded(archive(*tables), name="list.zip")

    assert not ImportRun.objects.exists()


def test_names_and_cells_are_text_on_the_desks_page(client: Client) -> None:
    client.force_login(make_editor())
    attack = "<script>alert(1)</script>"
    file = SimpleUploadedFile(f"{attack}.csv", f"email,name,{attack}\na@example.org,{attack},x\n".encode())

    page = client.post(
        reverse("admin:subscribers_importrun_add"), {"file": file, "ground": "On paper"}, follow=True
    ).content.decode()

    assert ImportRun.objects.exists()
    assert attack not in page


def test_import_sends_nothing(smtp_server: SmtpServer) -> None:
    text = "email,status,confirmed_at\na@example.org,,\nb@example.org,,2024-01-01\nc@example.org,unsubscribed,\n"

    bring_in(text, newsletter=make_newsletter())

    assert Subscriber.objects.count() == 2
    assert not SignUp.objects.exists()
    assert smtp_server.messages == []


def test_bad_rows_between_good_ones_stop_nothing_and_name_their_lines() -> None:
    bad = ["", "nobody", "a@b@c.example", '"', "x" * 70 + "@example.org", "a@example.org\x00", "=cmd|' /C calc'!A0"]
    lines = [line for number, row in enumerate(bad) for line in (row, f"good{number}@example.org")]

    run = bring_in("\n".join(["email,name", *lines, ""]), newsletter=make_newsletter())

    assert run.counts["subscribed"] == len(bad)
    assert run.refusals.count() == len(bad) - 1  # an empty line is none
    assert all(refusal.reason and not refusal.line % 2 for refusal in run.refusals.all())
