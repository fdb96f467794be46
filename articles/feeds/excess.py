"""Documents that hold so much of one thing that parsers, which take time by its square, would not come to an end."""

from __future__ import annotations

import re

MAX_ATTRIBUTES = 500  # of one element
MAX_CATEGORIES = 1000  # of one item
MAX_ITEMS = 50_000  # of a document

_ITEM = re.compile(rb"<(?:[a-z0-9]+:)?(?:item|entry)\b", re.IGNORECASE)
_CATEGORY = re.compile(rb"<(?:[a-z0-9]+:)?(?:category|subject|keywords)\b", re.IGNORECASE)
_VALUE = re.compile(rb"=\s*[\"']")


def is_excessive(data: bytes) -> bool:
    """Whether no real feed is like this. Takes time in proportion to the length."""
    text = data.replace(b"\0", b"")  # UTF-16 and UTF-32 have these between ASCII letters
    return _has_too_many_items(text) or _has_too_many_attributes(text)


def _has_too_many_items(text: bytes) -> bool:
    items = _ITEM.split(text)
    return len(items) > MAX_ITEMS or any(
        item.count(b"<") > MAX_CATEGORIES and sum(1 for _found in _CATEGORY.finditer(item)) > MAX_CATEGORIES
        for item in items
    )


def _has_too_many_attributes(text: bytes) -> bool:
    tags = (part.partition(b">")[0] for part in text.split(b"<"))
    return any(
        tag.count(b"=") > MAX_ATTRIBUTES and sum(1 for _found in _VALUE.finditer(tag)) > MAX_ATTRIBUTES for tag in tags
    )
