"""An editor saves while the sweep is at work: the issue's words change, its state does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import F
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from newsletter.digests.arranging import arrange
from newsletter.digests.changing import Desk
from newsletter.digests.models import Issue, IssueItem
from tests.admin.forms import form_of
from tests.factories import NOW, make_article, make_editor, make_issue

pytestmark = pytest.mark.django_db


def test_saving_an_issue_that_was_launched_a_moment_ago_does_not_undo_the_launch() -> None:
    issue = make_issue(status=Issue.Status.APPROVED, approved_at=NOW)
    as_the_editor_has_it = Issue.objects.get(pk=issue.pk)
    as_the_editor_has_it.subject = "A better subject"
    form: Any = SimpleNamespace(changed_data=["subject"])

    issue.launch(NOW)
    admin.site.get_model_admin(Issue).save_model(RequestFactory().post("/"), as_the_editor_has_it, form, change=True)

    issue.refresh_from_db()
    assert (issue.subject, issue.launched_at) == ("A better subject", NOW)


# --- two people, two pages --------------------------------------------------------------------------------------------
@pytest.fixture
def open_page(client: Client) -> Callable[[], dict[str, Any]]:
    """What Ada's page of the issue's settings would send back."""
    client.force_login(make_editor(username="ada"))

    def sent() -> dict[str, Any]:
        url = reverse("admin:digests_issue_change", args=[Issue.objects.get().pk])
        seen = str(Issue.objects.get().version)
        assert f'name="seen" value="{seen}"' in client.get(url).text
        return {**form_of(client, url), "seen": seen}

    return sent


def at_the_desk(issue: Issue, change: Callable[[Desk], object]) -> None:
    """Ben does it meanwhile."""
    ben = User.objects.filter(username="ben").first() or make_editor(username="ben")
    issue.refresh_from_db()
    change(Desk(issue, by=ben, seen=issue.version, now=timezone.now()))


def save(client: Client, sent: dict[str, Any], **changed: object) -> str:
    url = reverse("admin:digests_issue_change", args=[Issue.objects.get().pk])
    return client.post(url, {**sent, **changed}, follow=True).text


@pytest.fixture
def draft() -> Issue:
    now = timezone.now()
    stories = [make_article(title=f"Story {n}", released_at=now) for n in (1, 2, 3)]
    return make_issue(articles=stories, send_at=now + timedelta(hours=1))


def test_settings_page_undoes_nothing_of_what_was_done_at_the_desk_meanwhile(
    draft: Issue, client: Client, open_page: Callable[[], dict[str, Any]]
) -> None:
    sent = open_page()
    last = draft.items.order_by("position").last()
    assert last
    at_the_desk(draft, lambda desk: desk.write({"intro": "Good morning."}))
    at_the_desk(draft, lambda desk: desk.set_state(last.article_id, IssueItem.State.DROPPED))

    page = save(client, sent, subject="What Ada wrote", digests_issue_save_and_approve="1")

    draft.refresh_from_db()
    last.refresh_from_db()
    assert (draft.subject, draft.intro) == ("What Ada wrote", "Good morning.")
    assert last.state == IssueItem.State.DROPPED
    assert draft.status == Issue.Status.DRAFT
    assert "changed this meanwhile" in page


def test_what_both_changed_is_asked_once_more(
    draft: Issue, client: Client, open_page: Callable[[], dict[str, Any]]
) -> None:
    sent = open_page()
    at_the_desk(draft, lambda desk: desk.write({"subject": "What Ben wrote"}))

    page = save(client, sent, subject="What Ada wrote")
    draft.refresh_from_db()
    kept = draft.subject
    save(client, {**sent, "seen": str(draft.version)}, subject="What Ada wrote")
    draft.refresh_from_db()

    assert "ben changed this meanwhile" in page
    assert (kept, draft.subject) == ("What Ben wrote", "What Ada wrote")


def test_article_that_came_meanwhile_does_not_freeze_the_order(
    draft: Issue, client: Client, open_page: Callable[[], dict[str, Any]]
) -> None:
    sent = open_page()
    for item in draft.items.all():
        item.position += 1
        item.save()

    save(client, sent, subject="What Ada wrote")

    draft.refresh_from_db()
    assert (draft.subject, draft.is_arranged) == ("What Ada wrote", False)


def test_rank_does_not_move_what_an_editor_has_just_arranged(draft: Issue) -> None:
    as_the_sweep_read_it = Issue.objects.get(pk=draft.pk)
    draft.items.exclude(article__title="Story 3").update(position=F("position") + 5)
    Issue.objects.filter(pk=draft.pk).update(is_arranged=True)

    assert not arrange(as_the_sweep_read_it, now=timezone.now())
    first = draft.items.order_by("position").first()
    assert first
    assert first.article.title == "Story 3"
