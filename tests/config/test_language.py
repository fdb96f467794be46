"""A page is in one language: the publication's, the newsletter's or the reader's; the desk is in English."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from newsletter.lib.languages import translated_languages

pytestmark = pytest.mark.django_db


@pytest.fixture
def german_site(settings: Settings) -> None:
    settings.LANGUAGE_CODE = "de"


@pytest.mark.parametrize("accepted", ["de", "ar;q=0.9", "en-GB", "tlh"])
def test_page_is_in_the_publications_language_whatever_the_browser_asks_for(accepted: str) -> None:
    response = Client().get("/", headers={"accept-language": accepted})

    assert response.headers["Content-Language"] == "en"
    assert "Accept-Language" not in response.headers.get("Vary", "")
    assert '<html lang="en" dir="ltr">' in response.text


@pytest.mark.usefixtures("german_site")
def test_pages_of_a_german_publication_are_in_german() -> None:
    pages = {path: Client().get(path) for path in ("/", "/subscribe/", "/my-link/", "/search/", "/nowhere/")}

    assert {page.headers["Content-Language"] for page in pages.values()} == {"de"}
    assert all('<html lang="de" dir="ltr">' in page.text for page in pages.values())
    assert "Zum Inhalt springen" in pages["/"].text
    assert "Seite nicht gefunden" in pages["/nowhere/"].text


@pytest.mark.usefixtures("german_site")
def test_desk_of_a_german_publication_is_in_english(admin_client: Client) -> None:
    page = admin_client.get("/admin/subscribers/newsletter/add/")

    assert page.headers["Content-Language"] == "en"
    assert '<html lang="en' in page.text
    assert "Save and add another" in page.text  # Django's own words, which would be German


def test_language_of_one_page_is_not_that_of_the_next() -> None:
    with translation.override("fr"):
        Client().get("/")

        assert translation.get_language() == "fr"


def test_there_are_the_languages_that_are_promised() -> None:
    assert {"en", "ar", "de", "es", "fr", "he"} <= translated_languages()
