"""What an editor looks at before anybody else: previews, and pictures put into a text."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from articles.models import Article
from articles.pictures import copies_of
from tests.articles.documents import picture
from tests.factories import make_article

pytestmark = pytest.mark.django_db


def test_preview_stands_in_a_frame_that_runs_nothing(admin_client: Client) -> None:
    attack = '<p>Ferry</p><script>alert(1)</script><img src="https://tracker.example/p.png" onerror="alert(1)">'
    article = make_article(status=Article.Status.DRAFT, released_at=None, body=attack)

    page = admin_client.get(reverse("admin:articles_article_preview", args=[article.pk])).text
    frame = admin_client.get(reverse("admin:articles_article_preview_frame", args=[article.pk]))

    assert page.count("<iframe") == page.count(" sandbox ") >= 1
    assert "<p>Ferry</p>" in frame.text
    for trace in ("alert(1)", "onerror", "tracker.example"):
        assert trace not in frame.text


def test_picture_in_a_text_is_kept_in_the_sizes_that_pages_need(admin_client: Client) -> None:
    upload = SimpleUploadedFile("Ferry at dawn.jpg", picture(1600, 1000), "image/jpeg")

    answer = admin_client.post(reverse("admin:articles_article_upload_picture"), {"picture": upload}).json()

    assert (answer["width"], answer["height"]) == (1200, 750)
    assert answer["url"].startswith(f"{settings.SITE_URL}/media/pictures/")
    copies = copies_of(answer["url"].removeprefix(settings.SITE_URL))
    assert copies is not None
    for address in (candidate.split()[0] for candidate in copies.srcset.split(", ")):
        assert default_storage.exists(address.removeprefix(settings.MEDIA_URL)), address


def test_who_writes_nothing_puts_no_picture_here(client: Client) -> None:
    client.force_login(User.objects.create_user("guest", is_staff=True))
    upload = SimpleUploadedFile("ferry.jpg", picture(), "image/jpeg")

    response = client.post(reverse("admin:articles_article_upload_picture"), {"picture": upload})

    assert response.status_code == 403
