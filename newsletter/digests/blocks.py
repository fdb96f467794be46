"""Pieces of a mail, rendered and inlined once each: the frame of an issue and a block per article.

A piece is cached by everything that it shows, so it can never be stale, and any number of editions costs no more
template renders than there are articles (docs/benchmarks.md has figures). At most some 12 MB of pieces are kept in a
process.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from types import TracebackType

from django.template.base import Node, Parser
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from articles.mail_look import Logo
from newsletter.digests.ads import Ad
from newsletter.digests.looks import Look
from newsletter.digests.stories import Story
from newsletter.lib import slots
from newsletter.lib.html import inline_css, inline_fragment
from newsletter.lib.slots import Slot
from newsletter.lib.wrapping import wrap

# What differs between the editions of an issue; cf. newsletter.lib.slots for what differs between readers.
PLACE = re.compile("\ue002([a-z_]+)\ue003")
SECTION_LEVEL = 2
ANSWERS = ("yes", "partly", "no")  # to the question of what a reader thinks, as their links have them
BLANK = re.compile(r"\s*\n\s*")


class RenderingError(Exception):
    """A mail cannot be made; the message says why, for a template's error with its name and line."""


@dataclass(frozen=True)
class Frame:
    """What an issue's mail shows besides its articles."""

    template: str
    look: Look
    site_name: str
    site_url: str
    name: str
    logo: Logo | None
    date: str
    number: int
    heading: str
    greets: bool
    intro: SafeString
    intro_text: str
    body: SafeString
    body_text: str
    web_url: str
    postal_address: str
    closing: str
    question: str  # what readers are asked about the issue; empty: nothing
    is_advertisement: bool
    is_alert: bool


def place(name: str) -> str:
    return f"\ue002{name}\ue003"


def put_together(frame: str, pieces: Mapping[str, str]) -> str:
    """The frame with its places filled."""
    return PLACE.sub(lambda match: pieces[match[1]], frame)


@lru_cache(maxsize=64)
def frame(what: Frame) -> tuple[str, str]:
    """HTML and text around the articles, with places ``subject``, ``preheader``, ``articles`` and
    ``past_issues``.

    Raises RenderingError if a template leaves out what a mail must have.
    """
    context = {
        **what.look.context(),
        **vars(what),
        "slots": slots.marks(),
        "rating_urls": {answer: f"{Slot.RATING_URL.mark}{answer}/" for answer in ANSWERS},
        **{name: place(name) for name in ("subject", "preheader", "articles", "past_issues")},
    }
    html = render(f"email/{what.template}/body.html", context)
    text = render(f"email/{what.template}/body.txt", context)
    for name, part in (("body.html", html), ("body.txt", text)):
        _must_have(f"email/{what.template}/{name}", part, what)
    return _squeeze(inline_css(html)), wrap(text)


def _must_have(template: str, part: str, what: Frame) -> None:
    """The law asks for the address and the way out, and what leaves out the articles says nothing."""
    needed = {
        "{{ articles }}": place("articles"),
        "{{ slots.unsubscribe_url }}": Slot.UNSUBSCRIBE_URL.mark,
        "{{ slots.preferences_url }}": Slot.PREFERENCES_URL.mark,
        "{{ postal_address }}": escape(what.postal_address) if template.endswith(".html") else what.postal_address,
    }
    missing = [name for name, value in needed.items() if value not in part]
    if missing:
        raise RenderingError(f"{template}: {', '.join(missing)} must be in it")


@lru_cache(maxsize=4096)
def html_block(kind: str, story: Story, look: Look, *, level: int = 2) -> str:
    """One article's HTML, in a place that its layout has: ``lead``, ``story``, ``card``; or as a ``headline``.

    ``level`` is that of its heading. Under the heading of a section (3) it does not say its topic again.
    """
    look = look.turned(story.direction)
    context = {
        **look.context(),
        "story": story,
        "level": level,
        "has_kicker": story.is_sponsored or (look.shows_topics and level == SECTION_LEVEL),
        "summary": look.summary_of(story),
        "picture": look.picture_of(story, kind) if kind != "headline" else None,
    }
    folder = "" if kind == "headline" else f"{look.layout}/"
    return _fragment(f"email/digest/{folder}_{kind}.html", context, look)


@lru_cache(maxsize=256)
def html_part(template: str, look: Look, **values: str | int) -> str:
    """A piece without an article: ``section`` and ``row``, ``headlines`` and its heading, and ``left_out``."""
    return _fragment(f"email/digest/_{template}.html", {**look.context(), **values}, look)


@lru_cache(maxsize=4096)
def text_block(template: str, story: Story, look: Look, *, is_numbered: bool = True) -> str:
    """One article's text, with a place ``number`` if it is one of several. Templates: ``story``, ``headline``."""
    number = place("number") if is_numbered else ""
    context = {**look.context(), "story": story, "summary": look.summary_of(story), "number": number}
    return wrap(render(f"email/digest/_{template}.txt", context))


@lru_cache(maxsize=256)
def text_part(template: str, look: Look, **values: str | int) -> str:
    return render(f"email/digest/_{template}.txt", {**look.context(), **values}).strip("\n")


@lru_cache(maxsize=256)
def html_offer(ad: Ad, look: Look) -> str:
    """An offer's HTML, with its label."""
    return _fragment("email/digest/_offer.html", {**look.context(), "ad": ad}, look)


@lru_cache(maxsize=256)
def text_offer(ad: Ad, look: Look) -> str:
    """An offer's text, with its label."""
    return wrap(render("email/digest/_offer.txt", {**look.context(), "ad": ad}))


@lru_cache(maxsize=1024)
def subject(template: str, own: str, headline: str, newsletter: str) -> str:
    """On one line: the editor's ``own``, or else ``headline``, or else the newsletter's name."""
    context = {"own": own, "headline": headline, "newsletter": newsletter}
    return " ".join(render(f"email/{template}/subject.txt", context).split())


def render(template: str, context: Mapping[str, object]) -> str:
    """The template's output. Raises RenderingError with the template's name and line."""
    try:
        return render_to_string(template, dict(context))
    except Exception as error:
        reason = getattr(error, "raw_error_message", None) or str(error) or type(error).__name__
        raise RenderingError(f"{_culprit(error, template)}: {reason}") from error


def in_html(text: str) -> str:
    return escape(text)


def forget() -> None:
    """Drop every cached piece, as after a change of the templates."""
    for cached in (frame, html_block, html_part, html_offer, text_block, text_part, text_offer, subject, _style):
        cached.cache_clear()


@lru_cache(maxsize=64)
def _style(look: Look) -> str:
    names = ("email/_style.css", f"email/digest/{look.layout}/_style.css")
    return "\n".join(render(name, look.context()) for name in names)


def _fragment(template: str, context: Mapping[str, object], look: Look) -> str:
    return _squeeze(inline_fragment(render(template, context), _style(look)))


def _squeeze(html: str) -> str:
    return BLANK.sub("\n", html).strip()


def _culprit(error: Exception, template: str) -> str:
    """``template, line n`` of the innermost template tag that took part."""
    found = template
    # Django raises "template does not exist" anew, away from the tag that asked for it.
    trace: TracebackType | None = (error.__cause__ or error).__traceback__
    while trace:
        actor = trace.tb_frame.f_locals.get("self")
        # The parser notes at the error which tag it could not read; a tag that fails later is a Node and knows itself.
        token = getattr(error if isinstance(actor, Parser) else actor, "token", None)
        if token and isinstance(actor, Node | Parser) and actor.origin:
            found = f"{actor.origin.template_name!s}, line {token.lineno}"
        trace = trace.tb_next
    return found
