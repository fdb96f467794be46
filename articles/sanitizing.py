"""HTML from elsewhere, made harmless. Needs no Django, so that the feed reader's own process can use it."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable

import nh3

from articles import embeds
from articles.addresses import LINK_SCHEMES, PICTURE_SCHEMES, absolute_url
from articles.flattening import flattened

MAX_HTML_LENGTH = 1_000_000  # characters of one text; what is longer is cut

BLOCKS = frozenset({
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd", "blockquote", "pre",
    "figure", "figcaption", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td",
})  # fmt: skip
TAGS = BLOCKS | frozenset({
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "q", "s", "samp",
    "small", "strong", "sub", "sup", "u", "var",
})  # fmt: skip
CONTENT_REMOVED = frozenset({
    "script", "style", "title", "textarea", "noscript", "noembed", "noframes", "iframe", "template", "svg", "math",
    "object", "applet", "xmp", "plaintext",
})  # fmt: skip
ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title"},
    "abbr": {"title"},
    "img": {"src", "alt", "title", "width", "height"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
URL_ATTRIBUTES = frozenset({"href", "src", "cite"})
NUMBER_ATTRIBUTES = frozenset({"width", "height", "start", "colspan", "rowspan"})
WORD_ATTRIBUTES = frozenset({"lang", "dir", "scope"})

# Control characters, and the marks that let a text claim another reading direction than it has.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
# nh3 writes attributes in one form only: name="value", quotes inside escaped. A "<" in a text is always escaped.
_IMAGE = re.compile(r'<img((?: [a-z]+="[^"]*")*)>')
_ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
_TAG = re.compile(r'</?([a-z0-9]+)(?: [a-z]+="[^"]*")*>')
_HOLLOW = re.compile(r"<(p|figure|figcaption)>\s*</\1>")
_CAPTION_ALONE = re.compile(r"<figure>\s*<figcaption>([^<]*)</figcaption>\s*</figure>")
_EMPTY_LINK = re.compile(r'<a(?: [a-z]+="[^"]*")*></a>')


def clean_text(text: str) -> str:
    """The text without control characters, direction overrides and lone surrogates; white space is left as it is."""
    return _INVISIBLE.sub("", text)


def clean_html(html: str, base_url: str = "") -> str:
    """An allow-list of tags and attributes, safe to show on any page or in any mail.

    Links and pictures are absolute (relative ones are resolved against ``base_url`` and dropped without it), links
    are http, https or mailto and carry ``rel``, pictures are http or https. No styles, classes, ids, scripts, frames,
    forms or tracking pixels; what was embedded has become a link. Cleaning what is clean changes nothing.
    """
    text = flattened(clean_text(html[:MAX_HTML_LENGTH]))
    cleaned = nh3.clean(
        _with_embeds_linked(text, base_url) if embeds.are_in(text) else text,
        tags=set(TAGS),
        clean_content_tags=set(CONTENT_REMOVED),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_attribute_filter(base_url),
        url_schemes=set(LINK_SCHEMES),
        link_rel="noopener nofollow",
        strip_comments=True,
    )
    return _EMPTY_LINK.sub("", _IMAGE.sub(_kept_image, cleaned)).strip()


def _with_embeds_linked(html: str, base_url: str) -> str:
    """Written anew by nh3, so that tags can be found, and without what goes anyway; not clean yet."""
    written = nh3.clean(
        html,
        tags=set(TAGS | embeds.TAGS),
        clean_content_tags=set(CONTENT_REMOVED - embeds.TAGS),
        attributes={**ATTRIBUTES, **{tag: set(embeds.ATTRIBUTES) for tag in embeds.TAGS}},
        url_schemes=set(LINK_SCHEMES),
        link_rel=None,
        strip_comments=True,
    )
    return embeds.linked(written, base_url)


def plain_text(html: str) -> str:
    """The text of some HTML on one line, entities resolved. It is text: escape it wherever it is shown as HTML."""
    cleaned = nh3.clean(
        flattened(clean_text(html[:MAX_HTML_LENGTH])),
        tags=set(BLOCKS), clean_content_tags=set(CONTENT_REMOVED), attributes={}, link_rel=None,
    )  # fmt: skip
    text = entities.unescape(_TAG.sub(" ", cleaned))
    return " ".join(clean_text(text).split())


def images_of(cleaned_html: str) -> list[dict[str, str]]:
    """The attributes of the pictures in HTML that ``clean_html`` made."""
    return [_attributes(match[1]) for match in _IMAGE.finditer(cleaned_html)]


def with_images(cleaned_html: str, write: Callable[[dict[str, str]], str]) -> str:
    """HTML that ``clean_html`` made, with what ``write`` gives for each picture's attributes; "" leaves it out.

    What was only around a picture that is left out goes with it.
    """
    left_out = False

    def written(match: re.Match[str]) -> str:
        nonlocal left_out
        tag = write(_attributes(match[1]))
        left_out = left_out or not tag
        return tag

    html = _IMAGE.sub(written, cleaned_html)
    return _without_hollows(html) if left_out else html


def without_image(cleaned_html: str, url: str) -> str:
    """HTML that ``clean_html`` made without the pictures of this address, and without what was only around them."""
    html = _IMAGE.sub(lambda match: "" if _attributes(match[1]).get("src") == url else match[0], cleaned_html)
    return _without_hollows(html)


def _without_hollows(html: str) -> str:
    """Without links, paragraphs and figures that have nothing in them; a caption without a picture is a paragraph."""
    html = _EMPTY_LINK.sub("", html)
    html = _HOLLOW.sub("", _CAPTION_ALONE.sub(r"<p>\1</p>", html))
    return html.strip()


def _attribute_filter(base_url: str) -> Callable[[str, str, str], str | None]:
    def keep(tag: str, name: str, value: str) -> str | None:
        if name in URL_ATTRIBUTES:
            schemes = LINK_SCHEMES if name == "href" else PICTURE_SCHEMES
            return absolute_url(value, base_url, schemes=schemes) or None
        if name in NUMBER_ATTRIBUTES:
            return value if re.fullmatch(r"[0-9]{1,5}", value) else None
        if name in WORD_ATTRIBUTES:
            return value if re.fullmatch(r"[A-Za-z0-9-]{1,20}", value) else None
        return value

    return keep


def _kept_image(match: re.Match[str]) -> str:
    image = _attributes(match[1])
    is_pixel = any(image.get(side) in {"0", "1"} for side in ("width", "height"))
    return match[0] if image.get("src") and not is_pixel else ""


def _attributes(written: str) -> dict[str, str]:
    return {name: entities.unescape(value) for name, value in _ATTRIBUTE.findall(written)}
