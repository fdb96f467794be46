"""Filling compiled parts gives what filling the text and encoding it with Python's `email` would have given."""

from __future__ import annotations

import quopri
from base64 import b64decode
from collections.abc import Mapping
from email import policy
from email.message import MIMEPart
from email.quoprimime import body_encode
from html import escape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from newsletter.delivery.encoding import Base64Part, Part, QuotedPart, broken, compile_part, dot_stuffed, quoted
from newsletter.lib.slots import MARK, Slot, fill

POLICY = policy.SMTP.clone(max_line_length=76)
WIDTHS = {"unsubscribe_url": 40, "preferences_url": 33}

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ue000\ue001"), max_size=300)
hostile = st.sampled_from(
    [
        ".dot",
        "=20",
        "<b>&\"'",
        "é" * 80,
        "漢字",
        "%s %b",
        " ",
        "\t",
        "",
        "a.b\n.c",
        "x " * 60,
        "=\n",
        "." * 200,
        "\r\r\n",
    ]
)
words = st.text("ab .=é", max_size=200)  # many ways to meet the end of a line
values = (plain | hostile | words).map(lambda value: value.replace("\r", " ").replace("\n", " "))
slot_names = st.sampled_from([Slot.NAME, Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL])
texts = st.lists(plain | hostile | words | slot_names.map(lambda slot: slot.mark), max_size=12).map("".join)


def urls(width: int) -> st.SearchStrategy[str]:
    return st.text("abc./-_%", min_size=width, max_size=width)


personal = st.fixed_dictionaries(
    {
        "name": values,
        "unsubscribe_url": urls(40) | values,
        "preferences_url": urls(33) | values,
    }
)


def filled(text: str, values: Mapping[str, str], *, is_html: bool) -> str:
    """It ends with a line break, as a compiled part does."""
    ended = text if text.endswith(("\n", "\r")) else text + "\n"
    return fill(ended, {name: escape(value) if is_html else value for name, value in values.items()})


def as_email_has_it(text: str, encoding: str) -> bytes:
    """The body of a text part as `email` encodes it."""
    part = MIMEPart(policy=POLICY)
    part.set_content(text, charset="utf-8", cte=encoding)
    return part.as_bytes().partition(b"\r\n\r\n")[2]


def body(part: Part, values: Mapping[str, str]) -> bytes:
    return b"".join(part.chunks(values, stuffed=False))


def pieces(text: str) -> list[str]:
    return MARK.split(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"))


@given(text=texts, values=personal, is_html=st.booleans(), known=st.booleans())
@example(
    text="x" * 70 + Slot.UNSUBSCRIBE_URL.mark, values=dict.fromkeys([*WIDTHS, "name"], "."), is_html=True, known=True
)
def test_quoted_part_is_byte_for_byte_what_email_gives(
    text: str, values: dict[str, str], is_html: bool, known: bool
) -> None:
    part = QuotedPart(pieces(text), is_html=is_html, widths=WIDTHS if known else {})

    assert body(part, values) == as_email_has_it(filled(text, values, is_html=is_html), "quoted-printable")


@given(text=texts, values=personal, is_html=st.booleans())
def test_base64_part_has_the_characters_that_email_gives(text: str, values: dict[str, str], is_html: bool) -> None:
    part = Base64Part(pieces(text), is_html=is_html)

    ours, theirs = body(part, values), as_email_has_it(filled(text, values, is_html=is_html), "base64")

    assert ours.replace(b"\r\n", b"") == theirs.replace(b"\r\n", b"")
    assert all(len(line) <= 76 for line in ours.split(b"\r\n"))


@given(text=texts, values=personal, is_html=st.booleans())
def test_filled_part_decodes_to_the_filled_text(text: str, values: dict[str, str], is_html: bool) -> None:
    part = compile_part(text, is_html=is_html, widths=WIDTHS)

    encoded = body(part, values)

    raw = quopri.decodestring(encoded) if part.transfer_encoding == "quoted-printable" else b64decode(encoded)
    expected = filled(text, values, is_html=is_html).replace("\r\n", "\n").replace("\r", "\n")
    assert raw.decode().replace("\r\n", "\n") == expected
    assert encoded.isascii()
    assert all(len(line) <= 76 for line in encoded.split(b"\r\n"))
    assert b"\n" not in encoded.replace(b"\r\n", b"")


@given(text=texts, values=personal, is_html=st.booleans(), known=st.booleans())
def test_stuffing_ahead_is_stuffing_the_whole(text: str, values: dict[str, str], is_html: bool, known: bool) -> None:
    part = compile_part(text, is_html=is_html, widths=WIDTHS if known else {})

    assert b"".join(part.chunks(values, stuffed=True)) == dot_stuffed(body(part, values))


@given(line=st.text(st.sampled_from("ab =.\té\x85"), max_size=400))
def test_line_is_broken_as_email_breaks_it(line: str) -> None:
    latin = line.encode().decode("latin-1")

    assert broken(quoted(line)).decode() == body_encode(latin, 76, "\r\n")


@pytest.mark.parametrize(("text", "encoding"), [("Plain words. " * 50, "quoted-printable"), ("漢字" * 400, "base64")])
def test_shorter_encoding_is_taken(text: str, encoding: str) -> None:
    assert compile_part(text, is_html=False).transfer_encoding == encoding


@pytest.mark.parametrize("kind", [QuotedPart, Base64Part])
def test_line_break_in_a_value_breaks_nothing(kind: type[QuotedPart]) -> None:
    part = kind(pieces(f"Dear {Slot.NAME.mark},"), is_html=False, **({"widths": {}} if kind is QuotedPart else {}))

    ours = body(part, {"name": "Ada\r\nBcc: all"})

    assert ours == as_email_has_it("Dear Ada  Bcc: all,", part.transfer_encoding)


def test_leading_dots_are_doubled_once() -> None:
    assert dot_stuffed(b".a\r\n.b\r\nc.\r\n..d\r\n") == b"..a\r\n..b\r\nc.\r\n...d\r\n"
