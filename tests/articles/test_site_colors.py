"""The publisher's accent color stays the publisher's, and can always be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.colors import contrast, readable

PAPER, DARK_PAPER = "#fffdf9", "#1d1b18"

COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


@given(color=COLORS, paper=st.sampled_from([PAPER, DARK_PAPER, "#f4f0e8"]))
def test_every_color_becomes_readable(color: str, paper: str) -> None:
    assert contrast(readable(color, paper=paper), paper) >= 4.5


def test_color_that_can_be_read_stays_as_it_is() -> None:
    assert readable("#8A2F1D", paper=PAPER) == "#8a2f1d"


def test_light_color_is_darkened_for_light_paper_and_kept_for_dark() -> None:
    assert contrast(readable("#ffdd00", paper=PAPER), PAPER) == pytest.approx(4.5, abs=0.2)
    assert readable("#ffdd00", paper=DARK_PAPER) == "#ffdd00"


@pytest.mark.parametrize("color", ["", "red", "#fff", "#12345g", "#8a2f1d; background: url(x)"])
def test_what_is_no_color_counts_as_the_fallback(color: str) -> None:
    assert readable(color, paper=PAPER, fallback="#00457c") == "#00457c"
