"""An article as the mails of every digest show it, for its page at the desk (``articles.outlook``)."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.safestring import SafeString

from articles.models import Article, Publication
from articles.outlook import MailPreview
from newsletter.digests import blocks, stories
from newsletter.digests.looks import Look
from newsletter.digests.models import Appearance
from newsletter.subscribers.models import Newsletter

MOST_NEWSLETTERS = 12


def mail_previews(article: Article) -> list[MailPreview]:
    """As the lead and as one of the others, in each digest's language and color."""
    digests = Newsletter.objects.filter(kind=Newsletter.Kind.DIGEST).order_by("position", "pk")[:MOST_NEWSLETTERS]
    return [_preview(article, newsletter) for newsletter in digests]


def _preview(article: Article, newsletter: Newsletter) -> MailPreview:
    with translation.override(newsletter.language):
        look = Look.of(Appearance.of(newsletter), Publication.current())
        story = stories.story_of(article, newsletter.language)
        shown = [SafeString(blocks.html_block(template, story, look)) for template in ("lead", "story")]
        html = render_to_string("digests/article_preview.html", {"blocks": shown, "look": look})
        text = blocks.text_block("story", story, look).replace(blocks.place("number"), "1")
    return MailPreview(key=newsletter.slug, newsletter=str(newsletter), html=html, text=text)
