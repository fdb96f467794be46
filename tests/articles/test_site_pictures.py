from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db  # the page for what is not found shows the topics

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    (tmp_path / "secret.png").write_bytes(b"outside")
    return tmp_path / "media"


def test_picture_is_served_to_be_kept_and_never_guessed_about(client: Client, media: Path) -> None:
    (media / "boat.png").write_bytes(PNG)

    response = client.get("/media/boat.png")

    assert b"".join(response.streaming_content) == PNG  # type: ignore[attr-defined]
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response["Cache-Control"]
    assert "sandbox" in response["Content-Security-Policy"]
    assert not response.cookies


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "list.csv", "script.js", "noextension", "boat.png.html"])
def test_nothing_but_pictures_is_served(client: Client, media: Path, name: str) -> None:
    (media / name).write_bytes(b"<script>alert(1)</script>")

    assert client.get(f"/media/{name}").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("path", ["../secret.png", "%2e%2e/secret.png", "..%2fsecret.png"])
def test_nobody_climbs_out_of_the_folder(client: Client, media: Path, path: str) -> None:
    assert client.get(f"/media/{path}").status_code == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("path", ["", "no.png", "/etc/passwd.png", "folder/"])
def test_what_is_not_in_the_folder_is_not_found(client: Client, media: Path, path: str) -> None:
    (media / "folder").mkdir()

    assert client.get(f"/media/{path}").status_code == HTTPStatus.NOT_FOUND
