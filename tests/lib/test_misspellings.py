"""Did you mean …@gmail.com?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.lib.misspellings import GREAT_DOMAINS, REAL_DOMAINS, distance, meant

words = st.text("abc.", max_size=8)


@pytest.mark.parametrize(
    ("typed", "guess"),
    [
        ("gmial.com", "gmail.com"), ("gmail.con", "gmail.com"), ("gmail.co", "gmail.com"), ("gamil.com", "gmail.com"),
        ("GMIAL.COM", "gmail.com"), ("gmaill.com", "gmail.com"), ("hotmial.com", "hotmail.com"),
        ("yaho.com", "yahoo.com"), ("outlok.com", "outlook.com"), ("iclod.com", "icloud.com"),
        ("tonline.de", "t-online.de"), ("protonmial.com", "protonmail.com"), ("gmx.dee", ""), ("wb.de", ""),
    ],
)  # fmt: skip
def test_slip_of_the_fingers_is_recognized(typed: str, guess: str) -> None:
    assert meant(f"Ada.Lovelace+x@{typed}") == (f"Ada.Lovelace+x@{guess}" if guess else "")


@pytest.mark.parametrize(
    "domain",
    [*sorted({*GREAT_DOMAINS, *REAL_DOMAINS}), "example.org", "mail.org", "gmail.de", "harbor-gazette.example", "x.de"],
)
def test_real_domain_is_left_alone(domain: str) -> None:
    assert meant(f"ada@{domain}") == ""


@pytest.mark.parametrize("text", ["", "ada", "@gmial.com", "ada@", "ada@" + "x" * 5000, "ada@bücher.example", "@"])
def test_what_is_no_address_is_no_guess(text: str) -> None:
    assert meant(text) == ""


@pytest.mark.parametrize(
    ("one", "other", "slips"),
    [("", "", 0), ("abc", "", 3), ("abc", "abd", 1), ("abc", "ab", 1), ("abc", "acb", 1), ("ca", "abc", 3)],
)
def test_slips_are_counted(one: str, other: str, slips: int) -> None:
    assert distance(one, other) == slips


@given(words, words)
def test_distance_is_the_same_both_ways_and_zero_only_for_the_same(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)
    assert abs(len(one) - len(other)) <= distance(one, other) <= max(len(one), len(other))
