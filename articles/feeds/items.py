"""One item of a feed becomes an article, changes one, or is found to be known already."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from articles import body_pictures
from articles.feeds import following, full_text, identity
from articles.feeds.fingerprints import Fingerprint, part
from articles.feeds.mapping import CategoryMap
from articles.feeds.parsing import ParsedItem
from articles.feeds.presence import Presence
from articles.models import Article, Author, Feed, FeedEntry, slug_base

SAME_TITLE_DAYS = 3


class ItemRefused(Exception):
    """This item cannot become an article. The message is a sentence for people."""


class Outcome(Enum):
    NEW = "new"
    HELD = "held"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Batch:
    """What the items of one poll share."""

    feed: Feed
    now: datetime
    categories: CategoryMap
    known: dict[str, FeedEntry]  # by identity: what this feed brought before
    identities: frozenset[str]  # of all items of the document
    skipped: frozenset[str]  # those of them that were left out when the feed was added
    shared_links: frozenset[str]  # canonical addresses that several different stories of the document have
    presence: Presence
    wanted_pictures: set[int] = field(default_factory=set)  # articles that have one, and are to get another


@dataclass(frozen=True)
class Arrival:
    """One item on its way in."""

    item: ParsedItem
    identity: str
    released_at: datetime
    is_mailable: bool
    is_held: bool = False  # for review, even if the feed is trusted


def take_in(arrival: Arrival, batch: Batch) -> Outcome:
    """Import one item, inside a transaction. Raises ItemRefused, and IntegrityError if another worker was faster."""
    entry = batch.known.get(arrival.identity)
    if entry:
        return _revisit(entry, arrival, batch)
    if not arrival.item.title:
        raise ItemRefused(_("It has neither a headline nor a text."))
    article = _same_story(arrival, batch)
    return _join(article, arrival, batch) if article else _create(arrival, batch)


def usable_link(item: ParsedItem, batch: Batch) -> str:
    """The canonical address, unless it does not tell this story from others."""
    link = identity.canonical_url(item.link)
    return "" if link in batch.shared_links else link


def _same_story(arrival: Arrival, batch: Batch) -> Article | None:
    """The article that tells this story already, by address, else by a title that came from another feed lately."""
    link = usable_link(arrival.item, batch)
    if link and batch.presence.may_have_link(link):
        article = Article.objects.filter(canonical_url__in=identity.url_variants(link)).order_by("pk").first()
        if article:
            return article.merged_into or article
    key = identity.title_key(arrival.item.title)
    if not identity.is_telling(key) or not batch.presence.may_have_title(key):
        return None
    same_title = FeedEntry.objects.filter(title_key=key).select_related("article").order_by("first_seen_at", "pk")
    lately = batch.now - timedelta(days=SAME_TITLE_DAYS)
    twin = same_title.filter(first_seen_at__gt=lately).exclude(feed=batch.feed).first()
    twin = twin or _before_relaunch(same_title, arrival.item, batch)
    return twin.article if twin else None


def _before_relaunch(same_title: QuerySet[FeedEntry], item: ParsedItem, batch: Batch) -> FeedEntry | None:
    """The entry that this item was before its feed changed all ids and addresses: same headline, same date."""
    if item.published_at is None:
        return None
    own = same_title.filter(feed=batch.feed, article__published_at=min(item.published_at, batch.now))
    return next((entry for entry in own[:20] if entry.identity not in batch.identities), None)


def _create(arrival: Arrival, batch: Batch) -> Outcome:
    item = arrival.item
    picture = item.picture
    is_published = batch.feed.is_trusted and not arrival.is_held
    article = Article(
        title=item.title,
        slug=_slug(item, batch),
        summary=item.summary,
        body=item.body_html,
        language=item.language,
        canonical_url=usable_link(item, batch),
        picture_url=picture.url if picture else "",
        picture_alt=picture.alt if picture else "",
        picture_credit=picture.credit if picture else "",
        status=Article.Status.PUBLISHED if is_published else Article.Status.IN_REVIEW,
        released_at=arrival.released_at if is_published else None,
        is_mailable=arrival.is_mailable,
        published_at=min(item.published_at, batch.now) if item.published_at else None,
        first_seen_at=batch.now,
    )
    article.save()
    article.topics.add(*batch.categories.topics_of(item.categories))
    article.authors.add(*_authors(item, batch))
    body_pictures.note(article, now=batch.now)
    extract_at = batch.now if full_text.is_wanted(batch.feed, item) else None
    _add_entry(article, arrival, batch, extract_at=extract_at)
    batch.presence.note_article(article)
    return Outcome.HELD if arrival.is_held else Outcome.NEW


def _join(article: Article, arrival: Arrival, batch: Batch) -> Outcome:
    """One more source of an article that we have. A feed that gave its item another id keeps its old entry."""
    renamed = article.entries.filter(feed=batch.feed).exclude(identity__in=batch.identities).order_by("-pk").first()
    if renamed:
        renamed.identity = arrival.identity
        renamed.save(update_fields=["identity"])
        return _revisit(renamed, arrival, batch)
    takes_over = _may_release(article, arrival, batch)
    if takes_over:
        article = _release(article.pk, arrival, batch)
    extract_at = batch.now if takes_over and full_text.is_wanted(batch.feed, arrival.item) else None
    _add_entry(article, arrival, batch, extract_at=extract_at, has_taken_over=takes_over)
    article.topics.add(*batch.categories.topics_of(arrival.item.categories))
    return Outcome.NEW if takes_over else Outcome.UNCHANGED


def _may_release(article: Article, arrival: Arrival, batch: Batch) -> bool:
    """Whether a trusted feed tells what only waits in review because others brought it first."""
    is_waiting = article.status == Article.Status.IN_REVIEW and article.created_by_id is None
    if not is_waiting or not batch.feed.is_trusted or arrival.is_held:
        return False
    feeds = set(article.entries.values_list("feed_id", flat=True))
    return batch.feed.pk not in feeds and _source_of(article) is not None


def _release(pk: int, arrival: Arrival, batch: Batch) -> Article:
    """Publish it as the trusted feed tells it; what an editor changed meanwhile stays."""
    article = Article.objects.select_for_update().get(pk=pk)
    link, authors = usable_link(arrival.item, batch), _authors(arrival.item, batch)
    has_picture = following.take_over(
        article, arrival.item, source=_source_of(article), link=link, authors=authors, now=batch.now
    )
    if has_picture:
        batch.wanted_pictures.add(article.pk)
    if not article.revisions.exclude(editor=None).exists():
        article.is_mailable = arrival.is_mailable
        article.save(update_fields=["is_mailable"])
    article.publish(arrival.released_at)
    batch.presence.note_article(article)
    return article


def _add_entry(
    article: Article,
    arrival: Arrival,
    batch: Batch,
    *,
    extract_at: datetime | None = None,
    has_taken_over: bool = False,
) -> None:
    FeedEntry.objects.create(
        feed=batch.feed,
        article=article,
        identity=arrival.identity,
        fingerprint=str(Fingerprint.of(arrival.item)),
        title_key=identity.title_key(arrival.item.title),
        first_seen_at=batch.now,
        categories=list(arrival.item.categories),
        extract_at=extract_at,
        has_taken_over=has_taken_over,
    )


def _revisit(entry: FeedEntry, arrival: Arrival, batch: Batch) -> Outcome:
    """Bring over what the feed changed, field by field, unless an editor changed that field."""
    before, after = Fingerprint.parse(entry.fingerprint), Fingerprint.of(arrival.item)
    categories = list(arrival.item.categories)
    if before == after and entry.categories == categories:
        return Outcome.UNCHANGED
    article = Article.objects.select_for_update().get(pk=entry.article_id)
    is_changed = False
    if _source_of(article) == entry:
        is_changed = _follow(article, arrival, before, batch)
        is_changed |= _sort_anew(article, entry.categories, categories, batch)
    entry.fingerprint, entry.title_key = str(after), identity.title_key(arrival.item.title)
    entry.categories = categories
    if entry.extracted_part and before.body != after.body and part(article.body) == entry.extracted_part:
        entry.extract_at, entry.extract_count = batch.now, 0  # the page has probably changed as well
    entry.save(update_fields=["fingerprint", "title_key", "categories", "extract_at", "extract_count"])
    return Outcome.UPDATED if is_changed else Outcome.UNCHANGED


def _source_of(article: Article) -> FeedEntry | None:
    """What the article follows; feeds that only repeat it do not change it."""
    made = Q(first_seen_at=article.first_seen_at)  # a merged one brings older ones
    return article.entries.filter(made | Q(has_taken_over=True)).order_by("-has_taken_over", "pk").first()


def _follow(article: Article, arrival: Arrival, before: Fingerprint, batch: Batch) -> bool:
    link, authors = usable_link(arrival.item, batch), _authors(arrival.item, batch)
    changed = following.follow(article, arrival.item, before=before, link=link, authors=authors, now=batch.now)
    if "picture_url" in changed:
        batch.wanted_pictures.add(article.pk)
    batch.presence.note_article(article)
    return bool(changed)


def _sort_anew(article: Article, before: list[str], after: list[str], batch: Batch) -> bool:
    """Bring over changed categories, unless the topics are no longer those that the old ones lead to."""
    led_to, lead_to = batch.categories.topics_of(before), batch.categories.topics_of(after)
    if led_to == lead_to or set(article.topics.all()) != led_to:
        return False
    article.topics.set(lead_to)
    return True


def _slug(item: ParsedItem, batch: Batch) -> str:
    """The slug for the title; "" if somebody has it, so that another is found."""
    slug = slug_base(item.title)
    return "" if batch.presence.may_have_slug(slug) else slug


def _authors(item: ParsedItem, batch: Batch) -> list[Author]:
    known = [batch.presence.author(identity.author_slug(name)) for name in dict.fromkeys(item.authors)]
    if all(known):
        return [author for author in known if author]
    authors = authors_of(item)
    for author in authors:
        batch.presence.note_author(author)
    return authors


def presence_of(feed_items: Iterable[ParsedItem]) -> Presence:
    """What is here of these items."""
    new = list(feed_items)
    keys = {identity.title_key(item.title) for item in new}
    return Presence(
        links=filter(None, (identity.canonical_url(item.link) for item in new)),
        title_keys=filter(identity.is_telling, keys),
        slugs=(slug_base(item.title) for item in new),
        author_slugs=(identity.author_slug(name) for item in new for name in item.authors),
    )


def authors_of(item: ParsedItem) -> list[Author]:
    return [
        Author.objects.get_or_create(slug=identity.author_slug(name), defaults={"name": name})[0]
        for name in dict.fromkeys(item.authors)
    ]
