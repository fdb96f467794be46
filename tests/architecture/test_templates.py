"""Templates compile, name what exists, run nothing inline and speak through gettext, and each rule bites."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import markup
from tests.architecture.markup import Template
from tests.architecture.sources import ROOT

Rule = Callable[[Template], Iterator[str]]
RULES: list[Rule] = [markup.broken, markup.inline_code, markup.untranslated]
OFFENDERS: list[tuple[Rule, str]] = [
    (markup.broken, "{% if %}"),
    (markup.broken, "{% nonsense %}"),
    (markup.broken, '{% include "articles/_nowhere.html" %}'),
    (markup.broken, '{% load static %}{% static "css/nowhere.css" %}'),
    (markup.broken, "{% url 'articles:nowhere' %}"),
    (markup.broken, "{% url 'nowhere' %}"),
    (markup.inline_code, "<script>alert(1)</script>"),
    (markup.inline_code, '<p style="color: red">'),
    (markup.inline_code, '<button onclick="go()">'),
    (markup.inline_code, "<style>p { color: red }</style>"),
    (markup.untranslated, "<p>Sign up</p>"),
    (markup.untranslated, '<img src="x.jpg" alt="A harbor">'),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_template_keeps_the_rule(rule: Rule) -> None:
    assert [finding for template in markup.all_templates() for finding in rule(template)] == []


@pytest.mark.parametrize(("rule", "text"), OFFENDERS)
def test_rule_bites(rule: Rule, text: str) -> None:
    assert list(rule(Template("articles/offender.html", text)))


def test_ordinary_templates_are_fine() -> None:
    text = """
        {% load i18n static %}<script src="{% static 'css/base.css' %}"></script>
        <p class="x">{% translate "Sign up" %}</p>
        <p>{% blocktranslate %}or not{% endblocktranslate %} 5 &middot; {{ name }}</p>
    """

    assert [finding for rule in RULES for finding in rule(Template("articles/fine.html", text))] == []


def test_every_mail_is_complete() -> None:
    assert markup.incomplete_mails(ROOT / "templates" / "email") == []


def test_mail_without_a_text_part_is_found(tmp_path: Path) -> None:
    (tmp_path / "welcome").mkdir()
    (tmp_path / "welcome" / "subject.txt").touch()
    (tmp_path / "welcome" / "body.html").touch()

    assert markup.incomplete_mails(tmp_path) == ["welcome lacks body.txt"]
