"""Autosave, versions, two editors at once, merging: nothing that was written is lost, nobody gets a story twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article, FeedEntry, Revision, WorkingCopy
from articles.writing import comparing, merging, revisions
from tests import factories
from tests.admin.test_actions import form_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(factories.make_editor(username="ana"))
    return client


def change(article: Article) -> str:
    return reverse("admin:articles_article_change", args=[article.pk])


def test_stale_save_is_refused_and_both_texts_are_shown(desk: Client) -> None:
    article = factories.make_article(title="As it was", body="<p>First words.</p>")
    mine = form_of(desk, change(article)) | {"title": "Mine", "body": "<p>My own words.</p>"}
    theirs = form_of(desk, change(article)) | {"title": "Theirs"}
    desk.post(change(article), theirs)

    refused = desk.post(change(article), mine)

    article.refresh_from_db()
    assert article.title == "Theirs"
    shown = refused.context["editing"]["conflict"]
    assert {each.name for each in shown} == {"title", "body"}
    assert refused.context["adminform"].form["body"].value() == "<p>My own words.</p>"

    again = mine | {"base": refused.context["adminform"].form["base"].value()}
    desk.post(change(article), again)

    article.refresh_from_db()
    assert article.title == "Mine"
    assert [each.content["title"] for each in article.revisions.all()] == ["Mine", "Theirs", "As it was"]


def test_autosave_keeps_what_is_typed_and_publishes_nothing(desk: Client) -> None:
    article = factories.make_article(title="Published")
    typed = form_of(desk, change(article)) | {"title": "Half a tho", "has_changes": "1"}
    autosave = reverse("admin:articles_article_autosave", args=[article.pk])

    answer = desk.post(autosave, typed).json()

    article.refresh_from_db()
    assert article.title == "Published"
    back = desk.get(change(article), {"copy": answer["copy_pk"]})
    assert back.context["adminform"].form["title"].value() == "Half a tho"
    desk.post(change(article), form_of(desk, f"{change(article)}?copy={answer['copy_pk']}"))
    article.refresh_from_db()
    assert article.title == "Half a tho"
    assert not WorkingCopy.objects.exists()


def test_editors_hear_of_each_other_and_of_saves(desk: Client) -> None:
    article = factories.make_article()
    typed = form_of(desk, change(article)) | {"has_changes": "0"}
    autosave = reverse("admin:articles_article_autosave", args=[article.pk])
    other = Client()
    other.force_login(factories.make_editor(username="ben"))
    other.post(autosave, typed | {"has_changes": "1"})

    before = desk.post(autosave, typed).json()
    other.post(change(article), form_of(other, change(article)) | {"title": "By Ben"})
    other.post(reverse("admin:articles_article_leave", args=[article.pk]))
    after = desk.post(autosave, typed).json()

    assert before["others"] == [{"name": "ben", "has_changes": True}]
    assert (before["is_stale"], after["is_stale"], after["others"]) == (False, True, [])


def test_version_is_brought_back_and_what_was_there_is_kept(desk: Client) -> None:
    topic = factories.make_topic()
    article = factories.make_article(title="First", topics=[topic])
    desk.post(change(article), form_of(desk, change(article)) | {"title": "Second", "topics": []})
    found = Revision.objects.get(reason=Revision.Reason.FOUND)

    desk.post(reverse("admin:articles_article_restore", args=[article.pk, found.pk]))

    article.refresh_from_db()
    assert (article.title, list(article.topics.all())) == ("First", [topic])
    assert [each.content["title"] for each in article.revisions.all()] == ["First", "Second", "First"]


def test_comparison_marks_words_and_not_whole_paragraphs() -> None:
    before: dict[str, Any] = {"body": "<p>The ferry leaves at ten.</p><p>Bring a coat.</p>"}
    after = {"body": "<p>The ferry leaves at eleven.</p><p>Bring a coat.</p>"}

    (body,) = comparing.changes(before, after)

    assert [(piece.kind, piece.text) for piece in body.paragraphs[0]] == [
        ("same", "The ferry leaves at "), ("removed", "ten."), ("added", "eleven."),
    ]  # fmt: skip
    assert [(piece.kind, piece.text) for piece in body.paragraphs[1]] == [("same", "Bring a coat.")]


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


def test_merged_article_leads_to_the_last_of_a_chain() -> None:
    first, second, third = (factories.make_article() for _number in range(3))

    merging.merge(duplicate=first, into=second, editor=None, now=factories.NOW)
    merging.merge(duplicate=second, into=third, editor=None, now=factories.NOW)

    assert merging.ids_of_stories([third.pk]) == {first.pk: third.pk, second.pk: third.pk, third.pk: third.pk}
    with pytest.raises(merging.CannotMerge):
        merging.merge(duplicate=third, into=first, editor=None, now=factories.NOW)


def test_withdrawing_says_what_it_does_to_mails(desk: Client) -> None:
    article = factories.make_article()
    issue = factories.make_issue(
        articles=[article, factories.make_article()], send_at=factories.NOW + timedelta(days=1)
    )
    address = reverse("admin:articles_article_withdraw", args=[article.pk])

    asked = desk.get(address).content.decode()
    article.refresh_from_db()

    assert article.status == Article.Status.PUBLISHED
    assert f"{issue}" in asked
    desk.post(address)
    article.refresh_from_db()
    assert article.status == Article.Status.WITHDRAWN


def test_digest_does_not_depend_on_the_order_of_keys() -> None:
    assert revisions.digest({"a": 1, "b": 2}) == revisions.digest({"b": 2, "a": 1})
