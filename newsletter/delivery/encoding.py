"""The texts of an edition as bytes for the wire, encoded once; a reader's values are put between them.

Quoted-printable (RFC 2045 section 6.7) is byte for byte what Python's `email` makes of the filled text under the policy
``email.policy.SMTP.clone(max_line_length=76)``: its soft line breaks depend on one line of text only, so that lines
without a value are done once and for all, and those with values of a known width (as links are) but for the values.
Base64 (section 6.8) has the same characters as `email` gives and breaks the lines elsewhere: a value moves all that
follows it by some octets, and to move 40 KB is what encoding it once should save. Both decode to the same text.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Protocol

from newsletter.lib.slots import MARK

MAX_LINE = 76
_IS_LITERAL = re.compile(r"[ !#-%(-;?-~]*").fullmatch  # nothing to quote, nor to escape: as every link is
_TO_QUOTE = re.compile(rb"[^ -<>-~\t]+")
_B64_BYTES = 57  # in a line
_SHORT = 120  # octets that are not worth encoding ahead


class Part(Protocol):
    """One text of an edition, compiled."""

    transfer_encoding: str
    size: int  # without the values

    def chunks(self, values: Mapping[str, str], *, stuffed: bool) -> list[bytes]:
        """The encoded body with a reader's values (by slot name), to be joined; if ``stuffed``, with dots doubled."""
        ...


