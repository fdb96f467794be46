"""Long texts made short. Needs no Django, so that the feed reader's own process can use it."""

from __future__ import annotations

MAX_SUMMARY_LENGTH = 400


def shortened(text: str, length: int) -> str:
    """The text if it fits; else its first sentences if they fill half of the room, else words and an ellipsis."""
    if len(text) <= length:
        return text
    start = text[: length - 1]
    sentence_end = max(start.rfind(mark) for mark in (". ", "! ", "? ", "。", "！", "？"))
    if sentence_end >= length // 2:
        return start[: sentence_end + 1]
    words = start.rpartition(" ")[0] or start
    return words.rstrip(" ,;:–—-") + "…"
