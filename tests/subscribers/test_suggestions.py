"""The hint at a mistyped address: asked once, answered with one click, never in the way."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from newsletter.subscribers.models import SignUp
from tests.factories import make_newsletter
from tests.subscribers.forms import last_sign_up, post_form
from tests.subscribers.test_protection import stamp

pytestmark = pytest.mark.django_db


def test_mistyped_domain_is_asked_about_and_nothing_is_sent_yet(client: Client) -> None:
    newsletter = make_newsletter()

    response = post_form(client, newsletter, email="ada@gmial.com", cadence="weekly")

    page = response.content.decode()
    assert response.status_code == 200
    assert "<strong>ada@gmail.com</strong>" in page
    assert 'value="ada@gmial.com"' in page
    assert f'value="{newsletter.slug}" checked' in page
    assert not SignUp.objects.exists()


@pytest.mark.parametrize(("choice", "address"), [("suggested", "ada@gmail.com"), ("typed", "ada@gmial.com")])
def test_one_click_takes_the_guess_or_keeps_what_was_typed(choice: str, address: str, client: Client) -> None:
    response = post_form(client, make_newsletter(), email="ada@gmial.com", address_choice=choice)

    assert response.status_code == 303
    assert last_sign_up().subscriber.email == address


def test_address_that_was_corrected_by_hand_is_taken_whatever_button_was_pressed(client: Client) -> None:
    post_form(client, make_newsletter(), email="ada@example.org", address_choice="suggested")

    assert last_sign_up().subscriber.email == "ada@example.org"


def test_whoever_sends_the_same_again_has_answered(client: Client) -> None:
    newsletter = make_newsletter()
    page = post_form(client, newsletter, email="ada@gmial.com").content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(address_choice)" value="(\w+)"', page))

    assert post_form(client, newsletter, email="ada@gmial.com", **hidden).status_code == 303


def test_click_right_after_the_question_is_not_too_quick(client: Client) -> None:
    newsletter, made = make_newsletter(), stamp(timedelta(seconds=5))

    asked = post_form(client, newsletter, email="ada@gmial.com", form_time=made)

    assert f'name="form_time" value="{made}"' in asked.content.decode()
    answer = post_form(client, newsletter, email="ada@gmial.com", form_time=made, address_choice="typed")
    assert answer.status_code == 303
