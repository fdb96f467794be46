"""The short cut for lists and the library that it stands for say the same of every address."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.lib.address_lists import Identity, identify
from newsletter.lib.addresses import InvalidAddress, address_hash, address_key, parse_address

# What real lists have, what the rules are about, and what only looks like it.
ATOMS = st.text("abzAZ09_+-.'!%=?#&*~^`{|}$/ @\"(),:;<>[]\\\t\r\n\0", max_size=12)
LETTERS = st.text(st.sampled_from("aZ0-üßıİſKéе例ａ١\u0301\u00ad\u200b\u200d。．"), max_size=8)
LABELS = st.one_of(st.from_regex(r"\A[A-Za-z0-9-]{1,8}\Z"), LETTERS, st.sampled_from(
    ["xn--mller-kva", "xn--", "XN--P1AI", "example", "-a", "a-", "a--b", "ab--c", "a" * 63, "a" * 64, "1", "_a", ""]
))  # fmt: skip
TLDS = st.sampled_from([
    "org", "ORG", "de", "test", "TEST", "invalid", "localhost", "local", "example", "arpa", "onion", "1", "c", "",
    "xn--p1ai",
])  # fmt: skip
LOCALS = st.one_of(
    ATOMS, LETTERS, st.from_regex(r"\A[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*\Z"), st.integers(60, 70).map("a".__mul__),
    st.lists(ATOMS, max_size=3).map(".".join),
)  # fmt: skip
DOMAINS = st.builds(lambda labels, end: ".".join([*labels, end]), st.lists(LABELS, max_size=4), TLDS)
ADDRESSES = st.one_of(st.builds("{}@{}".format, LOCALS, DOMAINS), st.text(max_size=30))


@given(text=ADDRESSES)
@example(text="a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".org")
@example(text="a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".org")
@example(text="a@" + "例." * 60 + "org")
@example(text="x@xn--mller-kva.example.de")
@example(text="postmaster@example.org")
@example(text="a@b.c\n")
def test_short_cut_and_library_agree_on_every_address(text: str) -> None:
    assert outcome(identify, text) == outcome(by_the_library, text)


def by_the_library(text: str) -> Identity:
    email = parse_address(text)
    return Identity(email, address_key(email), address_hash(email))


def outcome(look: Callable[[str], Identity], text: str) -> Identity | str:
    """The identity, or why there is none."""
    try:
        return look(text)
    except InvalidAddress as error:
        return str(error)
