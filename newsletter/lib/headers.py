"""Header values as they must stand on the wire: ASCII, folded, encoded words only where they are allowed.

Written by hand because Python's email package folds wrongly: long tokens become encoded words (cpython #85725) and
some long subjects come out with `?==?` (cpython #144156). Sources: RFC 5322 section 2.2.3, RFC 2047 sections 2 and 5.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

MAX_LINE = 76
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 12 characters of frame and 56 of base64 are 68, within RFC 2047's 75
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOM_TEXT = re.compile(r"[A-Za-z0-9 !#$%&'*+\-/=?^_`{|}~]*")


def one_line(text: str) -> str:
    """The text without line breaks and other control characters: nothing can be injected into a header with it."""
    if not (text.isascii() and text.isprintable()):
        text = _CONTROL.sub(" ", text)
    return " ".join(text.split())


def unstructured(text: str, *, name: str) -> str:
    """A value such as the subject's, folded for a header called ``name``."""
    text = one_line(text)
    if text.isascii() and "=?" not in text:
        return _fold(text, first=len(name) + 2)
    return "\r\n ".join(_encoded_words(text))


def mailbox(name: str, address: str) -> str:
    """`"Ada Lovelace" <ada@example.org>`: the name quoted or encoded as it needs, the address as it is."""
    name = one_line(name)
    if not name:
        return f"<{address}>"
    if not name.isascii() or "=?" in name:
        return "\r\n ".join([*_encoded_words(name), f"<{address}>"])
    if not _ATOM_TEXT.fullmatch(name):
        name = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{name}" <{address}>'


def list_unsubscribe(url: str, *, mailbox: str = "") -> str:
    """The ways out of a list whose one-click address is ``url``: RFC 8058 wants exactly one of https.

    A ``mailbox`` that somebody reads is the second (RFC 2369 section 3.2), for programs that only mail; the subject
    has the last part of the address, which is the reader's token.
    """
    if not mailbox:
        return f"<{url}>"
    token = url.rstrip("/").rpartition("/")[2]
    return f"<{url}>, <mailto:{mailbox}?subject=unsubscribe%20{token}>"


def _encoded_words(text: str) -> Iterator[str]:
    chunk = b""
    for character in text:
        encoded = character.encode()
        if len(chunk) + len(encoded) > _WORD_BYTES:
            yield _encoded_word(chunk)
            chunk = b""
        chunk += encoded
    yield _encoded_word(chunk)


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{b64encode(chunk).decode()}?="


def _fold(text: str, *, first: int) -> str:
    lines, room = [""], MAX_LINE - first
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > room:
            lines.append(word)
            room = MAX_LINE
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)
