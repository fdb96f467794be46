"""Bringing a list in at the desk, by its real pages: upload, look, answer, start, watch, take back."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.subscribers.models import ImportRun, Label, Newsletter, Subscription, Suppression
from tests.factories import make_editor, make_newsletter
from tests.subscribers.importing.lists import uploaded, worked

pytestmark = pytest.mark.django_db
HEADER = "Email Address,First Name,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,{}LEID,EUID,NOTES,TAGS\n"
SUBSCRIBED = HEADER.format("") + "".join(
    f'reader{number}@example.org,Ada,2023-04-01 10:00:00,,2023-04-01 10:01:00,,{number},x,,"""VIP"""\n'
    for number in range(25)
)
UNSUBSCRIBED = HEADER.format("UNSUB_TIME,") + "gone@example.org,,,,,,2024-01-01 10:00:00,1,x,,\n"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_editor())
    return client


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("subscribed_members_export_1.csv", SUBSCRIBED)
        file.writestr("unsubscribed_members_export_1.csv", UNSUBSCRIBED)
    return buffer.getvalue()


def upload(desk: Client, content: bytes, *, name: str, newsletter: Newsletter) -> HttpResponse:
    fields = {"file": SimpleUploadedFile(name, content), "newsletter": newsletter.pk, "ground": "On our old form"}
    return desk.post(reverse("admin:subscribers_importrun_add"), fields, follow=True)  # type: ignore[return-value]


def page(desk: Client, run: ImportRun) -> str:
    """As one reads it."""
    html = desk.get(reverse("admin:subscribers_importrun_change", args=[run.pk])).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def act(desk: Client, run: ImportRun, action: str, **fields: str) -> ImportRun:
    desk.post(reverse("admin:subscribers_importrun_change", args=[run.pk]), {"action": action, **fields})
    return worked(run, clock=timezone.now)


def test_archive_is_uploaded_recognized_shown_run_and_taken_back(desk: Client) -> None:
    upload(desk, archive(), name="export.zip", newsletter=make_newsletter(name="Morning"))
    run = worked(ImportRun.objects.get(), clock=timezone.now)

    before = page(desk, run)
    assert "Mailchimp export of unsubscribed people" in before
    assert "they will be put on the suppression list" in before
    assert (before.count("@example.org"), "gone@example.org" in before) == (20, True)
    assert "Subscribed 25" in before
    assert "VIP (25)" in before
    run = act(desk, run, "start", brings_labels="on")
    after = page(desk, run)
    assert (run.status, "What happened" in after, "Take this import back" in after) == ("finished", True, True)
    assert (Subscription.objects.count(), Suppression.objects.get().email) == (25, "gone@example.org")
    assert Label.objects.get().subscribers.count() == 25
    run = act(desk, run, "undo")
    assert (run.status, Subscription.objects.count(), Suppression.objects.count()) == ("undone", 0, 0)
    assert "Taken back" in page(desk, run)


def test_progress_is_shown_while_it_runs(desk: Client) -> None:
    run = uploaded(SUBSCRIBED, newsletter=make_newsletter())

    text = page(desk, run)

    assert "Being looked at" in text
    assert "This page brings itself up to date" in text


@pytest.mark.parametrize("content", [b"%PDF-1.7 \x00", b"", b"PK\x03\x04broken\x00"])
def test_wrong_file_comes_back_with_a_sentence(desk: Client, content: bytes) -> None:
    response = upload(desk, content or b"\n", name="list.csv", newsletter=make_newsletter())

    if response.status_code == 200:  # read as a table without addresses: it is asked what its columns mean
        assert "No column is known to hold e-mail addresses" in response.content.decode()
    else:
        assert (response.status_code, ImportRun.objects.count()) == (400, 0)


def test_who_may_only_look_can_neither_upload_nor_start_nor_export(client: Client) -> None:
    run = worked(uploaded(SUBSCRIBED, newsletter=make_newsletter()))
    user = User.objects.create_user("looker", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_importrun"))
    client.force_login(user)

    assert "Start the import" not in page(client, run)
    address = reverse("admin:subscribers_importrun_change", args=[run.pk])
    assert client.post(address, {"action": "start"}).status_code == 403
    assert upload(client, SUBSCRIBED.encode(), name="x.csv", newsletter=make_newsletter()).status_code == 403
    assert client.get(reverse("admin:subscribers_importrun_export", args=["all-subscribers"])).status_code == 403
    run.refresh_from_db()
    assert run.status == "ready"
