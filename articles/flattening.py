"""HTML that nests too deeply, made flat before a parser sees it: parsers take time by the square of the depth.

Needs no Django, so that the feed reader's own process can use it.
"""

from __future__ import annotations

import re
from collections import Counter

HARMLESS_TAGS = 1000  # so few cost no time however they nest
MAX_DEPTH = 200

# These hold nothing, or end where the next of their kind begins.
_NEVER_DEEP = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
    "p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option",
})  # fmt: skip
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*+)[^<>]*+>?", re.IGNORECASE)


def flattened(html: str) -> str:
    """The HTML without the tags that would open an element deeper than MAX_DEPTH; all text stays. Not clean yet."""
    if html.count("<") <= HARMLESS_TAGS:
        return html
    is_open = Counter[str]()
    depth = 0

    def kept(match: re.Match[str]) -> str:
        nonlocal depth
        name = match[2].lower()
        if name in _NEVER_DEEP or (is_open["svg"] and match[0].endswith("/>")):
            return match[0]
        if match[1]:
            change = -1 if is_open[name] else 0
        elif depth >= MAX_DEPTH:
            return ""
        else:
            change = 1
        is_open[name] += change
        depth += change
        return match[0]

    return _TAG.sub(kept, html)
