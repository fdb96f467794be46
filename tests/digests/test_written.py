"""Pictures and buttons in the text of an announcement: in the mail, in its text part, on the web version."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from newsletter.digests import preflight, prose, written
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue
from newsletter.digests.preflight import Line
from newsletter.subscribers.models import Newsletter
from tests.digests.reading import Reading
from tests.factories import NOW, make_issue, make_newsletter

PICTURE = "http://localhost:8000/media/pictures/2026/11/open-day-0a1b2c3d-1600x1000.jpg"


def figure(attributes: str) -> str:
    return f'<figure><img src="{PICTURE}" {attributes}><figcaption>Last year.</figcaption></figure>'


def announcement(body: str) -> Issue:
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    return make_issue(newsletter=newsletter, subject="Our open day on Saturday", body=body)


def line_about_pictures(issue: Issue) -> Line:
    return next(line for line in preflight.examine(sample(issue, now=NOW), now=NOW) if line.key == "alt")


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.SITE_URL = "http://localhost:8000"


def test_own_picture_has_its_size_in_the_mail_and_its_words_in_the_text() -> None:
    html = written.html_of(f"<p>Come.</p>{figure('alt="A ship &amp; a pier" width="9999"')}")

    picture = Reading(html).one("img").attributes
    assert (picture["width"], picture["height"], picture["alt"]) == ("552", "345", "A ship & a pier")
    assert picture["src"].startswith("http://localhost:8000/media/")
    assert prose.to_text(html) == "Come.\n\n[Picture: A ship & a pier]\n\nLast year."


@pytest.mark.parametrize(
    "source",
    [
        "https://elsewhere.example/x-100x100.jpg", "javascript:a()", "data:image/png;base64,AA==",
        "http://localhost:8000.evil.example/media/a-10x10.jpg", "http://localhost:8000/media/pictures/no-size.jpg",
        "http://localhost:8000/media/pictures/a-0a1b2c3d-100x100.svg",
    ],
)  # fmt: skip
def test_picture_that_is_not_kept_here_or_not_shown_everywhere_is_left_out(source: str) -> None:
    html = written.html_of(f'<p>Come.</p><figure><img src="{source}" alt="x"></figure>')

    assert html == "<p>Come.</p>"


def test_decoration_says_so_to_those_who_listen() -> None:
    assert Reading(written.html_of(figure('alt=""'))).one("img").attributes["role"] == "presentation"


def test_button_is_a_link_that_looks_like_one_and_no_other_class_is_kept() -> None:
    html = written.html_of(
        '<p class="action evil" id="x"><a href="https://a.example/">Sign up</a></p><p class="ad">B</p>'
    )

    assert html == '<p class="action"><a href="https://a.example/">Sign up</a></p><p>B</p>'
    assert prose.to_text(html).startswith("Sign up\nhttps://a.example/\n")


@pytest.mark.django_db
def test_picture_that_nobody_described_keeps_an_announcement_from_being_approved() -> None:
    line = line_about_pictures(announcement(figure("")))

    assert (line.verdict, line.place) == (preflight.Verdict.ERROR, "#body")


@pytest.mark.django_db
@pytest.mark.parametrize("described", ['alt="A ship"', 'alt=""'])
def test_described_picture_and_decoration_are_in_order(described: str) -> None:
    assert line_about_pictures(announcement(figure(described))).verdict == preflight.Verdict.GOOD


@pytest.mark.django_db
def test_web_version_shows_the_same(client: Client) -> None:
    issue = announcement(f'{figure("alt='A ship'")}<p class="action"><a href="https://a.example/">Sign up</a></p>')
    Issue.objects.filter(pk=issue.pk).update(status=Issue.Status.APPROVED, approved_at=NOW, launched_at=NOW)

    page = Reading(client.get(issue.get_absolute_url()).content.decode())

    assert page.one("img").attributes["src"].startswith("/media/pictures/")
    assert page.one("p", "action").text == "Sign up"
