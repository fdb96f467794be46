"""Archives come in once, as what they are: old, complete, never mailed; and go again if somebody wants that."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from articles.archives import files, running, starting, taking_in
from articles.archives import wxr as wxr_files
from articles.archives.wordpress_text import to_html
from articles.archives.wxr import ArchiveError, WxrHead
from articles.feeds.importing import poll
from articles.models import Archive, Article, Author, Feed, FeedEntry, Revision, Topic
from tests.articles.documents import item, picture, rss
from tests.articles.polling import served
from tests.articles.wordpress import attachment, post, thumbnail, wxr
from tests.factories import NOW, make_feed, make_topic
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = NOW - timedelta(days=36_500)


def begun(document: bytes, *, feed: Feed | None = None, name: str = "export.xml", **options: Any) -> Archive:
    return starting.begin_file(upload=io.BytesIO(document), name=name, feed=feed, now=NOW, **options)


def checked(archive: Archive) -> Archive:
    running.advance(archive_id=archive.pk, clock=lambda: NOW)
    archive.refresh_from_db()
    return archive


def run(archive: Archive) -> Archive:
    """Look at it, start it, and go on until it is done."""
    checked(archive)
    assert archive.start(NOW), (archive.status, archive.error)
    return go_on(archive)


def go_on(archive: Archive) -> Archive:
    while running.advance(archive_id=archive.pk, clock=lambda: NOW):
        pass
    archive.refresh_from_db()
    return archive


# --- WordPress --------------------------------------------------------------------------------------------------------
def test_wordpress_export_comes_in_with_authors_topics_dates_and_is_never_mailed() -> None:
    topic = make_topic(name="Harbor")

    archive = run(begun(wxr(post(1, categories=["Harbor", "Fish"], excerpt="In short."), post(2))))

    assert (archive.status, archive.counts) == (Archive.Status.FINISHED, {"new": 2, "pictures": 0})
    article = Article.objects.get(slug="story-1")
    assert article.body == ("<p>The first paragraph of story 1.</p><p>The second one,<br>with a line break.</p>")
    assert (article.summary, article.status) == ("In short.", Article.Status.PUBLISHED)
    assert article.released_at == article.published_at == datetime(2019, 3, 2, 8, 30, tzinfo=UTC)
    assert [author.name for author in article.authors.all()] == ["Ann Lee"]
    assert list(article.topics.all()) == [topic]
    assert article.entries.get().categories == ["Harbor", "Fish"]
    assert not Article.objects.eligible(since=LONG_AGO, now=NOW).exists()
    assert Feed.objects.get().status == Feed.Status.PAUSED


def test_drafts_stay_drafts_and_what_is_no_article_is_left_out() -> None:
    items = [
        post(1, status="draft", post_date_gmt="0000-00-00 00:00:00", link="https://old.example/?p=1"),
        post(2, status="publish", post_password="secret"), post(3, status="trash"), post(4, post_type="page"),
        post(5, post_type="nav_menu_item"), post(6, title="", body=" "),
    ]  # fmt: skip

    archive = checked(begun(wxr(*items)))
    forecast = {name: archive.forecast.get(name) for name in ("drafts", "pages", "others")}
    archive = run(begun(wxr(*items)))

    assert forecast == {"drafts": 2, "pages": 1, "others": 2}
    assert archive.counts == {"new": 2, "left_out": 3, "refused": 1, "pictures": 0}
    assert list(Article.objects.values_list("status", "canonical_url").order_by("pk")) == [
        ("draft", ""), ("draft", "https://old.example/2019/story-2/"),
    ]  # fmt: skip


def test_topics_are_made_only_if_wanted() -> None:
    run(begun(wxr(post(1, categories=["Harbor", "Uncategorized"])), makes_topics=True))

    assert [topic.name for topic in Topic.objects.all()] == ["Harbor"]
    assert Article.objects.get().topics.get().name == "Harbor"


def test_pictures_come_from_where_they_lay(http_server: HttpServer, settings: Settings) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    lead = http_server.serve("/lead.jpg", picture(900, 600), content_type="image/jpeg")
    inside = http_server.serve("/inside.jpg", picture(700, 500), content_type="image/jpeg")
    body = f'[caption id="x" width="700"]<img src="{inside}" alt="A quay"> The quay[/caption]\n\nText.'
    settings_of_image = attachment(9, lead, alt="A ferry")

    archive = run(begun(wxr(post(1, body=body, more=thumbnail(9)), settings_of_image)))

    article = Article.objects.get()
    assert archive.counts == {"new": 1, "picture": 1, "pictures": 2}
    assert (article.picture_width, article.picture_height, article.picture_alt) == (900, 600, "A ferry")
    assert "<figcaption>The quay</figcaption>" in article.body
    assert article.body_pictures.get().width == 700


def test_what_the_site_has_already_is_known_and_a_later_poll_knows_the_archive(http_server: HttpServer) -> None:
    link = "https://old.example/2019/story-1/"
    feed = served(http_server, item(1, link=link, guid="https://old.example/?p=1"))

    archive = run(begun(wxr(post(1), post(2)), feed=feed))
    again = run(begun(wxr(post(1), post(2)), feed=feed))

    assert archive.counts == {"known": 1, "new": 1, "pictures": 0}
    assert again.counts == {"known": 2}
    assert FeedEntry.objects.filter(feed=feed).count() == Article.objects.count() == 2


def test_teaser_of_a_feed_does_not_take_the_place_of_an_exported_text(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.url("/feed.xml"), status=Feed.Status.PAUSED)
    run(begun(wxr(post(1)), feed=feed))
    whole = Article.objects.get().body
    guid = "https://old.example/?p=1"
    changed = item(1, guid=guid, title="A better headline", description="A teaser.")

    for now, document in ((NOW, item(1, guid=guid, description="The first.")), (NOW + timedelta(hours=1), changed)):
        http_server.serve("/feed.xml", rss(document))
        poll(feed=feed, now=now)

    article = Article.objects.get()
    assert (article.title, article.body) == ("A better headline", whole)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (wxr(post(1), head='<!DOCTYPE rss [<!ENTITY a "b">]><rss><channel>'), "entities"),
        (wxr(post(1))[:-40], "broken in line"),
        (b"<html xmlns:wp='http://wordpress.org/export/1.2/'></html>", "not a WordPress export"),
        (wxr(), "nothing in it"),
        (b"PK\x05\x06" + bytes(18), "nothing in it"),
        (b"PK\x03\x04 broken \x01\x02 PK\x05\x06" + b"\x01" * 18, "damaged"),
    ],
    ids=range(6),
)  # fmt: skip
def test_hostile_or_broken_file_is_refused_in_words(document: bytes, sentence: str) -> None:
    document = document.replace(b'"b">]><rss>', b'"b">]><rss xmlns:wp="http://wordpress.org/export/1.2/">')

    archive = checked(begun(document))

    assert archive.status == Archive.Status.FAILED
    assert sentence in archive.error


def test_empty_file_is_refused() -> None:
    with pytest.raises(ArchiveError, match="empty"):
        begun(b" \n")


def test_control_characters_that_xml_forbids_do_no_harm() -> None:
    archive = run(begun(wxr(post(1, body="One\x0b two\x00\x1f three"))))

    assert archive.counts["new"] == 1
    assert Article.objects.get().body == "<p>One two three</p>"


def test_short_codes_and_blocks_of_wordpress() -> None:
    text = '<!-- wp:paragraph --><p>A</p><!-- /wp:paragraph -->[gallery ids="1,2"]'

    assert to_html(text, base_url="") == "<p>A</p>"
    assert 'href="https://v.example/1"' in to_html("[embed]https://v.example/1[/embed]", base_url="")


def test_memory_does_not_grow_with_the_file() -> None:
    class Endless(io.RawIOBase):
        """An export of 30 MB that is made while it is read."""

        def __init__(self) -> None:
            self.pieces = self.made()

        def made(self) -> Iterator[bytes]:
            yield wxr().removesuffix(b"</channel></rss>")
            for number in range(3000):
                yield post(number, body="word " * 2000).encode()
            yield b"</channel></rss>"

        def read(self, size: int = -1) -> bytes:
            return next(self.pieces, b"")

    tracemalloc.start()
    read = 0
    for _item in wxr_files.read(Endless(), WxrHead()):  # type: ignore[arg-type]
        read += 1
    _current, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read == 3000
    assert peak < 3_000_000


# --- feeds ------------------------------------------------------------------------------------------------------------
def test_zip_of_feeds_comes_in_and_a_broken_one_among_them_is_told_of() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        link = '<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="self" href="https://old.example/feed.xml"/>'
        file.writestr("1.xml", rss(item(1), item(2), head=link))
        file.writestr("2.xml", rss(item(2), item(3), head=link))
        file.writestr("readme.txt", "Hello")

    archive = run(begun(packed.getvalue(), name="feeds.zip"))

    assert archive.counts == {"new": 3, "known": 1, "left_out": 1, "pictures": 0}
    assert Feed.objects.get().url == "https://old.example/feed.xml"
    assert not Article.objects.filter(is_mailable=True).exists()


def test_feed_is_followed_back_page_by_page(http_server: HttpServer) -> None:
    def page(*items: str, older: str) -> bytes:
        link = f'<atom:link xmlns:atom="http://www.w3.org/2005/Atom" rel="prev-archive" href="{older}"/>'
        return rss(*items, head=link)

    address = http_server.serve("/feed.xml", page(item(3), older="/2018.xml"))
    http_server.serve("/2018.xml", page(item(2), item(1), older="/feed.xml"))

    archive = run(starting.begin_pages(url=address, feed=None, now=NOW))

    assert (archive.status, archive.counts) == (
        Archive.Status.FINISHED, {"pages": 2, "new": 3, "pictures": 0},
    )  # fmt: skip
    assert [request.path for request in http_server.requests] == ["/feed.xml", "/feed.xml", "/2018.xml"]


# --- stopping, going on, taking back ----------------------------------------------------------------------------------
def test_killed_worker_loses_no_item_and_brings_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = checked(begun(wxr(*(post(number) for number in range(1, 101)))))
    archive.start(NOW)
    moments = count()
    real_take_in = taking_in.take_in

    class Killed(BaseException):
        """As sudden as a signal: nothing is caught on the way."""

    def dying(*arguments: Any) -> Any:
        if next(moments) == 57:
            raise Killed
        return real_take_in(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(running, "take_in", dying)
        with pytest.raises(Killed):
            running.advance(archive_id=archive.pk, clock=lambda: NOW)
    archive.refresh_from_db()
    stopped_at = archive.position
    busy = running.advance(archive_id=archive.pk, clock=lambda: NOW)
    while running.advance(archive_id=archive.pk, clock=lambda: NOW + timedelta(minutes=5)):
        pass

    archive.refresh_from_db()
    assert (stopped_at, busy) == (40, False)
    assert (archive.status, archive.counts["new"]) == (Archive.Status.FINISHED, 100)
    assert Article.objects.count() == 100


def test_archive_is_taken_back_except_for_what_was_worked_with() -> None:
    archive = run(begun(wxr(post(1, categories=["Harbor"]), post(2)), makes_topics=True))
    kept = Article.objects.get(slug="story-2")
    editor = User.objects.create(username="editor")
    Revision.objects.create(article=kept, editor=editor, content={}, digest="x", created_at=NOW)

    assert archive.undo(NOW)
    go_on(archive)

    assert archive.status == Archive.Status.UNDONE
    assert list(Article.objects.all()) == [kept]
    assert not Topic.objects.exists()
    assert list(Author.objects.values_list("name", flat=True)) == ["Ann Lee"]  # of the one that stays
    assert not files.directory_of(archive.folder).exists()


def test_cancelled_archive_stops() -> None:
    archive = checked(begun(wxr(post(1))))
    archive.start(NOW)

    assert archive.cancel(NOW)
    assert not running.advance(archive_id=archive.pk, clock=lambda: NOW)
    assert not Article.objects.exists()
