"""The pictures of an archive's articles, fetched from where they lay, one article after the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from articles.feeds import illustrating
from articles.models import Archive, ArchiveItem, Article

CHUNK = 10


class Renew(Protocol):
    """Writes down how far it is and keeps the lease."""

    def __call__(self, **values: object) -> None: ...


def fetch(
    archive: Archive, *, renew: Renew, is_over: Callable[[], bool], clock: Callable[[], datetime]
) -> bool:  # fmt: skip
    """Go on where the last turn ended. True at the end. A picture that fails leaves its article without one."""
    while True:
        new = archive.items.filter(outcome=ArchiveItem.Outcome.NEW, position__gte=archive.position)
        rows = list(new.select_related("article").order_by("position")[:CHUNK])
        if not rows:
            return True
        for row in rows:
            count = _fetch_for(row, archive, clock()) if row.article else 0
            counts = {**archive.counts, "pictures": archive.counts.get("pictures", 0) + count}
            renew(position=row.position + 1, counts=counts)
            if is_over():
                return False


def _fetch_for(row: ArchiveItem, archive: Archive, now: datetime) -> int:
    article = row.article
    assert article is not None
    if row.picture_number and not article.picture_url and not article.picture:
        _name_picture(article, archive, row.picture_number)
    count = 0
    if article.picture_url and not article.picture and not article.has_lost_picture:
        typed = archive.name if archive.kind == Archive.Kind.PAGES else ""
        count += illustrating.fetch_picture(article, trusted_url=typed)
    return count + illustrating.fetch_body_pictures_of(article, now=now)


def _name_picture(article: Article, archive: Archive, number: int) -> None:
    """The picture that a WordPress article names by number stands elsewhere in the file."""
    named = archive.items.filter(outcome=ArchiveItem.Outcome.PICTURE, number=number).first()
    if named and 0 < len(named.url) <= 1000:
        article.picture_url, article.picture_alt = named.url, named.label
        article.save(update_fields=["picture_url", "picture_alt"])
