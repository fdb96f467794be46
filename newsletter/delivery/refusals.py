"""What a mail server's refusal means: whose fault it is, and whether it is worth another try.

Sources: RFC 5321 section 4.2, RFC 3463 (enhanced status codes); which codes are *ours*: docs/operations.md.
"""

from __future__ import annotations

import re

from newsletter.delivery.outcomes import Fate

_ENHANCED = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")  # but no IP address
_NO_SUCH_MAILBOX = {("1", "1"), ("1", "2"), ("1", "3"), ("1", "6"), ("1", "10"), ("2", "1")}
# RFC 5321 gives 550 to missing mailboxes and to "policy reasons" alike: without an enhanced code only the words tell.
_POLICY = re.compile(
    r"relay|block|black.?list|listed|rbl|spam|denied|prohibit|polic|reput|authenti|sender|spf|dkim|dmarc|rcpthosts"
    r"|allowed|permitted|client host|access|service|\bip\b",
    re.IGNORECASE,
)
_MAX_RESPONSE = 500


def fate_of_recipient(code: int, text: str) -> Fate:
    """A refusal of RCPT: of this recipient. Refusals for policy (5.7.x, or in words) say nothing about the address."""
    if not 500 <= code < 600:
        return Fate.DEFERRED
    match = _ENHANCED.search(text)
    if match and (match[2], match[3]) in _NO_SUCH_MAILBOX:
        return Fate.BAD_ADDRESS
    if match is None and code in {550, 551, 553} and not _POLICY.search(text):
        return Fate.BAD_ADDRESS
    return Fate.REFUSED


def words(code: int, text: bytes | str) -> str:
    """The server's answer as one bounded line, for the ledger."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = " ".join(text.replace("\x00", "").split())
    return f"{code} {line}"[:_MAX_RESPONSE]
