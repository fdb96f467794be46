"""Merging two articles that tell the same story, and taking them apart: nobody gets a story twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, FeedEntry
from articles.writing import merging
from tests import factories
from tests.admin.forms import form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(factories.make_editor(username="ana"))
    return client


def change(article: Article) -> str:
    return reverse("admin:articles_article_change", args=[article.pk])


def test_merging_moves_sources_and_leads_readers_on(desk: Client) -> None:
    kept = factories.make_article(released_at=timezone.now() - timedelta(hours=1))
    gone = factories.make_article(canonical_url="https://example.org/a")
    entry = FeedEntry.objects.create(
        feed=factories.make_feed(), article=gone, identity="1", fingerprint="1", title_key="x",
        first_seen_at=gone.first_seen_at,
    )  # fmt: skip

    desk.post(reverse("admin:articles_article_merge", args=[kept.pk]), {"duplicate": gone.pk})

    gone.refresh_from_db()
    kept.refresh_from_db()
    entry.refresh_from_db()
    assert (gone.status, gone.merged_into, entry.article) == (Article.Status.WITHDRAWN, kept, kept)
    assert kept.canonical_url == "https://example.org/a"
    assert Client().get(gone.get_absolute_url()).headers["Location"] == kept.get_absolute_url()
    assert not gone.publish(factories.NOW)


def test_merger_is_taken_apart(desk: Client) -> None:
    ferry, sport = factories.make_topic(name="Ferry"), factories.make_topic(name="Sport")
    older = factories.make_article()
    kept = factories.make_article(topics=[sport])
    gone = factories.make_article(canonical_url="https://example.org/a", topics=[ferry, sport])
    entry = FeedEntry.objects.create(
        feed=factories.make_feed(), article=gone, identity="1", fingerprint="1", title_key="x",
        first_seen_at=gone.first_seen_at, has_taken_over=True,
    )  # fmt: skip
    merging.merge(duplicate=older, into=gone, editor=None, now=factories.NOW)
    merging.merge(duplicate=gone, into=kept, editor=None, now=factories.NOW)
    assert Article.objects.get(pk=kept.pk).canonical_url == "https://example.org/a"
    address = reverse("admin:articles_article_take_apart", args=[gone.pk])

    asked = desk.get(address)
    assert asked.status_code == 200
    assert Article.objects.get(pk=gone.pk).merged_into == kept
    assert address in desk.get(change(gone)).content.decode()
    desk.post(address)

    for row in (kept, gone, older, entry):
        row.refresh_from_db()
    assert (gone.status, gone.merged_into, gone.canonical_url) == ("published", None, "https://example.org/a")
    assert gone.withdrawn_at is None
    assert (entry.article, entry.has_taken_over, older.merged_into) == (gone, True, gone)
    assert (set(kept.topics.all()), kept.canonical_url) == ({sport}, "")
    assert desk.post(address).status_code == 403, "there is nothing left to take apart"


def test_what_somebody_did_after_a_merger_stays_when_it_is_taken_apart(desk: Client) -> None:
    ferry = factories.make_topic(name="Ferry")
    kept, gone = factories.make_article(), factories.make_article(topics=[ferry])
    merging.merge(duplicate=gone, into=kept, editor=None, now=factories.NOW)
    desk.post(change(kept), form_of(desk, change(kept)) | {"title": "Retold"})

    assert merging.take_apart(gone, editor=factories.make_editor(), now=factories.NOW)

    kept.refresh_from_db()
    assert (kept.title, list(kept.topics.all())) == ("Retold", [ferry])


def test_merger_without_a_record_leaves_the_duplicate_withdrawn() -> None:
    kept, gone = factories.make_article(), factories.make_article()
    merging.merge(duplicate=gone, into=kept, editor=None, now=factories.NOW)
    Article.objects.update(merge_record=None)

    merging.take_apart(gone, editor=factories.make_editor(), now=factories.NOW)

    gone.refresh_from_db()
    assert (gone.status, gone.merged_into) == (Article.Status.WITHDRAWN, None)


def test_author_takes_nothing_apart(client: Client) -> None:
    kept, gone = factories.make_article(), factories.make_article()
    merging.merge(duplicate=gone, into=kept, editor=None, now=factories.NOW)
    author = factories.make_editor(username="author")
    author.is_superuser = False
    author.save()
    author.user_permissions.set(Permission.objects.filter(codename__in=["view_article", "change_article"]))
    client.force_login(author)

    answer = client.post(reverse("admin:articles_article_take_apart", args=[gone.pk]))

    assert answer.status_code in {403, 404}
    assert Article.objects.get(pk=gone.pk).merged_into == kept


def test_merged_article_leads_to_the_last_of_a_chain() -> None:
    first, second, third = (factories.make_article() for _number in range(3))

    merging.merge(duplicate=first, into=second, editor=None, now=factories.NOW)
    merging.merge(duplicate=second, into=third, editor=None, now=factories.NOW)

    assert merging.ids_of_stories([third.pk]) == {first.pk: third.pk, second.pk: third.pk, third.pk: third.pk}
    with pytest.raises(merging.CannotMerge):
        merging.merge(duplicate=third, into=first, editor=None, now=factories.NOW)
