"""Row 52: names that look like others. They are let in, as people bear them, and the desk is warned."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from newsletter.lib.look_alikes import is_suspicious
from tests.factories import make_subscriber


@pytest.mark.parametrize(
    "text",
    [
        "p\u0430ypal@example.org",
        "info@p\u0430ypal.example",
        "info@xn--pypal-4ve.example",
        "Иван Petr\u043ev",
        "a\u202eb",
        "a\u200bb",
    ],
)
def test_mixed_alphabets_and_unseen_letters_are_suspicious(text: str) -> None:
    assert is_suspicious(text)


@pytest.mark.parametrize(
    "text",
    [
        "Jane O'Neil", "jürgen@bücher.example", "info@xn--bcher-kva.example", "Иван Петров", "Иван Smith",
        "東京タワーのABC", "Ελένη", "עדה לאבלייס", "محمد", "r2d2@example.org", "иван@почта.example", "xn--@xn--", "",
    ],
)  # fmt: skip
def test_names_of_people_are_not(text: str) -> None:
    assert not is_suspicious(text)


@pytest.mark.django_db
def test_desk_is_warned_on_the_readers_page(client: Client) -> None:
    client.force_login(User.objects.create_superuser("editor"))
    odd, plain = make_subscriber(email="info@p\u0430ypal.example"), make_subscriber(email="info@plain.example")

    pages = [client.get(f"/admin/subscribers/subscriber/{row.pk}/change/").content.decode() for row in (odd, plain)]

    assert ["may not be what it looks like" in page for page in pages] == [True, False]
