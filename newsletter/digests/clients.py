"""What mail programs do not show, of what a template may use: a small table, kept by hand (data: caniemail.com, 2026).

Only what would be lost is here. What degrades well is left out on purpose: round corners are square in Outlook,
``max-width`` and media queries have widths in attributes behind them, and web fonts fall back to what a reader has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO, APPLE = "Gmail", "Outlook (classic)", "Outlook.com", "Yahoo", "Apple Mail"
_STYLE_ATTRIBUTE = re.compile(r"\bstyle=\"([^\"]*)\"", re.IGNORECASE)
_STYLE_SHEET = re.compile(r"<style\b[^>]*>(.*?)</style>", re.IGNORECASE | re.DOTALL)
_FOR_OUTLOOK_ONLY = re.compile(r"<!--\[if.*?<!\[endif\]-->", re.DOTALL)
_MEDIA = re.compile(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}")


@dataclass(frozen=True)
class Use:
    """Something that a mail uses, and who does not show it."""

    feature: str
    clients: tuple[str, ...]


CSS: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE), programs)
    for name, pattern, programs in (
        ("position: absolute", r"\bposition\s*:\s*(?:absolute|fixed|sticky)", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("display: flex", r"\bdisplay\s*:\s*(?:inline-)?flex", (OUTLOOK,)),
        ("display: grid", r"\bdisplay\s*:\s*(?:inline-)?grid", (GMAIL, OUTLOOK, YAHOO)),
        ("background-image", r"\bbackground(?:-image)?\s*:[^;\"]*url\(", (OUTLOOK,)),
        ("CSS variables", r"\bvar\(--", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("negative margins", r"\bmargin[a-z-]*\s*:[^;\"]*-\d", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("object-fit", r"\bobject-fit\s*:", (OUTLOOK, GMAIL)),
        ("clip-path", r"\bclip-path\s*:", (GMAIL, OUTLOOK, YAHOO)),
        ("animation", r"\banimation(?:-name)?\s*:", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("light-dark()", r"\blight-dark\(", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
    )
)
HTML: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE), programs)
    for name, pattern, programs in (
        ("<video>", r"<video\b", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("<audio>", r"<audio\b", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("<svg>", r"<svg\b", (GMAIL, OUTLOOK, YAHOO)),
        ("<form>", r"<form\b", (OUTLOOK, NEW_OUTLOOK, YAHOO)),
        ("<iframe>", r"<iframe\b", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO, APPLE)),
        ("<script>", r"<script\b", (GMAIL, OUTLOOK, NEW_OUTLOOK, YAHOO, APPLE)),
        ("<picture>", r"<picture\b", (OUTLOOK,)),
        ("WebP pictures", r"<img\b[^>]*\bsrc=\"[^\"]*\.webp", (OUTLOOK,)),
        ("SVG pictures", r"<img\b[^>]*\bsrc=\"[^\"]*\.svg", (GMAIL, OUTLOOK, YAHOO)),
        ("pictures inside the HTML (data:)", r"<img\b[^>]*\bsrc=\"data:", (GMAIL, OUTLOOK, NEW_OUTLOOK)),
    )
)


def unsupported(html: str) -> Iterator[Use]:
    """What the mail uses outside of media queries and of what is for Outlook alone, and who does not show it."""
    html = _FOR_OUTLOOK_ONLY.sub("", html)
    sheets = _MEDIA.sub("", " ".join(_STYLE_SHEET.findall(html)))
    styles = " ".join([*_STYLE_ATTRIBUTE.findall(html), sheets])
    for name, pattern, programs in CSS:
        if pattern.search(styles):
            yield Use(name, programs)
    for name, pattern, programs in HTML:
        if pattern.search(html):
            yield Use(name, programs)
