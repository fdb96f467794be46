"""A speed limit is of something that is there."""

from __future__ import annotations

import pytest

from newsletter.delivery.admin.transports import SpeedLimitForm
from newsletter.delivery.models import Campaign, SpeedLimit

pytestmark = pytest.mark.django_db


def _form(scope: str, name: str) -> SpeedLimitForm:
    fields = {"scope": scope, "name": name, "per_second": "5"}
    form: type[SpeedLimitForm] = type("Form", (SpeedLimitForm,), {"Meta": _Meta})
    return form(fields)


class _Meta:
    model = SpeedLimit
    fields = ("scope", "name", "per_second")


def test_a_newsletter_must_exist_and_those_that_do_are_named(campaign: Campaign) -> None:
    slug = campaign.issue.newsletter.slug

    wrong = _form("newsletter", f"{slug}s")

    assert f"There are: {slug}." in wrong.errors["name"][0]
    assert _form("newsletter", slug.upper()).is_valid()


@pytest.mark.parametrize("name", ["paper", "two words.com", "https://gmail.com/", "gmail.com, gmx.net"])
def test_what_is_no_domain_is_told(name: str) -> None:
    assert "no mail domain" in _form("domain", name).errors["name"][0]


def test_a_domain_is_kept_as_its_group() -> None:
    form = _form("domain", "GoogleMail.com")

    assert form.is_valid()
    assert form.cleaned_data["name"] == "gmail.com"
