"""One item of an archive becomes an article, or is found to be known. It is never news: no newsletter carries it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from django.utils.text import slugify

from articles import body_pictures
from articles.archives.candidates import ARTICLE, PICTURE, Candidate
from articles.boilerplate import RuleBook
from articles.feeds import identity
from articles.feeds.fingerprints import PART_LENGTH, Fingerprint
from articles.feeds.items import authors_of
from articles.feeds.mapping import CategoryMap
from articles.feeds.parsing import ParsedItem
from articles.feeds.tidying import tidied_item
from articles.models import SLUG_LENGTH, Archive, ArchiveItem, Article, Author, Feed, FeedEntry, SkippedItem, Topic
from articles.models.rules import category_key

NO_TOPICS = frozenset({"uncategorized", "allgemein", "non classé", "sin categoría", "senza categoria"})
NOT_BY_FEED = "-" * PART_LENGTH  # no text has this hash


@dataclass
class Setting:
    """What the items of one turn share."""

    archive: Archive
    feed: Feed
    categories: CategoryMap
    boilerplate: RuleBook | None  # None: the feed keeps it
    now: datetime
    made_topics: list[int] = field(default_factory=list)
    made_authors: list[int] = field(default_factory=list)


def take_in(candidate: Candidate, setting: Setting) -> ArchiveItem:
    """Import one item, inside a transaction. The answer is not saved yet, and has no position."""
    if candidate.item and setting.boilerplate:
        candidate = replace(candidate, item=tidied_item(candidate.item, setting.boilerplate).item)
    outcome, reason, article = _judged(candidate, setting)
    return ArchiveItem(
        archive=setting.archive, outcome=outcome, reason=reason[:200], article=article, label=candidate.label[:200],
        number=candidate.number, picture_number=candidate.picture_number,
        url=candidate.url if len(candidate.url) <= 2000 else "",
    )  # fmt: skip


def _judged(candidate: Candidate, setting: Setting) -> tuple[str, str, Article | None]:
    outcomes = ArchiveItem.Outcome
    if candidate.kind == PICTURE:
        return outcomes.PICTURE, "", None
    if candidate.kind != ARTICLE or candidate.item is None:
        return outcomes.LEFT_OUT, candidate.reason, None
    if candidate.is_draft and not setting.archive.takes_drafts:
        return outcomes.LEFT_OUT, "", None
    if candidate.is_page and not setting.archive.takes_pages:
        return outcomes.LEFT_OUT, "", None
    name = identity.of(candidate.item)
    if not name or not candidate.item.title:
        return outcomes.REFUSED, "", None
    if known := _known(candidate.item, name, setting):
        return outcomes.KNOWN, "", known
    return outcomes.NEW, "", _create(candidate, candidate.item, name, setting)


def _known(item: ParsedItem, name: str, setting: Setting) -> Article | None:
    entry = FeedEntry.objects.filter(feed=setting.feed, identity=name).select_related("article").first()
    if entry:
        return entry.article
    link = identity.canonical_url(item.link)
    if not link:
        return None
    article = Article.objects.filter(canonical_url__in=identity.url_variants(link)).order_by("pk").first()
    if article:
        _add_entry(article, item, name, setting)
    return article


def _create(candidate: Candidate, item: ParsedItem, name: str, setting: Setting) -> Article:
    now, picture = setting.now, item.picture
    article = Article(
        title=item.title,
        slug=_free_slug_of(candidate.slug),
        summary=item.summary,
        body=item.body_html,
        language=item.language,
        canonical_url=identity.canonical_url(item.link),
        picture_url=picture.url if picture else "",
        picture_alt=picture.alt if picture else "",
        picture_credit=picture.credit if picture else "",
        status=Article.Status.DRAFT,
        is_mailable=False,
        published_at=item.published_at if item.published_at and item.published_at <= now else None,
        first_seen_at=now,
    )
    article.save()
    article.topics.set(_topics(candidate, item, setting))
    article.authors.set(_authors(item, setting))
    _add_entry(article, item, name, setting)
    body_pictures.note(article, now=now)
    if not candidate.is_draft:
        article.publish(article.published_at or now)
    return article


def _free_slug_of(slug: str) -> str:
    """The address that it had, if nobody has it here; "" lets one be made from the headline."""
    slug = slugify(slug)[:SLUG_LENGTH].strip("-")
    return "" if Article.objects.filter(slug=slug).exists() else slug


def _add_entry(article: Article, item: ParsedItem, name: str, setting: Setting) -> None:
    SkippedItem.objects.filter(feed=setting.feed, identity=name).delete()
    FeedEntry.objects.create(
        feed=setting.feed, article=article, identity=name, fingerprint=str(_fingerprint(item, setting)),
        title_key=identity.title_key(item.title), first_seen_at=setting.now, categories=list(item.categories),
    )  # fmt: skip


def _fingerprint(item: ParsedItem, setting: Setting) -> Fingerprint:
    """A WordPress export has whole texts, whatever the feed has: its teaser must not take their place."""
    said = Fingerprint.of(item)
    return replace(said, body=NOT_BY_FEED) if setting.archive.kind == Archive.Kind.WXR else said


def _topics(candidate: Candidate, item: ParsedItem, setting: Setting) -> set[Topic]:
    topics = setting.categories.topics_of(item.categories)
    if setting.archive.makes_topics:
        for category in candidate.categories:
            if category_key(category) not in NO_TOPICS and not setting.categories.topics_of([category]):
                topics |= _made_topic(category, setting)
    return topics


def _made_topic(category: str, setting: Setting) -> set[Topic]:
    slug = slugify(category)[:SLUG_LENGTH].strip("-") or f"topic-{identity.digest(category)[:10]}"
    topic, is_new = Topic.objects.get_or_create(slug=slug, defaults={"name": category[:80]})
    if is_new:
        setting.made_topics.append(topic.pk)
    return {topic}


def _authors(item: ParsedItem, setting: Setting) -> list[Author]:
    newest = Author.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    authors = authors_of(item)
    setting.made_authors += [author.pk for author in authors if author.pk > newest]
    return authors
