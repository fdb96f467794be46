"""The sign-up box, for the pages of every part: ``{% load signup %}{% sign_up_box %}``."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from django import template
from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from newsletter.lib.keeping import Fragments
from newsletter.subscribers import rhythm
from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.pages import sign_up_page

BOXES = Fragments(most_characters=1_000_000)

register = template.Library()
register.filter("promise", rhythm.promise)
register.filter("expectation", rhythm.expectation)


@register.inclusion_tag("subscribers/_sign_up_box.html", takes_context=True)
def sign_up_box(context: template.Context, newsletter: Newsletter | None = None) -> dict[str, Any]:
    """A form for every open newsletter, or for the one given. Nothing is shown if none is open."""
    request = context.get("request")
    page_url = f"{settings.SITE_URL}{request.path}" if request else ""
    page = sign_up_page(newsletter=newsletter, page_url=page_url, topics=context.get("site_topics"))
    return {**page, "fields": BOXES.piece(_shown(page), lambda: _fields(page))}


def _shown(page: Mapping[str, Any]) -> Hashable:
    """All that the fields of a box say."""
    newsletters = tuple(
        (each.slug, each.name, each.description, rhythm.promise(each), each.consent_text)
        for each in page["newsletters"]
    )
    topics = tuple((topic.slug, topic.name) for topic in page["topics"])
    is_alone = page["only_newsletter"] is not None
    return (
        newsletters, is_alone, topics, tuple(page["cadences"]), page["chosen_cadence"],
        page["asks_measuring"] and page["measuring_words"],
        settings.PROOF_OF_WORK, settings.PRIVACY_URL,
    )  # fmt: skip


def _fields(page: Mapping[str, Any]) -> SafeString:
    return render_to_string("subscribers/_sign_up_fields.html", {**page, "prefix": "box"})


@register.simple_tag
def privacy_notice() -> str:
    """Where the publisher says what becomes of readers' data; empty if nowhere. For pages, frames and mails."""
    return settings.PRIVACY_URL


@register.inclusion_tag("subscribers/_proof.html")
def proof_of_work() -> dict[str, Any]:
    """Within a form: what the browser needs to bring a proof of work, should one be asked for."""
    return {"is_used": settings.PROOF_OF_WORK != "off"}
