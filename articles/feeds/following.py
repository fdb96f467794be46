"""An item that changed: its article follows field by field, except where an editor has changed it since."""

from __future__ import annotations

from datetime import datetime

from articles import body_pictures
from articles.feeds import identity
from articles.feeds.fingerprints import Fingerprint, authors_part, moment_part, part
from articles.feeds.parsing import ParsedItem
from articles.models import Article, Author, FeedEntry


def follow(
    article: Article, item: ParsedItem, *, before: Fingerprint, link: str, authors: list[Author], now: datetime
) -> set[str]:
    """Bring over what the item says now and did not say ``before``. Returns the names of what changed.

    What the item no longer says stays. ``link`` is the item's canonical address, "" if it tells no story from others.
    """
    after = Fingerprint.of(item)
    changed = _follow_words(article, item, before, after) | _follow_picture(article, item, before, after)
    if (
        _is_new(before.link, after.link)
        and link
        and part(article.canonical_url) == before.link
        and _is_free(link, article)
    ):
        article.canonical_url = link
        changed.add("canonical_url")
    is_dated_anew = _is_new(before.published_at, after.published_at)
    if item.published_at and is_dated_anew and moment_part(article.published_at) == before.published_at:
        article.published_at = min(item.published_at, now)
        changed.add("published_at")
    if changed:
        article.save(update_fields=[*sorted(changed), "updated_at"])
    if "body" in changed:
        body_pictures.note(article, now=now)
    if _is_new(before.authors, after.authors) and authors and _authors_of(article) == before.authors:
        article.authors.set(authors)
        changed.add("authors")
    return changed


def take_over(
    article: Article, item: ParsedItem, *, source: FeedEntry | None, link: str, authors: list[Author], now: datetime
) -> bool:
    """Let the article say what this item says instead of what ``source`` said, except where an editor has changed it.

    Whoever vouches for the article vouches for this item alone: what it does not say goes. Saves, and returns whether
    the article is to get another picture.
    """
    before = Fingerprint.parse(source.fingerprint if source else "")
    extracted = source.extracted_part if source else ""
    for name, text in (("title", item.title), ("summary", item.summary), ("language", item.language)):
        if part(getattr(article, name)) == getattr(before, name):
            setattr(article, name, text)
    if part(article.body) in {before.body, extracted}:
        article.body = item.body_html
    if part(article.canonical_url) == before.link and (not link or _is_free(link, article)):
        article.canonical_url = link
    if moment_part(article.published_at) == before.published_at:
        article.published_at = min(item.published_at, now) if item.published_at else None
    has_new_picture = _take_over_picture(article, item, before)
    article.save()
    body_pictures.note(article, now=now)
    if _authors_of(article) == before.authors:
        article.authors.set(authors)
    return has_new_picture


def _take_over_picture(article: Article, item: ParsedItem, before: Fingerprint) -> bool:
    url = item.picture.url if item.picture else ""
    if part(article.picture_url) != before.picture or url == article.picture_url:
        return False
    article.picture = article.thumbnail = ""
    article.picture_width = article.picture_height = 0
    article.picture_url, article.has_lost_picture = url, False
    article.picture_alt = item.picture.alt if item.picture else ""
    article.picture_credit = item.picture.credit if item.picture else ""
    return bool(url)


def _is_new(said: str, says: str) -> bool:
    """Whether it changed, as far as we know what it was."""
    return bool(said) and said != says


def _follow_words(article: Article, item: ParsedItem, before: Fingerprint, after: Fingerprint) -> set[str]:
    changed = set()
    for name, text in (
        ("title", item.title),
        ("summary", item.summary),
        ("body", item.body_html),
        ("language", item.language),
    ):
        said = getattr(before, name)
        if text and _is_new(said, getattr(after, name)) and part(getattr(article, name)) == said:
            setattr(article, name, text)
            changed.add(name)
    return changed


def _follow_picture(article: Article, item: ParsedItem, before: Fingerprint, after: Fingerprint) -> set[str]:
    """Another picture comes with its own words; without one, the words alone may be corrected."""
    picture = item.picture
    if picture is None:
        return set()
    if part(article.picture_url) != before.picture:
        return set()
    if _is_new(before.picture, after.picture):
        article.picture_url, article.has_lost_picture = picture.url, False
        article.picture_alt, article.picture_credit = picture.alt, picture.credit
        return {"picture_url", "has_lost_picture", "picture_alt", "picture_credit"}
    changed = set()
    for name, text in (("picture_alt", picture.alt), ("picture_credit", picture.credit)):
        said = getattr(before, name)
        if text and _is_new(said, getattr(after, name)) and part(getattr(article, name)) == said:
            setattr(article, name, text)
            changed.add(name)
    return changed


def _is_free(link: str, article: Article) -> bool:
    return not Article.objects.filter(canonical_url__in=identity.url_variants(link)).exclude(pk=article.pk).exists()


def _authors_of(article: Article) -> str:
    return authors_part(article.authors.order_by().values_list("slug", flat=True))
