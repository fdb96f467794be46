"""The demo: an empty site becomes a small newspaper; a site in use stays as it is."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings
from PIL import Image

from articles.models import Article, Topic
from articles.sanitizing import clean_html
from config.demo import content, filling, scenes
from newsletter.digests.models import Offer, Schedule
from newsletter.subscribers.models import Newsletter

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.django_db
def test_demo_fills_an_empty_site_and_says_what_it_made() -> None:
    out = StringIO()

    call_command("demo", "--json", "--password", "a long password", stdout=out)

    made = json.loads(out.getvalue())
    assert made["articles"] == Article.objects.count() == 18
    assert made["topics"] == Topic.objects.count() == 6
    assert made["newsletters"] == Newsletter.objects.count() == 3
    assert authenticate(username="editor", password="a long password") == User.objects.get()


@pytest.mark.django_db
def test_random_password_is_printed_once_and_signs_in() -> None:
    out = StringIO()

    call_command("demo", stdout=out)

    found = re.search(r"password (\S+)", out.getvalue())
    assert found
    assert authenticate(username="editor", password=found[1])


@pytest.mark.django_db
def test_demo_refuses_a_site_in_use_and_changes_nothing() -> None:
    Topic.objects.create(name="Ours", slug="ours")
    Article.objects.create(title="Our own story")

    with pytest.raises(CommandError, match="already has articles or newsletters"):
        call_command("demo")

    assert Article.objects.count() == 1
    assert not User.objects.exists()


@pytest.mark.django_db
def test_if_empty_leaves_a_site_in_use_alone_without_a_word() -> None:
    Article.objects.create(title="Our own story")
    out = StringIO()

    call_command("demo", "--if-empty", stdout=out)

    assert out.getvalue() == ""
    assert Article.objects.count() == 1


@pytest.mark.django_db
def test_editor_who_exists_keeps_the_password() -> None:
    User.objects.create_superuser("editor", password="the first password")

    filled = filling.fill(now=NOW, password="another password")

    assert filled.password is None
    assert authenticate(username="editor", password="the first password")


@pytest.mark.django_db
def test_articles_are_released_within_the_days_that_a_digest_looks_back() -> None:
    filling.fill(now=NOW)

    daily = Schedule.objects.get(cadence="daily")
    since = NOW - timedelta(days=daily.window_days)
    assert Article.objects.eligible(since=since, now=NOW).count() == 18


@pytest.mark.django_db
def test_schedules_of_the_digest_know_their_next_run() -> None:
    filling.fill(now=NOW)

    runs = dict(Schedule.objects.filter(newsletter__slug="latest-news").values_list("cadence", "next_run_at"))
    assert runs == {
        "daily": datetime(2026, 11, 21, 7, 0, tzinfo=UTC),
        "weekly": datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
    }


@pytest.mark.django_db
def test_one_newsletter_of_each_kind_and_one_running_offer() -> None:
    filling.fill(now=NOW)

    kinds = dict(Newsletter.objects.values_list("slug", "kind"))
    assert kinds == {"latest-news": "digest", "updates": "announcements", "special-offers": "offers"}
    assert [offer.newsletters.get().slug for offer in Offer.objects.running(NOW.date())] == ["special-offers"]


@pytest.mark.django_db
def test_everything_made_is_valid() -> None:
    filling.fill(now=NOW)

    for row in [*Article.objects.all(), *Newsletter.objects.all(), *Offer.objects.all(), *Schedule.objects.all()]:
        row.full_clean(exclude=["cadences"])


@pytest.mark.django_db
def test_pictures_have_a_large_and_a_small_file_and_a_description() -> None:
    filling.fill(now=NOW)

    pictured = Article.objects.exclude(picture="")
    assert pictured.count() == 16
    for article in pictured:
        with Image.open(article.picture.path) as large, Image.open(article.thumbnail.path) as small:
            assert large.size == (1200, 800)
            assert small.size == (352, 235)
        assert article.picture_alt.startswith("Drawing of ")


@pytest.mark.parametrize(("url", "domain"), [
    ("https://news.example.net", "news.example.net"),
    ("http://localhost:8000", "example.org"),
    ("http://127.0.0.1:8000", "example.org"),
])  # fmt: skip
def test_sender_is_at_the_site_s_host_if_mail_could_come_from_there(url: str, domain: str) -> None:
    with override_settings(SITE_URL=url):
        assert filling.mail_domain() == domain


def test_stories_are_clean_html_on_known_topics_by_known_authors() -> None:
    topics, authors = {slug for slug, *_rest in content.TOPICS}, {slug for slug, _name in content.AUTHORS}

    for story in content.stories():
        assert clean_html(story.body) == story.body
        assert set(story.topics) <= topics
        assert story.author in authors
        assert story.body.count("<p>") >= 3
        assert story.scene in {"", *scenes.SCENES}


def test_the_same_scene_is_drawn_the_same() -> None:
    assert scenes.drawn("storm") == scenes.drawn("storm")


def test_every_scene_is_used() -> None:
    assert {story.scene for story in content.stories()} - {""} == set(scenes.SCENES)


def test_stories_are_the_only_files_beside_the_code() -> None:
    assert {path.suffix for path in Path(content.STORIES).iterdir()} == {".html"}
