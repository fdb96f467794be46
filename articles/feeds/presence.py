"""What is here already of what a document brings: asked for many items at once, so that most need no query of theirs.

It only ever spares a question whose answer would be "nothing". Whatever may be here is looked up as it is now, and the
database's own constraints catch what another worker brings in the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable

from articles.feeds import identity
from articles.models import Article, Author, FeedEntry


class Presence:
    """What there was of these addresses, title keys, slugs and authors when it was made."""

    def __init__(
        self, *, links: Iterable[str], title_keys: Iterable[str], slugs: Iterable[str], author_slugs: Iterable[str]
    ) -> None:
        """4 queries at most."""
        variants = {variant for link in links for variant in identity.url_variants(link)}
        keys, wanted, writers = set(title_keys), set(slugs), set(author_slugs)
        addresses = Article.objects.filter(canonical_url__in=variants).order_by()
        entries = FeedEntry.objects.filter(title_key__in=keys).order_by()
        taken = Article.objects.filter(slug__in=wanted).order_by()
        self._is_certain = True
        self._links = set(addresses.values_list("canonical_url", flat=True))
        self._title_keys = set(entries.values_list("title_key", flat=True))
        self._slugs = set(taken.values_list("slug", flat=True))
        self._authors = {author.slug: author for author in Author.objects.filter(slug__in=writers)}

    def may_have_link(self, link: str) -> bool:
        return not self._is_certain or not self._links.isdisjoint(identity.url_variants(link))

    def may_have_title(self, title_key: str) -> bool:
        return not self._is_certain or title_key in self._title_keys

    def may_have_slug(self, slug: str) -> bool:
        return not self._is_certain or slug in self._slugs

    def author(self, slug: str) -> Author | None:
        """The author, or None if one has to ask."""
        return self._authors.get(slug) if self._is_certain else None

    def note_article(self, article: Article) -> None:
        """Something was made since."""
        self._links.add(article.canonical_url)
        self._slugs.add(article.slug)

    def note_author(self, author: Author) -> None:
        self._authors[author.slug] = author

    def doubt(self) -> None:
        """Something that was made has been taken back, or somebody else was faster: ask about everything from now."""
        self._is_certain = False
