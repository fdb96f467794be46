"""A page is in one language: the reader's if the site speaks it, the site's own otherwise."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize("accepted", ["de", "ar;q=0.9", "en-GB", "tlh"])
def test_language_without_a_catalog_gets_the_page_in_the_sites_own(accepted: str) -> None:
    response = Client().get("/", headers={"accept-language": accepted})

    assert response.headers["Content-Language"] == "en"
    assert '<html lang="en" dir="ltr">' in response.text
