"""What WordPress keeps of a text, made the HTML that its pages show: paragraphs, captions, and no short codes."""

from __future__ import annotations

import re

from articles import embeds
from articles.sanitizing import clean_html

_CAPTION = re.compile(r"\[(/?)caption\b[^\[\]]{0,1000}\]", re.IGNORECASE)
_CAPTION_PICTURE = re.compile(r"\s*((?:<a\b[^>]*>\s*)?<img\b[^>]*>(?:\s*</a>)?)(.*)", re.DOTALL | re.IGNORECASE)
# Players named by their address: in short codes, or alone in a line, where WordPress puts the player itself.
_PLAYERS = (
    re.compile(
        r"\[(?:embed|youtube|vimeo)\b[^\[\]]{0,300}\]\s{0,20}(https?://[^\s\[\]]+)\s{0,20}\[/\w+\]", re.IGNORECASE
    ),
    re.compile(
        r"\[(?:audio|video)\b[^\[\]]{0,300}?\b(?:src|mp3|m4a|ogg|mp4|m4v|webm)=[\"']?(https?://[^\s\"'\]]+)[^\[\]]{0,300}\]",
        re.IGNORECASE,
    ),
    re.compile(r"\[youtube=(https?://[^\s\]]+)\]", re.IGNORECASE),
)
_ALONE = re.compile(
    r"^([ \t]{0,20}(?:<(?:p|div)\b[^<>]{0,300}>)?)[ \t]{0,20}(https?://[^\s<>\[\]\"]+)"
    r"(?=[ \t]{0,20}(?:</(?:p|div)>)?[ \t]{0,20}$)",
    re.MULTILINE,
)
_SHORT_CODE = re.compile(
    r"\[/?(?:gallery|embed|audio|video|playlist|caption|contact-form-7|vc_\w+|et_\w+)\b[^\[\]]{0,500}\]"
)
_BLOCK_START = re.compile(r"</?(?:p|div|ul|ol|li|blockquote|figure|h[1-6]|table|pre|hr)\b", re.IGNORECASE)


def to_html(text: str, *, base_url: str) -> str:
    """Clean HTML of a post's raw text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "[" in text:
        text = _with_captions(text)
        for player in _PLAYERS:
            text = player.sub(lambda match: embeds.link_to(match[1]), text)
        text = _SHORT_CODE.sub("", text)
    text = _ALONE.sub(lambda match: match[1] + embeds.link_to(match[2]), text)
    if "<!-- wp:" not in text and not re.search(r"<p\b", text, re.IGNORECASE):
        text = _paragraphs(text)
    return clean_html(text, base_url)


def _with_captions(text: str) -> str:
    """Pictures with their captions as figures. In one pass, however many captions never end."""
    pieces, at, opened = [], 0, None
    for found in _CAPTION.finditer(text):
        if not found[1]:
            opened = found
        elif opened:
            pieces += [text[at : opened.start()], _figure(text[opened.end() : found.start()])]
            at, opened = found.end(), None
    return "".join(pieces) + text[at:]


def _figure(inside: str) -> str:
    found = _CAPTION_PICTURE.fullmatch(inside)
    if not found:
        return inside
    return f"\n\n<figure>{found[1]}<figcaption>{found[2].strip()}</figcaption></figure>\n\n"


def _paragraphs(text: str) -> str:
    """Blank lines part paragraphs and line ends break lines, as WordPress shows them."""
    pieces = (piece.strip() for piece in re.split(r"\n[ \t]*\n", text))
    return "".join(_paragraph(piece) for piece in pieces if piece)


def _paragraph(piece: str) -> str:
    if _BLOCK_START.match(piece):
        return piece
    return f"<p>{piece.replace(chr(10), '<br>')}</p>"
