from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from newsletter.lib.addresses import (
    InvalidAddress,
    address_hash,
    address_key,
    parse_address,
    redacted,
    wire_address,
)

GOOD = [
    ("reader@example.org", "reader@example.org"),
    ("  Reader@Example.ORG \n", "Reader@example.org"),
    ("a+news@sub.example.co.uk", "a+news@sub.example.co.uk"),
    ("o'brien@example.ie", "o'brien@example.ie"),
    ("reader@müller.example.de", "reader@müller.example.de"),
    ("reader@xn--mller-kva.example.de", "reader@müller.example.de"),
    ("jürgen@example.org", "jürgen@example.org"),
    ("用户@例え.jp", "用户@例え.jp"),
    ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ("tester@try.test", "tester@try.test"),
]
BAD = [
    "",
    "   ",
    "reader",
    "@example.org",
    "reader@",
    "x@localhost",
    "x@intranet",
    "x@127.0.0.1",
    "x@[127.0.0.1]",
    "a@b@example.org",
    "a@example.org,b@example.org",
    "a@example.org;b@example.org",
    "Reader <reader@example.org>",
    '"quoted local"@example.org',
    "reader(comment)@example.org",
    "<@hop.example:reader@example.org>",
    "user%example.com@example.org",
    "example.com!user@example.org",
    "reader..x@example.org",
    ".reader@example.org",
    "reader@-example.org",
    "reader@example..org",
    "reader@exam_ple.org",
    "reader@example.org\r\nBcc: victim@example.org",
    "reader\x00@example.org",
    "reader\u200b@example.org",
    "rea\u202eder@example.org",
    "reader@exa\u00admple.org",
    "reader\ufeff@example.org",
    "reader\u2028@example.org",
    "rea der@example.org",
    "reader\ud800@example.org",
    "x" * 65 + "@example.org",
    "x" * 320 + "@example.org",
    "x@" + "a." * 160 + "org",
    "x" * 1_000_000,
    "@" * 10_000,
]


@pytest.mark.parametrize(("typed", "address"), GOOD)
def test_address_is_taken_in_the_form_we_send_to(typed: str, address: str) -> None:
    assert parse_address(typed) == address


@pytest.mark.parametrize("typed", BAD, ids=lambda typed: typed[:30].encode("unicode_escape").decode())
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(InvalidAddress) as error:
        parse_address(typed)

    assert str(error.value).endswith((".", "!."))
    assert len(str(error.value)) < 120


@given(st.text(max_size=400))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddress:
        return

    assert parse_address(address) == address
    assert len(address) <= 320
    assert not any(unicodedata.category(character) in {"Cc", "Zs", "Zl", "Zp"} for character in address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Reader@Example.org", "reader@example.org"),
        ("reader@müller.example.de", "reader@XN--MLLER-KVA.example.de"),
        ("jürgen@example.org", unicodedata.normalize("NFD", "jürgen@example.org")),
    ],
)
def test_two_spellings_of_one_mailbox_are_one_person(one: str, other: str) -> None:
    assert address_key(one) == address_key(other)
    assert address_hash(one) == address_hash(other)


def test_two_mailboxes_are_two_people() -> None:
    assert address_key("reader@example.org") != address_key("reader+news@example.org")
    assert address_key("reader@example.org") != address_key("reader@example.com")


@given(st.emails(), st.emails())
def test_key_and_hash_agree_about_who_is_who(one: str, other: str) -> None:
    for address in (one, other):
        assume(_is_address(address))

    assert (address_key(one) == address_key(other)) == (address_hash(one) == address_hash(other))


def test_address_on_the_wire_has_an_ascii_domain() -> None:
    assert wire_address("reader@müller.example.de") == "reader@xn--mller-kva.example.de"


def test_redacted_address_shows_one_letter_and_the_domain() -> None:
    assert redacted("reader@example.org") == "r…@example.org"


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except InvalidAddress:
        return False
    return True
