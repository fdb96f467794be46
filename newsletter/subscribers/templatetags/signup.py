"""The sign-up box, for the pages of every part: ``{% load signup %}{% sign_up_box %}``."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from newsletter.subscribers import rhythm
from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.pages import sign_up_page

register = template.Library()
register.filter("promise", rhythm.promise)
register.filter("expectation", rhythm.expectation)


@register.inclusion_tag("subscribers/_sign_up_box.html", takes_context=True)
def sign_up_box(context: template.Context, newsletter: Newsletter | None = None) -> dict[str, Any]:
    """A form for every open newsletter, or for the one given. Nothing is shown if none is open."""
    request = context.get("request")
    page_url = f"{settings.SITE_URL}{request.path}" if request else ""
    return {**sign_up_page(newsletter=newsletter, page_url=page_url), "site_name": context.get("site_name", "")}


@register.simple_tag
def privacy_notice() -> str:
    """Where the publisher says what becomes of readers' data; empty if nowhere. For pages, frames and mails."""
    return settings.PRIVACY_URL


@register.inclusion_tag("subscribers/_proof.html")
def proof_of_work() -> dict[str, Any]:
    """Within a form: what the browser needs to bring a proof of work, should one be asked for."""
    return {"is_used": settings.PROOF_OF_WORK != "off"}
