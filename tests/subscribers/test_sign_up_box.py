"""The box that other parts put on their pages."""

from __future__ import annotations

import re

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from newsletter.subscribers.models import Newsletter
from tests.factories import make_newsletter, make_topic

pytestmark = pytest.mark.django_db


def box(newsletter: Newsletter | None = None, path: str = "/articles/a-story/") -> str:
    argument = " newsletter" if newsletter else ""
    template = Template("{% load signup %}{% sign_up_box" + argument + " %}")
    return template.render(Context({"request": RequestFactory().get(path), "newsletter": newsletter}))


def test_box_offers_every_open_newsletter_and_ticks_none() -> None:
    news, closed = make_newsletter(), make_newsletter(is_open=False)

    html = box()

    assert f'value="{news.slug}"' in html
    assert closed.slug not in html
    assert not re.search(r'type="checkbox"[^>]*checked', html)
    assert 'method="post" action="/subscribe/"' in html


@pytest.mark.parametrize(
    ("kinds", "promise"),
    [
        (["digest"], "Sign up to get the latest news."),
        (["announcements"], "Sign up to get updates."),
        (["digest", "announcements", "digest"], "Sign up to get the latest news and updates."),
        (["offers", "digest"], "Sign up to get the latest news and special offers."),
        (["digest", "announcements", "offers"], "Sign up to get the latest news, updates and special offers."),
    ],
)
def test_box_promises_what_its_newsletters_are_and_no_more(kinds: list[str], promise: str) -> None:
    for kind in kinds:
        make_newsletter(kind=kind)
    make_newsletter(kind="offers", is_open=False)

    assert f">{promise}</h2>" in box()


def test_box_of_one_newsletter_needs_no_tick() -> None:
    newsletter = make_newsletter(consent_text="I want it.")
    make_newsletter()

    html = box(newsletter)

    assert f'<input type="hidden" name="newsletters" value="{newsletter.slug}">' in html
    assert "I want it." in html
    assert 'type="checkbox" id="box-newsletter' not in html


def test_box_of_a_closed_newsletter_is_empty() -> None:
    assert box(make_newsletter(is_open=False)).strip() == ""


def test_box_is_empty_where_there_is_nothing_to_sign_up_for() -> None:
    assert box().strip() == ""


def test_box_names_its_page_and_has_the_honeypot_and_the_right_input_types() -> None:
    make_newsletter()

    html = box(path="/articles/the-story/")

    assert 'name="page_url" value="http://localhost:8000/articles/the-story/"' in html
    assert 'name="comment"' in html
    assert 'type="email"' in html
    assert 'autocomplete="email"' in html


def test_box_offers_the_cadences_and_topics_of_digests_only() -> None:
    make_newsletter(kind=Newsletter.Kind.OFFERS, cadences=["monthly"])
    without = box()
    make_newsletter(cadences=["daily", "weekly"])
    topic = make_topic()

    with_digest = box()

    assert 'name="cadence"' not in without
    assert re.findall(r'name="cadence" value="(\w+)"', with_digest) == ["daily", "weekly"]
    assert f'name="topics" value="{topic.slug}"' in with_digest


def test_box_takes_two_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_newsletter()
    make_newsletter()

    with django_assert_num_queries(2):
        box()
