"""What an archive holds, item by item, whatever kind it is."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation import gettext as _

from articles import embeds
from articles.addresses import absolute_url
from articles.archives import wordpress_text, wxr
from articles.archives.wxr import ArchiveError, WxrHead, WxrItem
from articles.feeds.parsing import ParsedFeed, ParsedItem, ParseError, parse
from articles.feeds.wording import MAX_SUMMARY_LENGTH, shortened
from articles.models import Archive
from articles.sanitizing import plain_text

MAX_DOCUMENTS = 2000
MAX_DOCUMENT_BYTES = 50 * 2**20
MAX_TITLE_LENGTH = 300
PICTURE, ARTICLE, OTHER = "picture", "article", "other"
PUBLISHED = frozenset({"publish"})
UNPUBLISHED = frozenset({"draft", "pending", "future", "private"})


@dataclass(frozen=True)
class Candidate:
    """One item: an article to be, a picture that articles name by number, or something that is left out."""

    kind: str
    label: str
    item: ParsedItem | None = None
    is_draft: bool = False
    is_page: bool = False
    reason: str = ""
    slug: str = ""
    categories: tuple[str, ...] = ()  # those of the item's that may become topics
    number: int | None = None
    picture_number: int | None = None
    url: str = ""


@dataclass
class Source:
    """Where the archive comes from, as far as it says so; filled while it is read."""

    title: str = ""
    site_url: str = ""
    feed_url: str = ""
    language: str = ""
    documents: set[str] = field(default_factory=set)


def read(archive: Archive, path: Path, source: Source) -> Iterator[Candidate]:
    """The items of a file. Raises ArchiveError."""
    if archive.kind == Archive.Kind.WXR:
        return _read_wxr(path, source)
    return _read_feeds(path, archive.name, source)


# --- WordPress --------------------------------------------------------------------------------------------------------
def _read_wxr(path: Path, source: Source) -> Iterator[Candidate]:
    head = WxrHead()
    with path.open("rb") as file:
        for item in wxr.read(file, head):
            if not source.site_url:
                source.title, source.language = head.title[:200], head.language[:16]
                source.site_url = absolute_url(head.link)
                source.feed_url = f"{source.site_url.rstrip('/')}/feed/" if source.site_url else ""
            yield _wordpress_candidate(item, head)


def _wordpress_candidate(item: WxrItem, head: WxrHead) -> Candidate:
    label = plain_text(item.text("title"))[:200]
    if item.kind == "attachment":
        url = absolute_url(item.text("wp:attachment_url"), head.link)
        alt = plain_text(item.meta.get("_wp_attachment_image_alt", ""))[:200]
        return Candidate(PICTURE, alt, url=url, number=item.number)
    if item.kind not in {"post", "page"}:
        return Candidate(OTHER, label, reason=_("It is no article (%(kind)s).") % {"kind": item.kind[:40]})
    if item.status not in PUBLISHED | UNPUBLISHED:
        return Candidate(OTHER, label, reason=_("It was in the bin, or never saved."))
    return Candidate(
        ARTICLE,
        label,
        item=_wordpress_article(item, head),
        is_draft=item.status in UNPUBLISHED or bool(item.text("wp:post_password")),
        is_page=item.kind == "page",
        slug=item.text("wp:post_name"),
        categories=tuple(item.categories),
        picture_number=wxr.number_of(item.meta.get("_thumbnail_id", "")),
    )


def _wordpress_article(item: WxrItem, head: WxrHead) -> ParsedItem:
    link = absolute_url(item.text("link"), head.link)
    body = wordpress_text.to_html(item.text("content:encoded"), base_url=link or head.link)
    summary = plain_text(item.text("excerpt:encoded")) or plain_text(embeds.without(body))
    summary = shortened(summary, MAX_SUMMARY_LENGTH)
    login = item.text("dc:creator")
    author = plain_text(head.authors.get(login, login))[:120]
    return ParsedItem(
        guid=item.text("guid"),
        link="" if "?p=" in link or "?page_id=" in link else link,  # a draft's, which nobody ever read there
        title=shortened(plain_text(item.text("title")), MAX_TITLE_LENGTH) or shortened(summary, 80),
        summary=summary,
        body_html=body,
        authors=(author,) if author and "@" not in author else (),
        categories=tuple(plain_text(name)[:120] for name in dict.fromkeys((*item.categories, *item.tags)))[:30],
        published_at=item.published_at,
        language=head.language if len(head.language) <= 16 else "",
    )


# --- feeds ------------------------------------------------------------------------------------------------------------
def _read_feeds(path: Path, name: str, source: Source) -> Iterator[Candidate]:
    for document_name, data in _documents(path, name):
        try:
            parsed = parse(data, url=source.site_url or "https://archive.invalid/")
        except ParseError as error:
            yield Candidate(OTHER, document_name[:200], reason=str(error)[:200])
            continue
        note_source(source, parsed)
        yield from map(feed_candidate, parsed.items)


def note_source(source: Source, parsed: ParsedFeed) -> None:
    source.title = source.title or parsed.title
    source.site_url = source.site_url or parsed.site_url
    source.feed_url = source.feed_url or parsed.self_url
    source.language = source.language or parsed.language


def feed_candidate(item: ParsedItem) -> Candidate:
    return Candidate(ARTICLE, (item.title or item.link or item.guid)[:200], item=item, categories=item.categories)


def _documents(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """The feed documents in a file or in a ZIP of files, in the order of their names; one in memory at a time."""
    if not zipfile.is_zipfile(path):
        if path.stat().st_size > MAX_DOCUMENT_BYTES:
            raise ArchiveError(_too_large(name))
        yield name, path.read_bytes()
        return
    try:
        with zipfile.ZipFile(path) as packed:
            members = sorted((one for one in packed.infolist() if not one.is_dir()), key=lambda one: one.filename)
            if len(members) > MAX_DOCUMENTS:
                raise ArchiveError(_("There are more than %(count)s files in it.") % {"count": MAX_DOCUMENTS})
            for member in members:
                with packed.open(member) as file:  # its size is what it unpacks to, whatever the directory claims
                    data = file.read(MAX_DOCUMENT_BYTES + 1)
                if len(data) > MAX_DOCUMENT_BYTES:
                    raise ArchiveError(_too_large(member.filename))
                yield member.filename, data
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ArchiveError(_("The ZIP file is damaged or locked by a password.")) from error


def _too_large(name: str) -> str:
    return _("%(name)s is larger than %(megabytes)s MB.") % {
        "name": name[:100], "megabytes": MAX_DOCUMENT_BYTES // 2**20
    }  # fmt: skip
