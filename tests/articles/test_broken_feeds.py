"""Whatever is wrong with a document, reading it ends soon, in clean values or a refusal in words."""

from __future__ import annotations

import random
from contextlib import suppress
from time import monotonic

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from articles.feeds.parsing import ParseError, parse
from tests.articles.broken_feeds import SEEDS, SLOW_SECONDS, URL, mutated, wrong_with


@pytest.mark.parametrize("seed", SEEDS[:-1])
def test_seeds_are_feeds(seed: bytes) -> None:
    assert parse(seed, url=URL).items


@given(seed=st.sampled_from(SEEDS), number=st.integers(0, 2**32))
@settings(max_examples=100)
def test_accident_gives_clean_values_or_a_refusal(seed: bytes, number: int) -> None:
    started = monotonic()
    with suppress(ParseError):
        assert list(wrong_with(parse(mutated(seed, random.Random(number)), url=URL))) == []
    assert monotonic() - started < SLOW_SECONDS * 3


@given(data=st.binary(max_size=2000))
@settings(max_examples=50)
def test_any_bytes_give_a_feed_or_a_refusal(data: bytes) -> None:
    with suppress(ParseError):
        assert list(wrong_with(parse(data, url=URL))) == []
