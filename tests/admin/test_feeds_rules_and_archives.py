"""The desk's pages for boilerplate, category rules and archives, as an editor uses them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from articles.models import Archive, BoilerplateRule, CategoryRule
from tests.articles.documents import item, rss
from tests.articles.wordpress import post, wxr
from tests.factories import make_feed, make_topic
from tests.servers.http import HttpServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("editor"))
    return client


def test_preview_shows_what_the_rules_and_the_words_being_tried_would_take(
    desk: Client, http_server: HttpServer
) -> None:
    body = "<p>The ferry is back.</p><p>- Advertisement -</p><p>More from the quay desk</p>"
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item(description=body))))

    tried = {"feed": str(feed.pk), "pattern": "more from the *"}
    page = desk.get(reverse("admin:articles_boilerplaterule_preview_page"), tried)

    assert page.status_code == 200
    text = page.content.decode()
    assert "<del>- Advertisement -</del>" in text
    assert "<del>More from the quay desk</del>" in text
    assert "<del>The ferry" not in text
    assert not BoilerplateRule.objects.exists()


def test_standard_rules_are_there_to_be_read(desk: Client) -> None:
    page = desk.get(reverse("admin:articles_boilerplaterule_standard_page"))

    assert "the post * appeared first on *" in page.content.decode()


def test_rule_that_would_take_everything_is_refused(desk: Client) -> None:
    page = desk.post(
        reverse("admin:articles_boilerplaterule_add"), {"pattern": "* a *", "effect": "line", "is_active": "on"}
    )

    assert "Four letters at least" in page.content.decode()
    assert not BoilerplateRule.objects.exists()


def test_proposed_rules_are_accepted_and_switched_off(desk: Client) -> None:
    rule = CategoryRule.objects.create(
        feed=make_feed(), category="Hafen", topic=make_topic(), is_learned=True, status=CategoryRule.Status.PROPOSED
    )
    statuses = []
    for action in ("accept_selected", "switch_off_selected"):
        desk.post(reverse("admin:articles_categoryrule_changelist"), {"action": action, "_selected_action": [rule.pk]})
        rule.refresh_from_db()
        statuses.append(rule.status)

    assert statuses == [CategoryRule.Status.ACTIVE, CategoryRule.Status.OFF]


def test_archive_is_handed_in_and_can_be_cancelled(desk: Client) -> None:
    upload = SimpleUploadedFile("export.xml", wxr(post(1)))

    answer = desk.post(reverse("admin:articles_archive_add"), {"file": upload, "takes_drafts": "on"})
    archive = Archive.objects.get()
    page = desk.get(answer["Location"])
    desk.post(answer["Location"], {"action": "cancel"})
    neither = desk.post(reverse("admin:articles_archive_add"), {"makes_topics": "on"})

    archive.refresh_from_db()
    assert "Being looked at" in page.content.decode()
    assert (archive.kind, archive.status) == (Archive.Kind.WXR, Archive.Status.CANCELLED)
    assert (neither.status_code, Archive.objects.count()) == (400, 1)
