"""Lines of plain text that fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsletter.lib.wrapping import wrap


def test_wrapped_list_hangs() -> None:
    assert wrap("12. " + "word " * 6, width=20) == "12. word word word\n    word word word"


def test_place_of_a_number_is_as_wide_as_the_number() -> None:
    assert wrap("\ue002number\ue003. word word", width=12) == "\ue002number\ue003. word word"


def test_addresses_are_never_broken() -> None:
    address = "https://gazette.example/" + "long-" * 30

    assert address in wrap(f"See {address} there", width=20).splitlines()


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Co"])), st.integers(20, 80))
def test_wrapping_loses_nothing_but_white_space(text: str, width: int) -> None:
    wrapped = wrap(text, width=width)

    assert "".join(wrapped.split()) == "".join(text.split())


@given(st.lists(st.text(alphabet="abc, .", min_size=1, max_size=12), max_size=40))
def test_no_line_with_a_place_to_break_is_too_long(words: list[str]) -> None:
    wrapped = wrap(" ".join(words), width=30)

    assert all(len(line) <= 30 or " " not in line.strip() for line in wrapped.splitlines())
