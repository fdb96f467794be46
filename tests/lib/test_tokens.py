from __future__ import annotations

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from newsletter.lib.tokens import TOKEN_LENGTH, BadToken, Purpose, TokenMaker, make_token, token_pk, verify_token

ids = st.integers(min_value=0, max_value=2**63 - 1)
purposes = st.sampled_from(Purpose)


@given(purposes, ids, st.integers(0, 32_767))
def test_token_opens_what_it_was_made_for(purpose: Purpose, pk: int, version: int) -> None:
    token = make_token(purpose, pk, version=version)

    assert verify_token(purpose, token, version=version) == pk
    assert token_pk(token) == pk
    assert len(token) == TOKEN_LENGTH
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


@given(ids, purposes, purposes)
def test_token_opens_nothing_of_another_purpose(pk: int, purpose: Purpose, other: Purpose) -> None:
    if purpose != other:
        with pytest.raises(BadToken):
            verify_token(other, make_token(purpose, pk))


@given(purposes, ids, st.integers(0, 191))
def test_any_flipped_bit_is_refused(purpose: Purpose, pk: int, bit: int) -> None:
    raw = bytearray(urlsafe_b64decode(make_token(purpose, pk)))
    raw[bit // 8] ^= 1 << bit % 8

    with pytest.raises(BadToken):
        verify_token(purpose, urlsafe_b64encode(raw).decode())


@given(purposes, ids, st.integers(0, TOKEN_LENGTH - 1), st.characters())
def test_any_other_character_is_refused(purpose: Purpose, pk: int, position: int, character: str) -> None:
    token = make_token(purpose, pk)
    changed = token[:position] + character + token[position + 1 :]

    if changed != token:
        with pytest.raises(BadToken):
            verify_token(purpose, changed)


@given(st.text(max_size=40) | st.text(alphabet=string.printable, min_size=32, max_size=32))
def test_no_made_up_text_is_a_token(text: str) -> None:
    with pytest.raises(BadToken):
        verify_token(Purpose.UNSUBSCRIBE, text)


@pytest.mark.parametrize("change", [lambda t: t + "=", lambda t: t + "\n", lambda t: " " + t[1:], lambda t: t[:-1]])
def test_what_is_not_canonical_is_refused(change: object) -> None:
    assert callable(change)

    with pytest.raises(BadToken):
        verify_token(Purpose.CONFIRM, change(make_token(Purpose.CONFIRM, 1)))


@pytest.mark.parametrize("character", ["+", "/", "!", "\t"])
def test_letters_of_other_base64_alphabets_are_refused(character: str) -> None:
    token = make_token(Purpose.CONFIRM, 1)

    with pytest.raises(BadToken):
        verify_token(Purpose.CONFIRM, character + token[:-1])


def test_raising_the_version_revokes_earlier_tokens() -> None:
    token = make_token(Purpose.PREFERENCES, 5, version=1)

    with pytest.raises(BadToken):
        verify_token(Purpose.PREFERENCES, token, version=2)


def test_token_made_under_an_older_key_holds_while_the_key_is_kept(settings: Settings) -> None:
    settings.SECRET_KEY = "the old key"
    token = make_token(Purpose.UNSUBSCRIBE, 5)
    settings.SECRET_KEY = "the new key"
    settings.SECRET_KEY_FALLBACKS = ["the old key"]
    held = verify_token(Purpose.UNSUBSCRIBE, token)
    settings.SECRET_KEY_FALLBACKS = []

    assert held == 5
    with pytest.raises(BadToken):
        verify_token(Purpose.UNSUBSCRIBE, token)


@given(pk=st.integers(0, 2**63 - 1), version=st.integers(0, 2**31))
def test_maker_of_many_makes_the_same_tokens(pk: int, version: int) -> None:
    assert TokenMaker(Purpose.PREFERENCES)(pk, version) == make_token(Purpose.PREFERENCES, pk, version=version)
