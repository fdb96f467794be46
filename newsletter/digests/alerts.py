"""Breaking news: one article and the editor's sentence, to everybody at once, after a moment in which it can be undone.

An alert is an issue of a newsletter of announcements. What happens to it afterwards is what happens to any issue: it is
launched, and every reader's send is in the ledger, so that the next digest knows who has had the article.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import Resolver404, resolve
from django.utils.formats import time_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from articles.feeds import identity
from articles.models import Article
from newsletter.digests import approval
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.opening import new_issue
from newsletter.subscribers.models import Newsletter

UNDO = timedelta(seconds=30)
SHOWN_ARTICLES = 8
OLD = timedelta(days=2)


class CannotAlertError(Exception):
    """There can be no such alert; the message tells the editor why and what to do."""


@dataclass(frozen=True)
class Wording:
    """What the mail says besides what the article says itself. Without a headline it has the article's."""

    headline: str = ""
    sentence: str = ""


def newsletters() -> QuerySet[Newsletter]:
    """Those that alerts can go to."""
    return Newsletter.objects.filter(kind=Newsletter.Kind.ANNOUNCEMENTS).order_by("position", "name", "pk")


def recent_articles(*, now: datetime) -> QuerySet[Article]:
    """What an editor most likely means: the latest that readers can see."""
    return Article.objects.mailable(now).order_by("-released_at", "-pk")[:SHOWN_ARTICLES]


def find_article(where: str, *, now: datetime) -> Article:
    """The article at this address, ours or that of its original, or with this id. Raises CannotAlertError."""
    where = where.strip()
    article = _named(where)
    while article and article.merged_into:
        article = article.merged_into
    if article is None:
        raise CannotAlertError(_("No article has this address. Copy it from the article's page, or choose one below."))
    if article.status != Article.Status.PUBLISHED:
        raise CannotAlertError(_("“%(title)s” is not published. Publish it first.") % {"title": article})
    if not Article.objects.mailable(now).filter(pk=article.pk).exists():
        told = _("“%(title)s” must not be mailed: it is kept out of newsletters, has expired or is under embargo.")
        raise CannotAlertError(told % {"title": article})
    return article


def draft(newsletter: Newsletter, article: Article, *, wording: Wording, by: object, now: datetime) -> Issue:
    """An alert that goes out in UNDO unless it is cancelled. One that waits already is returned as it is.

    Raises CannotAlertError if this newsletter's readers had this article as an alert, and approval.BlockedError if the
    preflight finds errors.
    """
    with transaction.atomic():
        Newsletter.objects.select_for_update(no_key=True).get(pk=newsletter.pk)  # a second tap must find the first
        alerts = Issue.objects.alerts().exclude(campaign__status="cancelled")
        before = alerts.filter(newsletter=newsletter, items__article=article).first()
        if before and before.launched_at:
            when = {"when": timesince(before.launched_at, now)}
            raise CannotAlertError(_("It went out as an alert %(when)s ago; nobody gets it twice.") % when)
        if before:
            return before
        issue = new_issue(newsletter, send_at=now + UNDO)
        issue.is_alert, issue.intro = True, wording.sentence
        issue.save(update_fields=["is_alert", "intro"])
        own = wording.headline if wording.headline != headline_of(article) else ""
        IssueItem.objects.create(issue=issue, article=article, state=IssueItem.State.PINNED, title=own)
        approval.approve_at_once(issue, by=by, now=now)
    return issue


def headline_of(article: Article) -> str:
    """What its mails say above it."""
    return article.newsletter_title or article.title


def last_alert(newsletter: Newsletter) -> Issue | None:
    return Issue.objects.alerts().filter(newsletter=newsletter, launched_at__isnull=False).first()


def doubts(newsletter: Newsletter, article: Article, *, now: datetime) -> Iterator[str]:
    """What speaks against this alert now, a sentence each. None of it forbids it."""
    local = now.astimezone(ZoneInfo(newsletter.time_zone))
    if newsletter.is_quiet_at(local.time()) and newsletter.quiet_until:
        hours = {"time": time_format(local.time(), "H:i"), "until": time_format(newsletter.quiet_until, "H:i")}
        yield _("It is %(time)s where its readers are: quiet hours, until %(until)s.") % hours
    if newsletter.is_quiet_on(local.date()):
        yield _("Today is a quiet day of this newsletter.")
    if article.released_at and now - article.released_at > OLD:
        yield _("This article is %(age)s old.") % {"age": timesince(article.released_at, now)}
    if article.is_sponsored:
        yield _("This article is an advertisement.")


def _named(where: str) -> Article | None:
    if where.isdecimal():
        return Article.objects.filter(pk=int(where)).first() if len(where) < 19 else None
    if slug := _slug_of_ours(where):
        return Article.objects.filter(slug=slug).first()
    canonical = identity.canonical_url(where if "://" in where else f"https://{where}")
    variants = identity.url_variants(canonical) if canonical else []
    return Article.objects.filter(canonical_url__in=variants).order_by("pk").first()


def _slug_of_ours(where: str) -> str:
    """The slug in the address of one of our own pages; "" if it is none of ours."""
    parts = urlsplit(where if "//" in where else f"//{where}")
    if parts.netloc and parts.netloc.casefold() != urlsplit(settings.SITE_URL).netloc.casefold():
        return ""
    try:
        match = resolve(parts.path)
    except Resolver404:
        return ""
    return str(match.kwargs.get("slug", "")) if match.view_name == "articles:article" else ""
