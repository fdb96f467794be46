"""Approving from the list: what the list showed, and a word on each issue that was not approved."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from newsletter.digests.changing import Desk
from newsletter.digests.models import Issue
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_list_approves_what_it_showed_and_says_of_each_other_why_not(desk: Client) -> None:
    ben = factories.make_editor(username="ben")
    newsletter = factories.make_newsletter(kind="announcements")
    fine, changed, wrong, gone = (
        factories.make_issue(newsletter=newsletter, subject="Hours", body="We open at nine.") for _ in range(4)
    )
    Issue.objects.filter(pk=wrong.pk).update(body="TK")
    address = reverse("admin:digests_issue_changelist")
    page = desk.get(address).content.decode()
    shown = dict(re.findall(r'name="(seen-\d+)" value="(\d+)"', page))
    Desk(changed, by=ben, seen=changed.version, now=factories.NOW).write({"body": "We open at ten."})
    Issue.objects.filter(pk=gone.pk).update(status=Issue.Status.CANCELLED)
    chosen = {"action": "approve_selected", "_selected_action": [row.pk for row in (fine, changed, wrong, gone)]}

    answer = desk.post(address, {**shown, **chosen}, follow=True)

    assert "action-toggle" in page
    told = {str(message).partition(":")[0]: str(message) for message in answer.context["messages"]}
    assert told["Approved"] == f"Approved: {fine}"
    assert "ben changed this meanwhile: the text" in told[str(changed)]
    assert "cannot be approved" in told[str(wrong)]
    assert "had been decided already" in told[str(gone)]
    assert len(told) == 4
    statuses = dict(Issue.objects.values_list("pk", "status"))
    assert [statuses[row.pk] for row in (fine, changed, wrong, gone)] == ["approved", "draft", "draft", "cancelled"]


def _chosen_everywhere(page: str, shown: list[Issue]) -> dict[str, object]:
    """What the form of the list sends when all of its pages were selected."""
    seen = dict(re.findall(r'name="(seen-\w+)" value="([\d:,]+)"', page))
    chosen = [row.pk for row in shown]
    return {**seen, "action": "approve_selected", "select_across": "1", "_selected_action": chosen}


def test_selecting_all_approves_nothing_on_other_pages_that_changed_since_the_list_was_shown(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = factories.make_editor(username="ben")
    newsletter = factories.make_newsletter(kind="announcements")
    at = factories.NOW
    shown, fine, changed = (
        factories.make_issue(newsletter=newsletter, subject="Hours", body="We open at nine.", send_at=at - number * DAY)
        for number in range(3)
    )
    monkeypatch.setattr(admin.site.get_model_admin(Issue), "list_per_page", 1)
    address = reverse("admin:digests_issue_changelist")
    page = desk.get(address).content.decode()
    Desk(changed, by=ben, seen=changed.version, now=at).write({"body": "We open at ten."})
    late = factories.make_issue(newsletter=newsletter, subject="Hours", body="We open at nine.", send_at=at - 3 * DAY)

    answer = desk.post(address, _chosen_everywhere(page, [shown]), follow=True)

    told = {str(message).partition(":")[0]: str(message) for message in answer.context["messages"]}
    assert told["Approved"] == f"Approved: {shown}, {fine}"
    assert told[str(changed)] == f"{changed}: ben changed this meanwhile: the text. Look at it, and do it again."
    assert told[str(late)].endswith("It was not in the list when you chose. Look at it, and approve it at its desk.")
    statuses = dict(Issue.objects.values_list("pk", "status"))
    assert [statuses[row.pk] for row in (shown, fine, changed, late)] == ["approved", "approved", "draft", "draft"]


def test_selecting_all_says_of_what_was_decided_that_it_was(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    newsletter = factories.make_newsletter(kind="announcements")
    first, second = (
        factories.make_issue(newsletter=newsletter, body="We open at nine.", send_at=factories.NOW - number * DAY)
        for number in range(2)
    )
    monkeypatch.setattr(admin.site.get_model_admin(Issue), "list_per_page", 1)
    address = reverse("admin:digests_issue_changelist")
    page = desk.get(address).content.decode()
    second.skip(reason="Skipped by Ben.")

    answer = desk.post(address, _chosen_everywhere(page, [first]), follow=True)

    assert any("had been decided already" in str(message) for message in answer.context["messages"])
    assert Issue.objects.get(pk=second.pk).status == Issue.Status.SKIPPED
