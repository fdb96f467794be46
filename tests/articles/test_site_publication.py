from __future__ import annotations

import io
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.core import mail as outbox
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from django.views.defaults import server_error
from PIL import Image
from pytest_django import DjangoAssertNumQueries, Settings

from articles import colors
from articles.models import Publication
from articles.models.publication import DARK_PAPER, DARK_WASH, LIGHT_PAPER, LIGHT_WASH
from newsletter.lib import mail
from tests.factories import make_article

pytestmark = pytest.mark.django_db

PAGE = "/admin/articles/publication/1/change/"


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("owner"))
    return client


def chosen(**fields: object) -> dict[str, object]:
    return {"name": "", "description": "", "accent_color": "#8a2f1d", "typeface": "book", **fields}


def png(mode: str = "RGBA", size: tuple[int, int] = (2000, 400)) -> SimpleUploadedFile:
    buffer = io.BytesIO()
    Image.new(mode, size, (0, 0, 0, 0)).save(buffer, "PNG")
    return SimpleUploadedFile("My Logo.png", buffer.getvalue(), "image/png")


def test_name_set_at_the_desk_is_the_name_everywhere(desk: Client, client: Client, settings: Settings) -> None:
    assert settings.SITE_NAME in client.get("/").text

    desk.post(PAGE, chosen(name="The Lantern & Post", description="News of the coast."))

    assert "The Lantern &amp; Post" in client.get("/").text
    assert 'content="News of the coast."' in client.get("/").text
    assert client.get("/feed.json").json()["title"] == "The Lantern & Post"
    assert "<title>The Lantern &amp; Post</title>" in client.get("/feed.xml").text
    assert "The Lantern &amp; Post" in desk.get("/admin/").text
    letter = mail.compose(template="my_link", to="ada@example.org", context={"url": "https://example.org/"})
    assert "The Lantern & Post" in letter.subject
    assert letter.from_email.startswith('"The Lantern & Post" <')
    assert not getattr(outbox, "outbox", [])


def test_error_page_has_the_publications_name_without_asking_the_database(
    client: Client, rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Publication.objects.create(name="The Lantern & Post")
    client.get("/")

    with django_assert_num_queries(0):
        response = server_error(rf.get("/"))

    assert "The Lantern &amp; Post" in response.content.decode()


def test_page_is_there_before_anything_was_set(desk: Client) -> None:
    assert desk.get("/admin/articles/publication/")["Location"] == PAGE
    assert desk.get(PAGE).status_code == HTTPStatus.OK
    assert not Publication.objects.exists()


@pytest.mark.parametrize("color", ["#ffcc00", "#000000", "#ffffff", "#808080", "#0000ff", "#8a2f1d"])
def test_accent_is_readable_on_every_ground(color: str) -> None:
    publication = Publication(accent_color=color)

    for shown, grounds in (
        (publication.accent, (LIGHT_PAPER, LIGHT_WASH)),
        (publication.accent_on_dark, (DARK_PAPER, DARK_WASH)),
    ):
        assert min(colors.contrast(shown, ground) for ground in grounds) >= 4.5


def test_color_that_is_hard_to_read_is_mended_and_the_editor_is_told(desk: Client, client: Client) -> None:
    text = desk.post(PAGE, chosen(accent_color="#ffcc00", typeface="slab"), follow=True).text

    assert "On light pages #ffcc00 has a contrast of 1.3 to 1, and text needs 4.5" in text
    address = Publication.current().stylesheet_url
    assert f'<link rel="stylesheet" href="{address}">' in client.get("/").text
    css = client.get(address)
    assert f"light-dark({Publication.current().accent}, #ffcc00)" in css.text
    assert "Rockwell" in css.text
    assert "immutable" in css["Cache-Control"]


@pytest.mark.parametrize("path", ["xyz-book", "8a2f1d-comic", "8a2f1d-", "8a2f1d}-book", "%0a-book"])
def test_no_other_stylesheet_can_be_made_up(client: Client, path: str) -> None:
    assert client.get(f"/look/{path}.css").status_code == HTTPStatus.NOT_FOUND


@pytest.mark.parametrize("color", ["red", "#12", "#8a2f1d;}", "url(x)"])
def test_what_is_no_color_is_refused(desk: Client, color: str) -> None:
    assert desk.post(PAGE, chosen(accent_color=color)).context["errors"]
    assert not Publication.objects.exists()


def test_logo_keeps_its_transparency_and_stands_in_the_masthead(
    desk: Client, client: Client, settings: Settings, tmp_path: object
) -> None:
    settings.MEDIA_ROOT = tmp_path

    desk.post(PAGE, chosen(name="The Lantern", logo=png()))

    publication = Publication.current()
    assert (publication.logo_width, publication.logo_height) == (960, 192)
    assert "My" not in str(publication.logo.name)
    with publication.logo.open("rb") as file, Image.open(file) as image:
        assert image.mode == "RGBA"
    assert f'src="{publication.logo.url}" alt="The Lantern" width="960" height="192"' in client.get("/").text


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a", b""])
def test_what_is_no_picture_is_no_logo(desk: Client, content: bytes) -> None:
    response = desk.post(PAGE, chosen(logo=SimpleUploadedFile("logo.svg", content)))

    assert response.status_code == HTTPStatus.OK
    assert not Publication.objects.exists()


def test_preview_shows_what_is_typed_and_saves_nothing(desk: Client, client: Client) -> None:
    make_article(title="Ferry is back", released_at=timezone.now() - timedelta(hours=1))
    query = {"name": "<b>Lantern", "accent_color": "#0000ff", "typeface": "classic"}

    page = desk.get("/admin/articles/publication/preview/", query)

    assert "&lt;b&gt;Lantern" in page.text
    assert "Ferry is back" in page.text
    assert "/look/0000ff-classic.css" in page.text
    assert page["X-Frame-Options"] == "SAMEORIGIN"
    assert not Publication.objects.exists()
    assert client.get("/admin/articles/publication/preview/").status_code == HTTPStatus.FOUND
