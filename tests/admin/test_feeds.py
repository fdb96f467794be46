"""Adding a feed at the desk: looked at first; what is not wanted never comes; how each feed goes, in words."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime
from html import unescape

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from articles.feeds import polling
from articles.models import Article, Feed, PushSubscription
from tests import factories
from tests.articles.documents import item, rss
from tests.servers.http import HttpServer

ADD = "/admin/articles/feed/add/"


def recent(number: int, *, hours_ago: float) -> str:
    return item(number, pubDate=format_datetime(timezone.now() - timedelta(hours=hours_ago)))


def looked_at(desk: Client, url: str) -> str:
    answer = desk.post(ADD, {"url": url})
    assert answer.status_code in {200, 400}
    return answer.content.decode()


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return unescape(found.group(1))


def kept(desk: Client, page: str, *, first: str, ticked: list[str] | None = None) -> Feed:
    answer = desk.post(ADD, {
        "url": hidden(page, "url"), "shown": hidden(page, "shown"), "title": "Harbor", "is_trusted": "on",
        "poll_minutes": "15", "first": first, "ticked": ticked or [],
    })  # fmt: skip
    feed = Feed.objects.get()
    assert answer.headers["Location"] == reverse("admin:articles_feed_change", args=[feed.pk])
    return feed


@pytest.mark.parametrize(
    ("first", "taken"), [("nothing", set()), ("day", {1}), ("choose", {2}), ("everything", {1, 2, 3})]
)
def test_feed_is_shown_before_it_is_kept(desk: Client, http_server: HttpServer, first: str, taken: set[int]) -> None:
    url = http_server.serve("/feed.xml", rss(recent(1, hours_ago=2), recent(2, hours_ago=50), item(3)))

    page = looked_at(desk, url)
    assert "What happened in story 2" in page
    assert not Feed.objects.exists()
    ticks = re.findall(r'name="ticked" value="([0-9a-f]{64})"', page)
    kept(desk, page, first=first, ticked=[ticks[1]])
    list(polling.poll_due(timezone.now()))

    assert set(Article.objects.values_list("title", flat=True)) == {f"What happened in story {one}" for one in taken}


def test_feed_is_found_from_the_site_s_address(desk: Client, http_server: HttpServer) -> None:
    link = b'<html><link rel="alternate" type="application/rss+xml" href="/news.xml">'
    http_server.serve("/named/", link, content_type="text/html")
    http_server.serve("/usual/", b"<html>", content_type="text/html")
    for path in ("/news.xml", "/usual/rss.xml"):
        http_server.serve(path, rss(item()))

    assert hidden(looked_at(desk, http_server.url("/named/")), "url") == http_server.url("/news.xml")
    assert hidden(looked_at(desk, http_server.url("/usual/")), "url") == http_server.url("/usual/rss.xml")


def test_site_with_several_feeds_asks_which(desk: Client, http_server: HttpServer) -> None:
    links = (f'<link rel="alternate" type="application/atom+xml" title="Feed {n}" href="/{n}.xml">' for n in (1, 2))
    url = http_server.serve("/", f"<html>{''.join(links)}".encode(), content_type="text/html")

    page = looked_at(desk, url)

    assert f'value="{http_server.url("/2.xml")}"' in page
    assert "Which one?" in page


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "required"), ("ftp://news.example/", "http://"), ("http://169.254.169.254/latest", "private network"),
        ("http://user:secret@news.example/", "password"),
    ],
)  # fmt: skip
def test_address_that_cannot_be_is_explained(desk: Client, url: str, sentence: str) -> None:
    assert sentence in unescape(looked_at(desk, url))


def test_desk_of_a_public_site_reaches_no_private_machine(
    desk: Client, http_server: HttpServer, settings: Settings
) -> None:
    settings.SITE_URL = "https://news.example.org"

    assert "private network" in looked_at(desk, http_server.serve("/feed.xml", rss(item())))
    assert http_server.requests == []


def test_what_was_shown_cannot_be_forged(desk: Client, http_server: HttpServer) -> None:
    page = looked_at(desk, http_server.serve("/feed.xml", rss(item())))
    fields = {"url": hidden(page, "url"), "shown": "forged", "first": "everything", "poll_minutes": "15"}

    assert desk.post(ADD, fields).status_code == 400
    assert not Feed.objects.exists()


def test_known_feed_is_not_added_twice(desk: Client, http_server: HttpServer) -> None:
    feed = factories.make_feed(url=http_server.serve("/feed.xml", rss(item())), title="Harbor Wire")

    assert "has this address already" in looked_at(desk, feed.url)


@pytest.mark.usefixtures("db")
def test_feeds_are_for_those_who_may(client: Client, http_server: HttpServer) -> None:
    feed = factories.make_feed(url=http_server.serve("/feed.xml", rss(item())))
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_feed"))
    client.force_login(viewer)

    assert client.get(reverse("admin:articles_feed_change", args=[feed.pk])).status_code == 200
    assert client.post(ADD, {"url": feed.url}).status_code == 403
    assert client.get(reverse("admin:articles_feed_look", args=[feed.pk])).status_code == 403
    assert http_server.requests == []


def test_look_at_a_feed_imports_nothing(desk: Client, http_server: HttpServer) -> None:
    feed = factories.make_feed(url=http_server.serve("/feed.xml", rss(item())))
    look = reverse("admin:articles_feed_look", args=[feed.pk])

    assert "What happened in story 1" in desk.get(look).content.decode()
    http_server.serve("/feed.xml", b"<html>")
    assert "web page" in desk.get(look).content.decode()
    assert not Article.objects.exists()


def test_how_a_feed_goes_is_told_in_words(desk: Client) -> None:
    now = timezone.now()
    silent = factories.make_feed(last_success_at=now, last_new_at=now - timedelta(days=9), quiet_after=now)
    failing = factories.make_feed(failure_count=3, last_error="It cannot be reached.", last_success_at=now)

    def page(feed: Feed) -> str:
        return desk.get(reverse("admin:articles_feed_change", args=[feed.pk])).content.decode()

    assert "longer than usual for it" in page(silent)
    assert "It cannot be reached." in page(failing)
    listed = desk.get(reverse("admin:articles_feed_changelist"), {"health": "silent"}).content.decode()
    assert (silent.url in listed, failing.url in listed) == (True, False)


def test_paused_feed_is_unsubscribed_from_its_hub(desk: Client) -> None:
    feed = factories.make_feed()
    PushSubscription.objects.create(feed=feed, hub_url="https://hub.example/", topic_url=feed.url, status="active")

    desk.post(reverse("admin:articles_feed_changelist"), {"action": "pause_selected", "_selected_action": [feed.pk]})

    assert Feed.objects.get().status == Feed.Status.PAUSED
    assert PushSubscription.objects.get().status == PushSubscription.Status.ENDING
    assert PushSubscription.objects.due(timezone.now()).exists()
