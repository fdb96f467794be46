"""Making editions and rendering them."""

from __future__ import annotations

import io
from typing import Any

from django.core.files.base import ContentFile
from PIL import Image

from articles.models import Article
from newsletter.digests.models import Edition
from newsletter.digests.rendering import RenderedMail, render_edition
from newsletter.subscribers.models import Newsletter
from tests.factories import make_edition, make_issue


def rendered(edition: Edition, **options: Any) -> RenderedMail:
    mail = render_edition(edition=edition, **options)
    assert mail
    return mail


def edition_for(newsletter: Newsletter, articles: list[Article], **issue_fields: Any) -> Edition:
    return make_edition(issue=make_issue(articles=articles, newsletter=newsletter, **issue_fields), articles=articles)


def with_pictures(article: Article, *, size: tuple[int, int] = (1104, 736)) -> Article:
    content = io.BytesIO()
    Image.new("RGB", size).save(content, "JPEG")
    article.picture.save(f"{article.slug}.jpg", ContentFile(content.getvalue()), save=False)
    article.thumbnail.save(f"{article.slug}-small.jpg", ContentFile(content.getvalue()), save=False)
    article.save()
    return article
