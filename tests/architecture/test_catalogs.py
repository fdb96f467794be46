"""Every word that readers meet is in every catalog, says what it should say, and is compiled."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import catalogs
from tests.architecture.sources import ROOT
from tests.catalogs import Words

PROMISED = {"ar", "de", "es", "fr", "he"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The catalogs, to break them."""
    shutil.copytree(ROOT / "config" / "locale", tmp_path / "config" / "locale")
    return tmp_path


@pytest.fixture(scope="module")
def words() -> list[Words]:
    return catalogs.words_of_readers(ROOT)


def change(root: Path, old: str, new: str) -> None:
    path = catalogs.po_path(root, "de")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_there_is_a_catalog_for_each_promised_language() -> None:
    assert set(catalogs.languages_of(ROOT)) >= PROMISED


@pytest.mark.parametrize("language", catalogs.languages_of(ROOT))
def test_catalog_is_complete_right_and_compiled(language: str, words: list[Words]) -> None:
    assert catalogs.findings(ROOT, language, words) == []  # `make catalogs` brings in what is new


@pytest.mark.parametrize(
    "said",
    [
        Words("articles/syndication.py", "The latest from %(site)s"),
        Words("newsletter/engagement/models.py", "In part", context="answer"),
        Words("newsletter/subscribers/rhythm.py", "about %(count)d article", "about %(count)d articles"),
        Words("templates/base.html", "Newsletters"),
        Words("templates/email/confirmation/body.html", "The link works for one day.",
              "The link works for %(days)s days."),
    ],
    ids=lambda said: said.one,
)  # fmt: skip
def test_words_are_found_wherever_they_are_said(said: Words, words: list[Words]) -> None:
    assert said in words


@pytest.mark.parametrize("mine", ["Save and send", "Welcome to the desk", "hard bounce"])
def test_words_of_the_desk_are_left_alone(mine: str, words: list[Words]) -> None:
    assert mine not in {each.one for each in words}
    assert not [each.file for each in words if "/admin/" in each.file]


def test_new_words_are_found(copy: Path, words: list[Words]) -> None:
    found = catalogs.findings(copy, "de", [*words, Words("templates/base.html", "Something new")])

    assert found == ["not in the catalog: 'Something new'", "not translated: 'Something new'"]


def test_words_that_nobody_says_any_more_are_found(copy: Path, words: list[Words]) -> None:
    kept = [each for each in words if each.one != "Archive"]

    assert catalogs.findings(copy, "de", kept) == ["said no more: 'Archive'"]


def test_missing_translation_is_found(copy: Path, words: list[Words]) -> None:
    change(copy, 'msgstr "Archiv"', 'msgstr ""')

    assert "not translated: 'Archive'" in catalogs.findings(copy, "de", words)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('msgstr "Nr. %(number)s"', 'msgstr "Nr. %(nummer)s"'),
        ('msgstr "Nr. %(number)s"', 'msgstr "Nr."'),
        ('msgstr "Nr. %(number)s"', 'msgstr "Nr. %(number)"'),
        ("%(counter)s Beiträge", "%(count)s Beiträge"),
    ],
)
def test_broken_placeholder_is_found(copy: Path, words: list[Words], old: str, new: str) -> None:
    change(copy, old, new)

    assert [each for each in catalogs.findings(copy, "de", words) if each.startswith("other placeholders")]


def test_catalog_that_was_not_compiled_is_found(copy: Path, words: list[Words]) -> None:
    change(copy, 'msgstr "Archiv"', 'msgstr "Archive"')

    assert catalogs.findings(copy, "de", words) == ["django.mo is not of this django.po"]


def test_writing_mends_what_is_stale(copy: Path, words: list[Words]) -> None:
    before = catalogs.po_path(copy, "de").read_bytes()
    change(copy, 'msgstr "Archiv"', 'msgstr "Archive"')
    change(copy, 'msgid "Search"', 'msgid "Seek"')

    catalogs.write(copy, ["de"], words)

    assert catalogs.findings(copy, "de", words) == ["not translated: 'Search'"]
    change(copy, 'msgid "Search"\nmsgstr ""', 'msgid "Search"\nmsgstr "Suche"')
    change(copy, 'msgstr "Archive"', 'msgstr "Archiv"')
    assert catalogs.po_path(copy, "de").read_bytes() == before
