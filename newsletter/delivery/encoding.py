"""The text of a mail as bytes for the wire, cut at its slots, so that a reader's mail is a join of bytes.

Quoted-printable (RFC 2045 section 6.7): a soft line break stands before and after every slot, so that a value begins
on a line of its own and can be encoded without knowing what is around it. Base64 (section 6.8) has no such places:
there the reader's text is encoded whole. `compile_part` takes whichever is shorter.
"""

from __future__ import annotations

import binascii
import re
from base64 import encodebytes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from newsletter.lib.slots import MARK, fill

_SOFT_BREAK = b"=\r\n"
_MAX_LINE = 72
_ALL_LITERAL = re.compile("[!-<>-~]+")
_LITERAL = frozenset(range(33, 127)) - {ord("=")}


@dataclass(frozen=True, slots=True)
class Part:
    """One text of an edition, compiled: ``fill`` turns a reader's values (by slot name) into the encoded body."""

    transfer_encoding: str
    size: int
    fill: Callable[[Mapping[str, str]], bytes]


def compile_part(text: str, *, is_html: bool) -> Part:
    """Compile a text with slot marks. Values are escaped for HTML when they are filled in, if ``is_html``."""
    chunks = _cut(text)
    quoted = sum(len(chunk) for chunk in chunks[::2])
    plain = len(text.encode()) * 137 // 100
    if quoted > plain:
        return Part("base64", plain, lambda values: _fill_base64(text, values, is_html=is_html))
    return Part("quoted-printable", quoted, lambda values: _fill_quoted(chunks, values, is_html=is_html))


def quoted_value(value: str) -> bytes:
    """A value on lines of its own: at most 72 octets each; never ends in a space."""
    if _ALL_LITERAL.fullmatch(value):  # as every link is: nothing to encode, only to cut
        return _SOFT_BREAK.join(value[at : at + _MAX_LINE].encode() for at in range(0, len(value), _MAX_LINE))
    lines, line = [], b""
    for byte in value.encode():
        octets = bytes([byte]) if byte in _LITERAL else b"=%02X" % byte
        if len(line) + len(octets) > _MAX_LINE:
            lines.append(line)
            line = b""
        line += octets
    return _SOFT_BREAK.join([*lines, line])


def dot_stuffed(body: bytes) -> bytes:
    """Double every full stop that begins a line (RFC 5321 section 4.5.2)."""
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..")


def _cut(text: str) -> list[bytes | str]:
    """Encoded text and slot names in turn; the first and the last are text."""
    pieces = MARK.split(text.replace("\r\n", "\n").replace("\r", "\n"))
    last = len(pieces) - 1
    chunks: list[bytes | str] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            chunks.append(piece)
        else:
            before, after = _SOFT_BREAK if index else b"", _SOFT_BREAK if index < last else b""
            chunks.append(before + _quoted_text(piece) + after)
    return chunks


def _quoted_text(text: str) -> bytes:
    # Lines are encoded one by one: b2a_qp would count a chunk's first line wrongly and keep bare line feeds.
    return b"\r\n".join(_quoted_line(line) for line in text.split("\n"))


def _quoted_line(line: str) -> bytes:
    encoded = binascii.b2a_qp(line.encode(), quotetabs=False, istext=True)
    return encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _values(values: Mapping[str, str], *, is_html: bool) -> dict[str, str]:
    return {name: escape(value) for name, value in values.items()} if is_html else dict(values)


def _fill_quoted(chunks: list[bytes | str], values: Mapping[str, str], *, is_html: bool) -> bytes:
    encoded = {name: quoted_value(value) for name, value in _values(values, is_html=is_html).items()}
    return b"".join(encoded[chunk] if isinstance(chunk, str) else chunk for chunk in chunks)


def _fill_base64(text: str, values: Mapping[str, str], *, is_html: bool) -> bytes:
    filled = fill(text, _values(values, is_html=is_html)).replace("\r\n", "\n").replace("\n", "\r\n")
    return encodebytes(filled.encode()).replace(b"\n", b"\r\n")
