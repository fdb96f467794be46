"""Every layout, in either direction, holds what mail programs and people who listen to mails depend on."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from articles.models import Publication
from newsletter.digests import clients, trial_mails
from newsletter.digests.models import Appearance
from newsletter.digests.trial_mails import Trial
from newsletter.lib.slots import Slot
from tests.digests.reading import Reading
from tests.factories import NOW

pytestmark = pytest.mark.usefixtures("gazette")

TRIALS = list(trial_mails.trials(now=NOW))
GMAILS_STYLE_SHEET = 16_000  # bytes; what is longer is dropped whole
SIZE = re.compile(r"(?<![-\w])(?:font-size:\s*|font:[^;]*?)(\d+(?:\.\d+)?)px")
every_trial = pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.name)


def test_both_directions_and_all_layouts_are_tried() -> None:
    pages = [Reading(trial.run().html).one("html").attributes["dir"] for trial in TRIALS]

    assert len(TRIALS) == 2 * len(Appearance.Layout.values)
    assert sorted(pages) == ["ltr"] * 3 + ["rtl"] * 3


@every_trial
def test_nothing_is_used_that_a_mail_program_would_lose(trial: Trial) -> None:
    assert [use.feature for use in clients.unsupported(trial.run().html)] == []


@every_trial
def test_document_is_whole_and_small(trial: Trial) -> None:
    html = trial.run().html

    page = Reading(html)
    outer = next(each for each in page.elements if each.tag == "div")
    language = page.one("html").attributes
    assert html.startswith("<!DOCTYPE html>")
    assert len(html.encode()) < 60_000
    assert len(page.one("style").text.encode()) < GMAILS_STYLE_SHEET
    assert (outer.attributes["lang"], outer.attributes["dir"]) == (language["lang"], language["dir"])
    assert (outer.attributes["role"], outer.attributes["aria-label"]) == ("article", page.one("title").text)
    assert {each.tag for each in page.elements} <= {
        "html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td", "h1", "h2", "h3", "p",
        "a", "br", "img", "span",
    }  # fmt: skip


@every_trial
def test_headings_skip_no_level_and_links_say_where_they_go(trial: Trial) -> None:
    page = Reading(trial.run().html)

    levels = [int(each.tag[1]) for each in page.elements if re.fullmatch(r"h\d", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for link in page.all("a"):
        pictures = [image for image in page.all("img") if link in image.parents]
        named = link.text or link.attributes.get("aria-label") or any(image.attributes["alt"] for image in pictures)
        assert named, link.attributes["href"]
        assert link.attributes["href"].startswith(("https://", "\ue000"))


@every_trial
def test_pictures_and_tables_say_what_they_are(trial: Trial) -> None:
    html = trial.run().html

    page = Reading(html)
    tables = [*re.findall(r"<table[^>]*>", html), *re.findall(r"<table[^>]*>", " ".join(page.comments))]
    assert tables
    assert all('role="presentation"' in table for table in tables)
    assert page.all("img")
    for image in page.all("img"):
        assert image.attributes["width"].isdecimal()
        assert image.attributes["height"].isdecimal()
        assert "alt" in image.attributes
        assert image.attributes["src"].startswith("https://")
        assert float(SIZE.findall(image.style)[0]) >= 12  # or its words could not be read in its place


@every_trial
def test_words_are_large_enough(trial: Trial) -> None:
    page = Reading(trial.run().html)

    spoken = [each for each in page.elements if each.has_own_text and "preheader" not in each.classes]
    small = [each.text[:40] for each in spoken if any(float(size) < 12 for size in SIZE.findall(each.style))]
    assert small == []


@every_trial
def test_text_beside_the_html_has_everything_and_no_markup(trial: Trial) -> None:
    mail = trial.run()

    stories = [story for story in trial_mails.made_up() if "announcements" not in trial.name]
    assert all(story.headline in " ".join(mail.text.split()) for story in stories)
    assert {Slot.UNSUBSCRIBE_URL.mark, Slot.PREFERENCES_URL.mark} <= set(re.findall("\ue000[a-z_]+\ue001", mail.text))
    assert "1 Quay Street" in mail.text
    assert not re.search(r"</?[a-z]+>|&[a-z]+;|\{\{|\{%", mail.text)
    assert all(len(line) <= 72 or "://" in line for line in mail.text.splitlines())


@pytest.mark.parametrize("layout", Appearance.Layout.values)
@pytest.mark.parametrize("tone", Appearance.Tone.values)
@pytest.mark.parametrize("typeface", Publication.Typeface.values)
def test_every_paper_and_typeface_goes_with_every_layout(layout: str, tone: str, typeface: str) -> None:
    html = trial_mails.trial_of(layout=layout, tone=tone, typeface=typeface, now=NOW).run().html

    assert not list(clients.unsupported(html))
    assert not re.search(r'style="[^"]*"[^ >/]', html)  # no quote of a typeface ends an attribute
