"""A newsletter's issues for feed readers, as RSS 2.0 and Atom 1.0: what the archive shows, and nobody's own links."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import Value
from django.db.models.functions import Coalesce, NullIf
from django.urls import reverse
from django.utils import feedgenerator, translation
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from articles.syndication import Document
from newsletter.digests import prose, written
from newsletter.digests.archive import issues_of, shown_items
from newsletter.digests.models import Issue
from newsletter.digests.rendering import INTRO_CHARACTERS
from newsletter.subscribers.models import Newsletter

FEED_COUNT = 20


class _Rss(feedgenerator.Rss201rev2Feed):
    """Changed when its newest issue went out; not now, so that an unchanged feed has the same bytes."""

    def latest_post_date(self) -> datetime:
        return self.feed["changed_at"]  # type: ignore[no-any-return]


class _Atom(feedgenerator.Atom1Feed):
    """Likewise."""

    def latest_post_date(self) -> datetime:
        return self.feed["changed_at"]  # type: ignore[no-any-return]


GENERATORS: Mapping[str, type[_Rss | _Atom]] = {"rss": _Rss, "atom": _Atom}


def feed(kind: str, newsletter: Newsletter, *, path: str, now: datetime) -> Document:
    """The newest issues that went out, each with its headlines. ``kind`` is rss or atom. 2 queries."""
    issues = list(issues_of(newsletter, now=now)[:FEED_COUNT])
    headlines = _headlines(issues, now=now)
    launches = [issue.launched_at for issue in issues if issue.launched_at]
    changed_at = max(launches, default=datetime(1970, 1, 1, tzinfo=UTC))
    generator = GENERATORS[kind]
    with translation.override(newsletter.language):
        document = generator(
            title=prose.one_line(newsletter.name),
            link=settings.SITE_URL + newsletter.get_absolute_url(),
            feed_url=settings.SITE_URL + path,
            description=prose.one_line(newsletter.description) or prose.one_line(newsletter.name),
            subtitle=prose.one_line(newsletter.description),
            language=newsletter.language,
            changed_at=changed_at,
        )
        for issue in issues:
            url = settings.SITE_URL + issue.get_absolute_url()
            document.add_item(
                title=_title(issue), link=url, unique_id=url, description=_content(issue, headlines[issue.pk]),
                pubdate=issue.launched_at, updateddate=issue.launched_at, author_name=newsletter.sender_name,
            )  # fmt: skip
    return Document(document.writeString("utf-8").encode(), document.content_type, changed_at)


def _headlines(issues: Sequence[Issue], *, now: datetime) -> Mapping[int, list[tuple[str, str]]]:
    """Issue -> its headlines with their addresses, as the archive shows them."""
    headline = Coalesce(NullIf("title", Value("")), NullIf("article__newsletter_title", Value("")), "article__title")
    rows = shown_items(now=now).filter(issue__in=issues).values_list("issue_id", "article__slug", headline)
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for issue_id, slug, title in rows:
        found[issue_id].append((settings.SITE_URL + reverse("articles:article", args=[slug]), prose.one_line(title)))
    return found


def _title(issue: Any) -> str:
    if issue.headline:
        return prose.one_line(issue.headline)
    return _("%(name)s, No. %(number)s") % {"name": issue.newsletter.name, "number": issue.number}


def _content(issue: Issue, headlines: list[tuple[str, str]]) -> SafeString:
    intro = prose.to_html(issue.intro, max_characters=INTRO_CHARACTERS)
    body = written.html_of(issue.body if issue.is_written else "")
    listed = format_html_join("", '<li><a href="{}">{}</a></li>', headlines)
    return format_html("{}{}{}", intro, body, format_html("<ul>{}</ul>", listed) if listed else "")
