"""Words that people wrote, made fit for a mail: cleaned, as safe HTML, as wrapped plain text."""

from __future__ import annotations

import re
import unicodedata
from html.parser import HTMLParser

import nh3
from django.conf import settings
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from articles.addresses import LINK_SCHEMES, absolute_url

TEXT_WIDTH = 72  # columns
TAGS = {"a", "b", "blockquote", "br", "em", "h2", "h3", "hr", "i", "li", "ol", "p", "strong", "ul"}
PICTURES = {"figcaption", "figure", "img"}
BLOCKS = {"figcaption", "figure", "blockquote", "h2", "h3", "hr", "li", "ol", "p", "ul"}
HAS_TAG = re.compile(r"<(?:a|b|blockquote|br|em|figure|h[1-6]|hr|img|i|li|ol|p|strong|ul|div)\b[^>]*>", re.IGNORECASE)
# What no headline needs and what breaks mails: controls, lone surrogates, private-use characters (our slot marks),
# and the marks that turn the direction of the text that follows.
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
WIDE = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uff60\U00020000-\U0003ffff"
CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"  # never first in a line
)
WORD = re.compile(f"[{WIDE}][{CLOSING}]*|[^\\s{WIDE}]+|\\s+")
HANGING = re.compile(r"\s*(?:[0-9]+\.|[\ue002][a-z_]+[\ue003]\.|[-\u2022*])\s+|\s*")


def clean(text: str) -> str:
    """Without characters that no mail should carry, our own marks above all."""
    return UNWANTED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    return " ".join(clean(text).split())


def to_html(text: str, *, max_characters: int, has_pictures: bool = False) -> SafeString:
    """Safe HTML of plain text (blank lines part paragraphs) or of simple HTML, shortened if it is longer.

    Empty for no text. ``has_pictures``: with those that are kept on this site, and with buttons (``p.action``).
    """
    text = clean(text).strip()
    if not text:
        return mark_safe("")
    if not HAS_TAG.search(text):
        text = linebreaks(urlize(text, autoescape=True))
    html = nh3.clean(
        text,
        tags=TAGS | PICTURES if has_pictures else TAGS,
        attributes={"a": {"href"}, "img": {"src", "alt"}},
        allowed_classes={"p": {"action"}} if has_pictures else {},
        attribute_filter=_usable,
        url_schemes=set(LINK_SCHEMES),
        link_rel=None,
    )
    html = html.replace(' class=""', "")
    if len(html) > max_characters:
        html = Truncator(html).chars(max_characters, html=True)
    return mark_safe(html)  # noqa: S308


def _usable(tag: str, name: str, value: str) -> str | None:
    """A mail has no address of its own that a relative one could begin with, and no pictures from elsewhere."""
    if (tag, name) == ("img", "src"):
        own = (settings.MEDIA_URL, settings.SITE_URL + settings.MEDIA_URL)
        return value if value.startswith(own) else None
    if name != "href":
        return value
    return absolute_url(value, schemes=LINK_SCHEMES) or None


class _Plain(HTMLParser):
    """Collects the text of simple HTML: a paragraph a block, a link's address behind its words."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.href = ""
        self.link_text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag != "li" else "\n")
        if tag == "li":
            self.parts.append("- ")
        elif tag == "img" and (words := dict(attrs).get("alt")):
            self.parts.append(_("[Picture: %(words)s]") % {"words": words})
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "a":
            self.href, self.link_text = dict(attrs).get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag != "li" else "")
        elif tag == "a" and self.href.removeprefix("mailto:") not in self.link_text:
            self.parts.append(f" ({self.href})")

    def handle_data(self, data: str) -> None:
        words = re.sub(r"\s+", " ", data)
        self.link_text += words
        self.parts.append(words)


def to_text(html: str) -> str:
    """The same words without markup; ``html`` is what ``to_html`` made."""
    plain = _Plain()
    plain.feed(html)
    plain.close()
    lines = (line.strip() for line in "".join(plain.parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def wrap(text: str, width: int = TEXT_WIDTH) -> str:
    """Every line at most ``width`` columns where it has a place to break; an address is never broken."""
    lines = (wrapped for line in text.splitlines() for wrapped in _wrap_line(line.rstrip(), width))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _wrap_line(line: str, width: int) -> list[str]:
    if _columns(line) <= width:
        return [line]
    lead = HANGING.match(line)
    indent = " " * len(lead[0].replace("\ue002number\ue003", "0")) if lead else ""
    lines, current = [], lead[0] if lead else ""
    for word in WORD.findall(line[len(current) :]):
        if _columns(current) + _columns(word.rstrip()) > width and current.strip():
            lines.append(current.rstrip())
            current = indent
        current += word if current != indent else word.lstrip()
    return [*lines, current.rstrip()]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
