"""What is kept in the process: bounded by weight, and never out of date."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from newsletter.lib.keeping import Fragments, Kept


def test_what_nobody_asked_for_the_longest_goes_first() -> None:
    kept: Kept[str, str] = Kept(most=10)
    kept.put("old", "a", weight=4)
    kept.put("older but asked for", "b", weight=4)

    kept.get("old")
    kept.put("new", "c", weight=4)

    assert (kept.get("old"), kept.get("older but asked for"), kept.get("new")) == ("a", None, "c")


def test_what_is_too_heavy_is_not_kept() -> None:
    kept: Kept[str, str] = Kept(most=10)

    kept.put("heavy", "a", weight=11)

    assert kept.get("heavy") is None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=40))
def test_no_row_of_changes_ever_weighs_more_than_is_allowed(changes: list[tuple[int, int]]) -> None:
    kept: Kept[int, int] = Kept(most=20)

    for key, weight in changes:
        kept.put(key, weight, weight=weight)

    assert sum(kept.get(key) or 0 for key in range(6)) <= 20


def test_piece_is_made_once_for_what_it_shows_and_once_for_each_language(settings: Settings) -> None:
    settings.DEBUG = False
    pieces, made = Fragments(most_characters=1000), []

    def make() -> SafeString:
        made.append(1)
        return format_html("<p>{}</p>", len(made))

    with override("en"):
        assert pieces.piece("a", make) == pieces.piece("a", make) == "<p>1</p>"
        assert pieces.piece("b", make) == "<p>2</p>"
    with override("de"):
        assert pieces.piece("a", make) == "<p>3</p>"


def test_whoever_works_on_a_template_sees_it(settings: Settings) -> None:
    settings.DEBUG = True
    pieces = Fragments(most_characters=1000)
    pieces.piece("a", lambda: format_html("<p>{}</p>", "old"))

    assert pieces.piece("a", lambda: format_html("<p>{}</p>", "new")) == "<p>new</p>"
