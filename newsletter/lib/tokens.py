"""Links that need no password: short signed tokens, each good for one purpose and one row.

A token is 32 characters of base64url: the row's id (8 bytes) and the first 16 bytes of
HMAC-SHA-256(key, purpose | id | version). It is short on purpose: Python folds header values of more than 76
characters without a space into RFC 2047 words, which breaks `List-Unsubscribe` (cpython #85725).

Tokens do not expire by themselves; what may expire says so in its row. ``version`` is a counter of the row: raising
it revokes all earlier tokens. Tokens made under an older SECRET_KEY hold while it is in SECRET_KEY_FALLBACKS.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import b2a_base64
from enum import StrEnum
from functools import lru_cache

from django.conf import settings

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_ID_BYTES, _MAC_BYTES = 8, 16
_BLOCK_BYTES = hashlib.sha256().block_size
_INNER_PAD, _OUTER_PAD = (bytes(octet ^ pad for octet in range(256)) for pad in (0x36, 0x5C))
TOKEN_LENGTH = 32


class Purpose(StrEnum):
    CONFIRM = "confirm"
    PREFERENCES = "preferences"
    UNSUBSCRIBE = "unsubscribe"
    CHANGE_ADDRESS = "change_address"
    UNDO_ADDRESS = "undo_address"
    CLICK = "click"
    OPEN = "open"
    RATE = "rate"
    STAY = "stay"
    READ = "read"


class BadToken(ValueError):
    """Not a token of ours, or not for this purpose."""


def make_token(purpose: Purpose, pk: int, *, version: int = 0) -> str:
    """The token that opens ``purpose`` for the row ``pk``."""
    head = pk.to_bytes(_ID_BYTES)
    return urlsafe_b64encode(head + _mac(_key(settings.SECRET_KEY), purpose, head, version)).decode()


class TokenMaker:
    """`make_token` for many rows and one purpose, with what is the same for all of them done once.

    The HMAC is RFC 2104's, written out: the two digests with the key in them are begun once and copied for each row,
    which takes less than half of ``hmac.digest``.
    """

    def __init__(self, purpose: Purpose) -> None:
        key = _key(settings.SECRET_KEY).ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(key.translate(_INNER_PAD) + purpose.encode() + b"|")
        self._outer = hashlib.sha256(key.translate(_OUTER_PAD))

    def __call__(self, pk: int, version: int = 0) -> str:
        head = pk.to_bytes(_ID_BYTES)
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(b"%b|%d" % (head, version))
        outer.update(inner.digest())
        # as urlsafe_b64encode, which takes twice as long
        return b2a_base64(head + outer.digest()[:_MAC_BYTES], newline=False).translate(_URL_SAFE).decode()


def token_pk(token: str) -> int:
    """The id of the row that the token speaks of, not yet verified. Raises BadToken."""
    return int.from_bytes(_raw(token)[:_ID_BYTES])


def verify_token(purpose: Purpose, token: str, *, version: int = 0) -> int:
    """The verified id of the row. Raises BadToken for anything forged, damaged or made for another purpose."""
    raw = _raw(token)
    head, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        if hmac.compare_digest(mac, _mac(_key(secret), purpose, head, version)):
            return int.from_bytes(head)
    raise BadToken("the signature does not fit")


def _raw(token: str) -> bytes:
    if len(token) != TOKEN_LENGTH or not token.isascii():
        raise BadToken("the length does not fit")
    try:
        raw = urlsafe_b64decode(token)
    except ValueError as error:
        raise BadToken("not base64url") from error
    if len(raw) != _ID_BYTES + _MAC_BYTES or raw[0] & 0x80:
        raise BadToken("not a row id")
    return raw


def _mac(key: bytes, purpose: Purpose, head: bytes, version: int) -> bytes:
    return hmac.digest(key, b"%s|%s|%d" % (purpose.encode(), head, version), "sha256")[:_MAC_BYTES]


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    return hashlib.sha256(b"broadsheet.tokens|" + secret.encode()).digest()
