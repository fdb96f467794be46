"""The page that gives editors the form for other sites."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

from newsletter.subscribers.models import MailDomain
from newsletter.subscribers.surfaces.snippets import snippets_of
from tests.factories import make_newsletter
from tests.subscribers.forms import last_sign_up

pytestmark = pytest.mark.django_db


def test_page_shows_every_snippet_and_the_form_itself(desk: Client) -> None:
    newsletter = make_newsletter(name='The "Daily" <News>')

    response = desk.get(f"/admin/subscribers/newsletter/{newsletter.pk}/form/")

    page = response.content.decode()
    assert response.status_code == 200
    for snippet in snippets_of(newsletter):
        assert html.escape(snippet.code) in page
    assert f'src="/embed/{newsletter.slug}/"' in page
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>[^<]*data-copy", page)


def test_page_of_the_newsletter_leads_there(desk: Client) -> None:
    newsletter = make_newsletter()

    page = desk.get(f"/admin/subscribers/newsletter/{newsletter.pk}/change/").content.decode()

    assert f"/admin/subscribers/newsletter/{newsletter.pk}/form/" in page


def test_words_in_a_snippet_are_escaped() -> None:
    newsletter = make_newsletter(name='"><script>alert(1)</script>', consent_text="</p><script>alert(2)</script>")

    assert not [each for each in snippets_of(newsletter) if "<script>alert" in each.code]


def test_plain_form_works_as_it_is_copied(client: Client) -> None:
    newsletter = make_newsletter()
    code = next(each.code for each in snippets_of(newsletter) if each.name == "form")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', code))
    action = re.search(r'action="https?://[^/]+(/[^"]+)"', code)
    assert action

    response = client.post(action[1], {**fields, "email": "reader@example.org", "comment": ""})

    assert response.status_code == 303
    assert last_sign_up().subscriptions.get().newsletter == newsletter


@pytest.mark.parametrize("typed", ["trash.example", " Trash.Example. ", "@trash.example", "*.trash.example"])
def test_domain_is_kept_as_sign_ups_are_compared_with_it(typed: str, desk: Client) -> None:
    response = desk.post("/admin/subscribers/maildomain/add/", {"domain": typed, "verdict": "refused", "note": ""})

    assert response.status_code == 302
    assert MailDomain.objects.get().domain == "trash.example"


@pytest.mark.parametrize("typed", ["", "nonsense", "a b.example", "trash.example/"])
def test_what_is_no_domain_is_refused(typed: str, desk: Client) -> None:
    response = desk.post("/admin/subscribers/maildomain/add/", {"domain": typed, "verdict": "refused", "note": ""})

    assert response.status_code == 200
    assert not MailDomain.objects.exists()
