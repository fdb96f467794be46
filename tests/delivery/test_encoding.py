"""Filling compiled parts gives what filling the text and encoding it would have given."""

from __future__ import annotations

import quopri
from base64 import b64decode
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.delivery.encoding import compile_part, dot_stuffed
from newsletter.lib.slots import Slot, fill

plain = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ue000\ue001\r"), max_size=300)
hostile = st.sampled_from([".dot", "=20", "<b>&\"'", "é" * 80, "漢字", "%s %b", " ", "", "a.b\n.c", "x " * 60, "=\n"])
values = plain | hostile
slot_names = st.sampled_from([Slot.NAME, Slot.UNSUBSCRIBE_URL])
texts = st.lists(plain | hostile | slot_names.map(lambda slot: slot.mark), max_size=12).map("".join)


def decoded(encoding: str, body: bytes) -> str:
    raw = quopri.decodestring(body) if encoding == "quoted-printable" else b64decode(body)
    return raw.decode().replace("\r\n", "\n")


@given(text=texts, name=values, url=values, is_html=st.booleans())
def test_filled_part_decodes_to_the_filled_text(text: str, name: str, url: str, is_html: bool) -> None:
    personal = {"name": name, "unsubscribe_url": url}
    shown = {key: escape(value) if is_html else value for key, value in personal.items()}

    part = compile_part(text, is_html=is_html)
    body = part.fill(personal)

    expected = fill(text, shown)
    assert decoded(part.transfer_encoding, body) == expected
    assert body.isascii()
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    assert b"\n" not in body.replace(b"\r\n", b"")


@pytest.mark.parametrize(("text", "encoding"), [("Plain words. " * 50, "quoted-printable"), ("漢字" * 400, "base64")])
def test_shorter_encoding_is_taken(text: str, encoding: str) -> None:
    assert compile_part(text, is_html=False).transfer_encoding == encoding


def test_leading_dots_are_doubled_once() -> None:
    assert dot_stuffed(b".a\r\n.b\r\nc.\r\n..d\r\n") == b"..a\r\n..b\r\nc.\r\n...d\r\n"
