"""Words that people wrote, made fit for a mail: cleaned, as safe HTML, as plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import nh3
from django.conf import settings
from django.utils.html import linebreaks, urlize
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from articles.addresses import LINK_SCHEMES, absolute_url

TAGS = {"a", "b", "blockquote", "br", "em", "h2", "h3", "hr", "i", "li", "ol", "p", "strong", "ul"}
PICTURES = {"figcaption", "figure", "img"}
LISTS = {"ol", "ul"}
BLOCKS = {"figcaption", "figure", "blockquote", "h2", "h3", "hr", "li", "ol", "p", "ul"}
HAS_TAG = re.compile(r"<(?:a|b|blockquote|br|em|figure|h[1-6]|hr|img|i|li|ol|p|strong|ul|div)\b[^>]*>", re.IGNORECASE)
# What no headline needs and what breaks mails: controls, lone surrogates, private-use characters (our slot marks),
# and the marks that turn the direction of the text that follows.
UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


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
    """Collects the text of simple HTML: a paragraph a block, a link's address behind its words, a button's below."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.href = ""
        self.link_text = ""
        self.before_address, self.after_address = " (", ")"
        self.numbers: list[int | None] = []  # of each list around this place: its last number, None if it has bullets

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag != "li" else "\n")
        if tag == "p":
            is_button = ("class", "action") in attrs
            self.before_address, self.after_address = ("\n", "") if is_button else (" (", ")")
        elif tag in LISTS:
            self.numbers.append(0 if tag == "ol" else None)
        elif tag == "li":
            self.parts.append(self._list_sign())
        elif tag == "img" and (words := dict(attrs).get("alt")):
            self.parts.append(_("[Picture: %(words)s]") % {"words": words})
        elif tag == "br":
            self.parts.append("\n")
        elif tag == "a":
            self.href, self.link_text = dict(attrs).get("href") or "", ""

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.parts.append("\n\n" if tag != "li" else "")
            if tag in LISTS and self.numbers:
                self.numbers.pop()
        elif tag == "a" and self.href.removeprefix("mailto:") not in self.link_text:
            self.parts.append(f"{self.before_address}{self.href}{self.after_address}")

    def _list_sign(self) -> str:
        if not self.numbers or self.numbers[-1] is None:
            return "- "
        self.numbers[-1] += 1
        return f"{self.numbers[-1]}. "

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
