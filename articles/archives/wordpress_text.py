"""What WordPress keeps of a text, made the HTML that its pages show: paragraphs, captions, and no short codes."""

from __future__ import annotations

import re
from html import escape

from articles.sanitizing import clean_html

_CAPTION = re.compile(r"\[caption\b[^\]]*\](.*?)\[/caption\]", re.DOTALL | re.IGNORECASE)
_CAPTION_PICTURE = re.compile(r"\s*((?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?)(.*)", re.DOTALL | re.IGNORECASE)
_EMBED = re.compile(r"\[embed\b[^\]]*\]\s*(https?://[^\s\[\]]+)\s*\[/embed\]", re.IGNORECASE)
_SHORT_CODE = re.compile(r"\[/?(?:gallery|embed|audio|video|playlist|caption|contact-form-7|vc_\w+|et_\w+)\b[^\]]*\]")
_BLOCK_START = re.compile(r"</?(?:p|div|ul|ol|li|blockquote|figure|h[1-6]|table|pre|hr)\b", re.IGNORECASE)


def to_html(text: str, *, base_url: str) -> str:
    """Clean HTML of a post's raw text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "[" in text:
        text = _CAPTION.sub(_figure, text)
        text = _EMBED.sub(_link, text)
        text = _SHORT_CODE.sub("", text)
    if "<!-- wp:" not in text and not re.search(r"<p\b", text, re.IGNORECASE):
        text = _paragraphs(text)
    return clean_html(text, base_url)


def _figure(match: re.Match[str]) -> str:
    found = _CAPTION_PICTURE.fullmatch(match[1])
    if not found:
        return match[1]
    return f"\n\n<figure>{found[1]}<figcaption>{found[2].strip()}</figcaption></figure>\n\n"


def _link(match: re.Match[str]) -> str:
    return f'<a href="{escape(match[1])}">{escape(match[1])}</a>'


def _paragraphs(text: str) -> str:
    """Blank lines part paragraphs and line ends break lines, as WordPress shows them."""
    pieces = (piece.strip() for piece in re.split(r"\n[ \t]*\n", text))
    return "".join(_paragraph(piece) for piece in pieces if piece)


def _paragraph(piece: str) -> str:
    if _BLOCK_START.match(piece):
        return piece
    return f"<p>{piece.replace(chr(10), '<br>')}</p>"