def compile_part(text: str, *, is_html: bool, widths: Mapping[str, int] | None = None) -> Part:
    """Compile a text with slot marks. Values are escaped for HTML when they are filled in, if ``is_html``.

    A value is of one line; line breaks in it become spaces. The text gets a line break at its end if it has none.

    ``widths`` has the slots whose values have that many characters whoever the reader is, all of them printable ASCII
    and nothing that quoted-printable or HTML would escape. Other values in them cost time, and nothing else.
    """
    pieces = MARK.split(text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n"))
    quoted = QuotedPart(pieces, is_html=is_html, widths=widths or {})
    encoded = Base64Part(pieces, is_html=is_html)
    return quoted if quoted.size <= encoded.size else encoded


def _on_one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")


def dot_stuffed(body: bytes) -> bytes:
    """Double every full stop that begins a line (RFC 5321 section 4.5.2)."""
    if body.startswith(b"."):
        body = b"." + body
    return body.replace(b"\r\n.", b"\r\n..")


# --- quoted-printable -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Line:
    """A line of text with values in it: encoded text and slot names in turn. It is broken when it is filled."""

    pieces: tuple[bytes | str, ...]

    def fill(self, encoded: Mapping[str, bytes]) -> bytes:
        line = b"".join([encoded[piece] if isinstance(piece, str) else piece for piece in self.pieces])
        return broken(line) + b"\r\n"


@dataclass(frozen=True, slots=True)
class _Cut:
    """A part of a value that is known to be this part whoever the reader is."""

    name: str
    begin: int
    end: int
    begins_line: bool


class QuotedPart:
    """A Part in quoted-printable."""

    transfer_encoding = "quoted-printable"

    def __init__(self, pieces: Sequence[str], *, is_html: bool, widths: Mapping[str, int]) -> None:
        self._pieces = pieces
        self._is_html = is_html
        self._widths = {name: width for name, width in widths.items() if name in pieces[1::2]}
        self._names = frozenset(pieces[1::2])
        chunks = _merged(_compiled(_lines(pieces), self._widths))
        self._template = [chunk if isinstance(chunk, bytes) else b"" for chunk in chunks]
        self._stuffed = _stuffed(chunks)
        self._lines = [(at, chunk) for at, chunk in enumerate(chunks) if isinstance(chunk, _Line)]
        self._cuts = [
            (at, cut.name, cut.begin, cut.end, cut.begins_line)
            for at, cut in enumerate(chunks)
            if isinstance(cut, _Cut)
        ]
        self.size = sum(map(len, self._template)) + sum(
            len(piece) for _at, line in self._lines for piece in line.pieces if isinstance(piece, bytes)
        )

    def chunks(self, values: Mapping[str, str], *, stuffed: bool) -> list[bytes]:
        encoded = {name: self._encoded(values[name]) for name in self._names}
        for name, width in self._widths.items():
            if len(encoded[name]) != width:  # not the usual link: nothing is known ahead
                return self._of_any_width.chunks(values, stuffed=stuffed)
        chunks = (self._stuffed if stuffed else self._template).copy()
        for at, name, begin, end, begins_line in self._cuts:
            chunks[at] = encoded[name][begin:end]
            if stuffed and begins_line and chunks[at].startswith(b"."):
                chunks[at] = b"." + chunks[at]
        for at, line in self._lines:
            chunks[at] = dot_stuffed(line.fill(encoded)) if stuffed else line.fill(encoded)
        return chunks

    @cached_property
    def _of_any_width(self) -> QuotedPart:
        return QuotedPart(self._pieces, is_html=self._is_html, widths={})

    def _encoded(self, value: str) -> bytes:
        if _IS_LITERAL(value):
            return value.encode()
        return quoted(_on_one_line(escape(value) if self._is_html else value))


def quoted(text: str) -> bytes:
    """Quoted, not yet broken into lines."""
    lines = [_TO_QUOTE.sub(_as_hex, line) for line in text.encode().split(b"\n")]
    return b"\n".join(lines)


def broken(line: bytes) -> bytes:
    """A quoted line with soft line breaks where `email.quoprimime.body_encode` puts them."""
    if len(line) <= MAX_LINE and line[-1:] not in {b" ", b"\t"}:
        return line
    rows: list[bytes] = []
    start, last_start = 0, len(line) - 1 - MAX_LINE
    while start <= last_start:
        stop = start + MAX_LINE - 1
        if line[stop - 2] == 0x3D:  # an "=": the break must not part it from its two digits, and it can be the break
            rows.append(line[start : stop - 1])
            start = stop - 2
        elif line[stop - 1] == 0x3D:
            rows.append(line[start:stop])
            start = stop - 1
        else:
            rows.append(line[start:stop] + b"=")
            start = stop
    if line[-1:] in {b" ", b"\t"}:
        rows.append(line[start:-1] + _blank_at_the_end(line[-1:], room=start - last_start))
    else:
        rows.append(line[start:])
    return b"\r\n".join(rows)


def _blank_at_the_end(blank: bytes, *, room: int) -> bytes:
    hexadecimal = b"=%02X" % blank[0]
    if room >= 3:
        return hexadecimal
    return blank + b"=\r\n" if room == 2 else b"=\r\n" + hexadecimal


def _as_hex(match: re.Match[bytes]) -> bytes:
    return b"=" + match[0].hex("=").upper().encode()


def _lines(pieces: Sequence[str]) -> list[list[bytes | str]]:
    """Line by line, quoted text and slot names in turn; the first and the last of a line are text."""
    lines: list[list[bytes | str]] = [[b""]]
    for index, piece in enumerate(pieces):
        if index % 2:
            lines[-1] += [piece, b""]
            continue
        first, *others = quoted(piece).split(b"\n")
        lines[-1][-1] = first
        lines += [[other] for other in others]
    return lines


def _compiled(lines: list[list[bytes | str]], widths: Mapping[str, int]) -> list[bytes | _Cut | _Line]:
    chunks: list[bytes | _Cut | _Line] = []
    for line in lines:
        if all(isinstance(piece, bytes) or piece in widths for piece in line) and len(line) < 50:
            chunks += _laid_out(line, widths)
        else:
            chunks.append(_Line(tuple(line)))
    return chunks


def _laid_out(line: list[bytes | str], widths: Mapping[str, int]) -> list[bytes | _Cut]:
    """Break a line whose values are as wide as known, with characters in their place that occur nowhere else."""
    stand_ins = [bytes([0x0E + index // 2 % 2]) for index in range(len(line))]  # so that two neighbors differ
    text = b"".join(
        piece if isinstance(piece, bytes) else stand_in * widths[piece]
        for piece, stand_in in zip(line, stand_ins, strict=True)
    )
    names = [piece for piece in line if isinstance(piece, str)]
    laid_out = broken(text) + b"\r\n"
    chunks: list[bytes | _Cut] = []
    at, used, number = 0, 0, 0
    for match in re.finditer(rb"\x0e+|\x0f+", laid_out):
        chunks.append(laid_out[at : match.start()])
        name = names[number]
        end = used + len(match[0])
        begins_line = match.start() == 0 or laid_out[match.start() - 1] == 0x0A
        chunks.append(_Cut(name, used, end, begins_line))
        at, used = match.end(), end
        if used == widths[name]:
            number, used = number + 1, 0
    return [*chunks, laid_out[at:]]


def _merged(chunks: list[bytes | _Cut | _Line]) -> list[bytes | _Cut | _Line]:
    """Neighbors that are the same for everybody made one."""
    merged: list[bytes | _Cut | _Line] = []
    run: list[bytes] = []
    for chunk in [*chunks, None]:
        if isinstance(chunk, bytes):
            run.append(chunk)
            continue
        if run:
            merged.append(b"".join(run))
            run = []
        if chunk is not None:
            merged.append(chunk)
    return merged


def _stuffed(chunks: list[bytes | _Cut | _Line]) -> list[bytes]:
    stuffed, begins_line = [], True
    for chunk in chunks:
        if isinstance(chunk, bytes):
            stuffed.append(dot_stuffed(chunk) if begins_line else chunk.replace(b"\r\n.", b"\r\n.."))
            begins_line = chunk.endswith(b"\r\n")
        else:
            stuffed.append(b"")
            begins_line = isinstance(chunk, _Line)
    return stuffed


# --- base64 -----------------------------------------------------------------------------------------------------------
class Base64Part:
    """A Part in base64. Text is encoded ahead for each of the three places in a group of three that it may begin at."""

    transfer_encoding = "base64"

    def __init__(self, pieces: Sequence[str], *, is_html: bool) -> None:
        self._is_html = is_html
        self._texts = [piece.replace("\n", "\r\n").encode() for piece in pieces[::2]]
        self._texts[-1] += b"\r\n"
        self._names = [*pieces[1::2], None]
        self._ahead: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self.size = sum(map(len, self._texts)) * 4 // 3 * 78 // 76

    def chunks(self, values: Mapping[str, str], *, stuffed: bool) -> list[bytes]:
        encoded = {name: self._octets(values[name]) for name in self._names if name is not None}
        chunks, rest = [], b""
        for index, (text, name) in enumerate(zip(self._texts, self._names, strict=True)):
            if len(text) < _SHORT:
                rest += text
            else:
                missing = -len(rest) % 3
                if rest:
                    chunks.append(_in_lines(rest + text[:missing]))
                body, rest = self._encoded_ahead(index, missing)
                chunks.append(body)
            if name is not None:
                rest += encoded[name]
        return [*chunks, _in_lines(rest)] if rest else chunks

    def _encoded_ahead(self, index: int, begin: int) -> tuple[bytes, bytes]:
        """The text from there on, and what is left over of it for the next group of three."""
        key = (index, begin)
        if key not in self._ahead:
            text = self._texts[index][begin:]
            whole = len(text) // 3 * 3
            self._ahead[key] = _in_lines(text[:whole]), text[whole:]
        return self._ahead[key]

    def _octets(self, value: str) -> bytes:
        if self._is_html:
            value = escape(value)
        return _on_one_line(value).encode()


def _in_lines(octets: bytes) -> bytes:
    lines = [b64encode(octets[at : at + _B64_BYTES]) for at in range(0, len(octets), _B64_BYTES)]
    return b"\r\n".join([*lines, b""])
