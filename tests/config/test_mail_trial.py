"""A template that cannot make a mail is found before anything starts, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_django import Settings

from config import mail_trial
from config.checks import every_mail_can_be_made
from config.diagnosis import mails
from config.diagnosis.finding import Level
from newsletter.digests import blocks
from tests.architecture.sources import ROOT


@pytest.fixture
def own(tmp_path: Path, settings: Settings) -> Path:
    """The folder of a site's own templates; what is written into it goes before ours."""
    ours = settings.TEMPLATES[0]
    settings.MAIL_TEMPLATES_DIR = [tmp_path]
    settings.TEMPLATES = [{**ours, "DIRS": [tmp_path, *ours["DIRS"]]}]
    blocks.forget()
    return tmp_path / "email"


def put(path: Path, source: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)


def test_our_own_templates_make_every_mail() -> None:
    assert list(mail_trial.problems()) == []
    assert [finding.level for finding in mails.templates()] == [Level.WELL]


def test_every_mail_is_tried() -> None:
    folders = {path.name for path in (ROOT / "templates" / "email").iterdir() if path.is_dir()}

    assert folders == {*mail_trial.MAILS, "digest", "announcement"}


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("digest/_footer.html", "{% load i18n %}\n{% nonsense %}", "email/digest/_footer.html, line 2"),
        ("digest/_footer.html", "<p>{{ postal_address }}</p>", "{{ slots.unsubscribe_url }}"),
        ("digest/body.txt", "{{ articles }}", "email/digest/body.txt"),
        ("digest/magazine/_card.html", '{% include "email/nowhere.html" %}', "magazine/_card.html, line 1"),
        ("confirmation/body.html", "<p>Welcome!</p>", "{{ confirm_url }} must be in body.txt and body.html"),
        ("welcome/subject.txt", "{% if %}", "email/welcome"),
        ("my_link/body.txt", "", "no subject or no text"),
    ],
)
def test_broken_template_stops_the_start_with_its_name(own: Path, name: str, source: str, complaint: str) -> None:
    put(own / name, source)

    errors = every_mail_can_be_made()

    assert errors
    assert any(complaint in str(error.msg) for error in errors)
    assert Level.WRONG in [finding.level for finding in mails.templates()]


def test_own_template_that_works_is_taken(own: Path) -> None:
    put(own / "digest" / "_left_out.html", "<p>Much more</p>")

    assert every_mail_can_be_made() == []


def test_without_templates_of_ones_own_nothing_is_tried_at_the_start(settings: Settings) -> None:
    settings.MAIL_TEMPLATES_DIR = []

    assert every_mail_can_be_made() == []
