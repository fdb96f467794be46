"""What a page is about, for search engines: JSON-LD in the words of schema.org."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from articles.models import Article, Author, Publication
from articles.syndication import absolute

HEADLINE_CHARACTERS = 110  # search engines show no more


def news_article(article: Article, publication: Publication, *, language: str) -> dict[str, Any]:
    """A NewsArticle. ``language`` is the page's, for an article that names none."""
    url = absolute(article.get_absolute_url())
    topics = [topic.name for topic in article.topics.all()]
    said = {
        "@context": "https://schema.org",
        "@type": "AdvertiserContentArticle" if article.is_sponsored else "NewsArticle",
        "headline": article.title[:HEADLINE_CHARACTERS],
        "description": article.summary,
        "url": url,
        "mainEntityOfPage": url,
        "inLanguage": article.language or language,
        "datePublished": article.shown_at.isoformat() if article.shown_at else "",
        "dateModified": max(article.updated_at, article.shown_at or article.updated_at).isoformat(),
        "image": [absolute(article.picture.url)] if article.picture else [],
        "author": [
            {"@type": "Person", "name": author.name, "url": absolute(author.get_absolute_url())}
            for author in article.authors.all()
        ]
        or [organization(publication)],
        "publisher": organization(publication),
        "isBasedOn": article.canonical_url,
        "articleSection": topics[:1],
        "keywords": topics,
        "isAccessibleForFree": True,
    }
    return {name: value for name, value in said.items() if value}


def profile(author: Author, publication: Publication) -> dict[str, Any]:
    """The page of somebody who writes for the publication."""
    url = absolute(author.get_absolute_url())
    return {
        "@context": "https://schema.org",
        "@type": "ProfilePage",
        "url": url,
        "mainEntity": {"@type": "Person", "name": author.name, "url": url, "worksFor": organization(publication)},
    }


def website(publication: Publication) -> dict[str, Any]:
    """The site, whose it is, and how to search it."""
    search = f"{absolute(reverse('articles:search'))}?q={{search_term_string}}"
    said = {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": publication.title,
        "description": publication.description,
        "url": absolute(reverse("articles:front")),
        "publisher": organization(publication),
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": search},
            "query-input": "required name=search_term_string",
        },
    }
    return {name: value for name, value in said.items() if value}


def organization(publication: Publication) -> dict[str, Any]:
    said: dict[str, Any] = {
        "@type": "NewsMediaOrganization",
        "name": publication.title,
        "url": absolute(reverse("articles:front")),
    }
    if publication.logo:
        said["logo"] = {
            "@type": "ImageObject", "url": absolute(publication.logo.url),
            "width": publication.logo_width, "height": publication.logo_height,
        }  # fmt: skip
    return said
