"""An editor saves while the sweep is at work: the issue's words change, its state does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.test import RequestFactory

from newsletter.digests.models import Issue
from tests.factories import NOW, make_issue

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
