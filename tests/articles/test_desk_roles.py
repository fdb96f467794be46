"""Who may do what with an article, tried by people who should not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from articles import roles
from articles.models import Article, Revision, WorkingCopy
from tests import factories
from tests.admin.forms import form_of
from tests.admin.test_actions import act

Status = Article.Status


def person(role: str) -> User:
    user = User.objects.create_user(f"{role.lower()}{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def draft(by: User | None = None, **fields: Any) -> Article:
    return factories.make_article(status=Status.DRAFT, released_at=None, created_by=by, **fields)


@pytest.fixture
def author(db: None, client: Client) -> User:
    user = person("Author")
    client.force_login(user)
    return user


def page(name: str, article: Article) -> str:
    return reverse(f"admin:articles_article_{name}", args=[article.pk])


def test_author_writes_and_submits_and_it_is_theirs(author: User, client: Client) -> None:
    address = reverse("admin:articles_article_add")
    data = form_of(client, address) | {"title": "Low water", "body": "Text.", "articles_article_submit": "1"}

    client.post(address, data)

    article = Article.objects.get()
    assert (article.created_by, article.status) == (author, Status.IN_REVIEW)


def test_author_cannot_publish_by_any_door(author: User, client: Client) -> None:
    article = draft(author)
    data = form_of(client, page("change", article)) | {"articles_article_save_and_publish": "1"}

    client.post(page("change", article), data)
    act(client, "articles_article", "publish_selected", article, asked="1")
    client.post(page("withdraw", article))
    client.post(page("merge", article), {"duplicate": str(draft(author).pk)})

    article.refresh_from_db()
    assert article.status == Status.DRAFT
    assert not Article.objects.exclude(merged_into=None).exists()


def test_author_cannot_reach_the_draft_of_another(author: User, client: Client) -> None:
    article = draft(person("Author"), title="Secret plans")
    revision = Revision.objects.create(article=article, content={"title": "x"}, digest="x", created_at=factories.NOW)
    restore = reverse("admin:articles_article_restore", args=[article.pk, revision.pk])

    answers = [
        client.get(page("change", article)), client.post(page("change", article), {"title": "Mine now"}),
        client.get(page("versions", article)), client.get(page("preview", article)),
        client.get(page("preview_frame", article)), client.post(restore),
        client.post(page("autosave", article), {"title": "x", "has_changes": "1"}),
        client.post(page("discard", article)), client.post(page("delete", article), {"post": "yes"}),
    ]  # fmt: skip
    act(client, "articles_article", "mailable_selected", article, asked="1", mailable="0")
    listed = client.get(reverse("admin:articles_article_changelist")).content.decode()

    assert not any(b"Secret plans" in answer.content or answer.status_code == 200 for answer in answers)
    assert "Secret plans" not in listed
    article.refresh_from_db()
    assert (article.title, article.is_mailable) == ("Secret plans", True)


def test_author_cannot_change_their_own_article_once_it_is_out(author: User, client: Client) -> None:
    article = factories.make_article(created_by=author)

    answer = client.post(page("change", article), {"title": "Changed behind the editor's back"})
    kept = client.post(page("autosave", article), {"title": "x", "has_changes": "1"})

    article.refresh_from_db()
    assert (answer.status_code, kept.status_code) == (403, 403)
    assert article.title.startswith("Headline")


def test_nobody_opens_the_unsaved_text_of_another(author: User, client: Client) -> None:
    copy = WorkingCopy.objects.create(editor=person("Author"), values={"title": ["Hidden"]}, saved_at=factories.NOW)

    form = client.get(reverse("admin:articles_article_add"), {"copy": copy.pk})
    preview = client.get(reverse("admin:articles_article_preview_new", args=[copy.pk]))
    client.post(reverse("admin:articles_article_discard_new", args=[copy.pk]))

    assert b"Hidden" not in form.content
    assert preview.status_code == 404
    assert WorkingCopy.objects.filter(pk=copy.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "changes_others", "publishes"),
    [("Author", False, False), ("Advertising", False, False), ("Editor", True, True), ("Publisher", True, True),
     ("Owner", True, True)],
)  # fmt: skip
def test_roles_may_what_they_are_for(role: str, changes_others: bool, publishes: bool) -> None:
    user, article = person(role), draft(factories.make_editor())

    assert roles.may_change(user, article) == changes_others
    assert roles.may_publish(user, article) == publishes
    assert not roles.may_delete(user, factories.make_article())
