"""Approving from the list: what the list showed, and a word on each issue that was not approved."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.digests.changing import Desk
from newsletter.digests.models import Issue
from tests import factories

pytestmark = pytest.mark.django_db


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
