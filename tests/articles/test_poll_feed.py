"""``manage.py poll_feed`` and the tasks that poll without anybody asking."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from articles import tasks
from articles.models import Article, Feed
from config.celery import app
from tests.articles.documents import item, rss
from tests.factories import make_feed, make_topic
from tests.servers.http import HttpServer, Response

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("poll_feed", *arguments, stdout=output)
    return output.getvalue()


def failing(*arguments: str) -> tuple[str, str]:
    """What a run that fails says: on standard output, and as its error."""
    output = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("poll_feed", *arguments, stdout=output)
    return output.getvalue(), str(caught.value)


def test_new_feed_is_added_and_imported(http_server: HttpServer) -> None:
    topic = make_topic(slug="local")
    url = http_server.serve("/feed.xml", rss(item(1), item(2)))

    output = run(url, "--topic", "local")

    assert "Harbor Wire: 2 new, 0 updated, 0 unchanged" in output
    assert list(Feed.objects.get(url=url).topics.all()) == [topic]
    assert Article.objects.filter(topics=topic).count() == 2
    assert Feed.objects.get().next_poll_at > timezone.now()


def test_running_again_imports_nothing_twice(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", rss(item(1)), etag='"1"')
    run(url)

    assert "nothing has changed" in run(url)
    assert Article.objects.count() == Feed.objects.count() == 1


def test_report_as_json(http_server: HttpServer) -> None:
    url = http_server.serve("/feed.xml", rss(item(1), "<item/>"))

    report = json.loads(run(url, "--json"))

    assert report == {
        "feed_id": Feed.objects.get().pk, "feed": "Harbor Wire", "url": url, "outcome": "imported", "new": 1,
        "updated": 0, "unchanged": 0, "held": 0, "pictures": 0, "error": "",
        "refused": [{"item": "", "reason": "It has no id, no link and no headline."}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (Response(b"<html><body>x</body></html>", content_type="text/html"), "web page"),
        (Response(status=500), "status 500"),
        (Response(status=410), "gone for good"),
        (Response(status=302, headers={"Location": "/feed.xml"}), "redirects"),
        (Response(bytes(50_000_000)), "larger than 10 MB"),
    ],
)
def test_failure_is_told_and_kept(http_server: HttpServer, response: Response, error: str) -> None:
    url = http_server.answer("/feed.xml", response)

    _output, message = failing(url)
    output, _message = failing(url, "--json")

    assert error in message
    assert error in json.loads(output)["error"]
    assert error in Feed.objects.get().last_error
    assert Feed.objects.get().failure_count == 2


def test_refused_connection_and_timeout_are_told(http_server: HttpServer, settings: Any) -> None:
    settings.FEED_TIMEOUT_SECONDS = 0.5
    slow = http_server.serve("/slow.xml", rss(), delay=20)

    assert "too long" in failing(slow)[1]
    http_server.stop()
    assert "refused the connection" in failing(slow)[1]


@pytest.mark.parametrize(
    "arguments", [["file:///etc/passwd"], ["feed.xml"], ["http://127.0.0.1/", "--topic", "nosuch"]]
)
def test_wrong_arguments_add_no_feed(arguments: list[str]) -> None:
    failing(*arguments)

    assert not Feed.objects.exists()


def test_beat_polls_due_feeds_once_and_rings_for_their_pictures(http_server: HttpServer) -> None:
    now = timezone.now()
    due = make_feed(url=http_server.serve("/feed.xml", rss(item())), next_poll_at=now - timedelta(minutes=1))
    make_feed(next_poll_at=now + timedelta(minutes=1))
    make_feed(next_poll_at=now - timedelta(minutes=1), status=Feed.Status.GONE)

    tasks.poll_due_feeds()
    tasks.poll_due_feeds()

    assert Article.objects.count() == len(http_server.requests) == 1
    with app.connection_for_read() as connection, connection.SimpleQueue("feeds") as queue:
        message = queue.get(timeout=5)
        message.ack()
        assert message.headers["task"] == "articles.tasks.fetch_pictures"
        assert message.payload[1] == {"feed_id": due.pk}
        with pytest.raises(queue.Empty):
            queue.get(block=False)
