"""What an issue's page and a newsletter's archive are about, for search engines: JSON-LD in the words of schema.org."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from articles.models import Publication
from articles.structured import HEADLINE_CHARACTERS, organization
from newsletter.digests.models import Issue
from newsletter.digests.web_version import WebVersion
from newsletter.subscribers.models import Newsletter


def issue(sent: Issue, web: WebVersion, publication: Publication) -> dict[str, Any]:
    """A PublicationIssue with the articles that it tells, and what had to be corrected."""
    url = settings.SITE_URL + sent.get_absolute_url()
    articles = [
        {
            "@type": "AdvertiserContentArticle" if story.is_sponsored else "NewsArticle",
            "headline": story.headline[:HEADLINE_CHARACTERS],
            "url": story.url,
        }
        for story in (*web.stories, *web.headlines)
    ]
    said = {
        "@context": "https://schema.org",
        "@type": "PublicationIssue",
        "name": headline_of(sent, web),
        "issueNumber": sent.number,
        "url": url,
        "mainEntityOfPage": url,
        "inLanguage": sent.newsletter.language,
        "datePublished": sent.launched_at.isoformat() if sent.launched_at else "",
        "image": [web.picture.url] if web.picture else [],
        "isPartOf": _periodical(sent.newsletter),
        "publisher": organization(publication),
        "hasPart": articles,
        "correction": [
            {"@type": "CorrectionComment", "text": note.note, "datePublished": note.at.isoformat()}
            for note in web.corrections
        ],
        "isAccessibleForFree": True,
    }
    return {name: value for name, value in said.items() if value}


def archive(newsletter: Newsletter, issues: Iterable[Any], publication: Publication) -> dict[str, Any]:
    """A newsletter and the issues that one page of its archive lists, as ``archive.issues_of`` has them."""
    listed = [
        {
            "@type": "PublicationIssue",
            "issueNumber": each.number,
            "name": each.headline or f"{newsletter.name} {each.number}",
            "url": settings.SITE_URL + each.get_absolute_url(),
            "datePublished": each.launched_at.isoformat(),
        }
        for each in issues
    ]
    said = {
        "@context": "https://schema.org",
        **_periodical(newsletter),
        "description": newsletter.description,
        "inLanguage": newsletter.language,
        "publisher": organization(publication),
        "hasPart": listed,
        "isAccessibleForFree": True,
    }
    return {name: value for name, value in said.items() if value}


def headline_of(sent: Issue, web: WebVersion) -> str:
    """What the issue is called where it is listed: its subject, or what leads it."""
    return sent.subject or (web.lead.headline if web.lead else "") or f"{sent.newsletter.name} {sent.number}"


def _periodical(newsletter: Newsletter) -> dict[str, Any]:
    url = settings.SITE_URL + newsletter.get_absolute_url()
    return {"@type": "Periodical", "name": newsletter.name, "url": url}
