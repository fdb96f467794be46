"""Where a page of a part below shows what a reader got: it loads this tag, and no code of it knows us."""

from __future__ import annotations

from typing import Any

from django import template

from newsletter.insights import timeline
from newsletter.insights.desk.choosing import recent_issues
from newsletter.subscribers.models import Subscriber

register = template.Library()
FEW = 12


@register.inclusion_tag("admin/readers/_latest.html")
def latest_of_reader(subscriber: Subscriber) -> dict[str, Any]:
    """The newest entries of the reader's timeline, and the question why."""
    page = timeline.page(subscriber=subscriber, size=FEW)
    return {"subscriber": subscriber, "page": page, "issues": recent_issues(subscriber)}
