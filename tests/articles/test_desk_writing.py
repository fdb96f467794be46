"""Autosave, versions, two editors at once, merging: nothing that was written is lost, nobody gets a story twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from articles import pictures
from articles.models import Article, CategoryRule, FeedEntry, Revision, WorkingCopy
from articles.writing import comparing, revisions
from tests import factories
from tests.admin.forms import form_of
from tests.articles.documents import picture

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


def test_picture_comes_back_with_its_version(desk: Client) -> None:
    article = factories.make_article()
    pictures.store_picture(article, picture(1600, 1000))
    first = revisions.record(article, editor=None, now=factories.NOW)
    name, thumbnail = str(article.picture), str(article.thumbnail)
    pictures.store_picture(article, picture(300, 600))
    assert first is not None

    revisions.restore(first, editor=factories.make_editor(), now=factories.NOW)

    article.refresh_from_db()
    assert (str(article.picture), str(article.thumbnail), article.picture_width) == (name, thumbnail, 1200)
    assert article.revisions.all()[0].content["picture"] == name


def test_version_whose_picture_is_gone_brings_back_its_words(desk: Client) -> None:
    article = factories.make_article(title="First")
    pictures.store_picture(article, picture())
    first = revisions.record(article, editor=None, now=factories.NOW)
    assert first is not None
    pictures.forget(str(article.picture))
    pictures.store_picture(article, picture(300, 600))
    article.title = "Second"
    article.save()

    revisions.restore(first, editor=factories.make_editor(), now=factories.NOW)

    article.refresh_from_db()
    assert (article.title, article.picture.height) == ("First", 600)


def test_version_without_a_picture_takes_it_away_and_a_lost_thumbnail_is_made_anew() -> None:
    article = factories.make_article()
    bare = revisions.record(article, editor=None, now=factories.NOW)
    pictures.store_picture(article, picture())
    with_picture = revisions.record(article, editor=None, now=factories.NOW)
    article.thumbnail.storage.delete(str(article.thumbnail))
    assert bare is not None
    assert with_picture is not None
    editor = factories.make_editor()

    revisions.restore(bare, editor=editor, now=factories.NOW)
    article.refresh_from_db()
    assert (article.picture.name, article.thumbnail.name, article.picture_width) == ("", "", 0)

    revisions.restore(with_picture, editor=editor, now=factories.NOW)
    article.refresh_from_db()
    assert (article.picture.width, article.thumbnail.width) == (1200, 352)


# --- several at once --------------------------------------------------------------------------------------------------
def in_bulk(desk: Client, articles: list[Article], action: str, **fields: object) -> None:
    keys = [article.pk for article in articles]
    desk.post(
        reverse("admin:articles_article_changelist"),
        {"action": action, "_selected_action": keys, "asked": "1", **fields},
    )


def test_bulk_change_of_newsletters_keeps_versions(desk: Client) -> None:
    articles = [factories.make_article(), factories.make_article()]

    in_bulk(desk, articles, "mailable_selected", mailable="0")

    for article in articles:
        after, before = article.revisions.all()
        assert (before.content["is_mailable"], after.content["is_mailable"]) == (True, False)
        assert (before.reason, after.editor) == (Revision.Reason.FOUND, User.objects.get(username="ana"))


def test_bulk_change_of_topics_teaches_what_categories_mean(desk: Client) -> None:
    feed, harbor = factories.make_feed(), factories.make_topic(name="Harbor")
    articles = [factories.make_article(), factories.make_article()]
    for article in articles:
        FeedEntry.objects.create(
            feed=feed, article=article, identity=str(article.pk), fingerprint="1", title_key="x",
            first_seen_at=article.first_seen_at, categories=["Hafen"],
        )  # fmt: skip

    in_bulk(desk, articles, "topics_selected", topics=[harbor.pk], what="add")

    rule = CategoryRule.objects.get()
    assert (rule.category, rule.topic, rule.status) == ("Hafen", harbor, CategoryRule.Status.ACTIVE)
    assert sorted(rule.learned_from) == [article.pk for article in articles]
    assert "From now on" in desk.get(reverse("admin:articles_article_changelist")).content.decode()


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
