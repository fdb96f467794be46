"""The text of an announcement as mails and pages show it: safe, with buttons and our own pictures at their size."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import PurePosixPath

from django.utils.safestring import SafeString, mark_safe

from articles import pictures
from articles.sanitizing import images_of, with_images
from newsletter.digests import prose
from newsletter.digests.stories import MAILABLE_SUFFIXES, Picture, absolute

BOX = (552, 800)  # CSS pixels, as wide as the column of a mail
MOST_CHARACTERS = 12_000


def html_of(text: str) -> SafeString:
    """Safe HTML of a text from the editor. Pictures that are not kept here, or that mails cannot show, are left out."""
    html = prose.to_html(text, max_characters=MOST_CHARACTERS, has_pictures=True)
    return mark_safe(with_images(html, _shown)) if "<img" in html else html  # noqa: S308 (made of safe pieces)


def undescribed(text: str) -> int:
    """How many of its pictures nobody has described, nor said that they are only decoration."""
    html = prose.to_html(text, max_characters=MOST_CHARACTERS, has_pictures=True)
    return sum("alt" not in image for image in images_of(html))


def _shown(image: Mapping[str, str]) -> str:
    url = absolute(image.get("src", ""))
    copies = pictures.copies_of(url)
    if copies is None or PurePosixPath(url).suffix.lower() not in MAILABLE_SUFFIXES:
        return ""
    alt = prose.one_line(image.get("alt", ""))
    shown = Picture(url, copies.width, copies.height, alt, "").within(BOX)
    role = ' role="presentation"' if image.get("alt") == "" else ""
    return f'<img src="{escape(shown.url)}" width="{shown.width}" height="{shown.height}" alt="{escape(alt)}"{role}>'
