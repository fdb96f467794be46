"""What was wrong in an article, for its page."""

from __future__ import annotations

from django import template

from articles.models import Article
from newsletter.digests.models import Correction

register = template.Library()


@register.simple_tag
def corrections_of(article: Article) -> list[Correction]:
    """The notes on it, the latest first. One query."""
    return list(Correction.objects.on_page_of(article))
