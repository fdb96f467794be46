"""The desk's pages for feeds."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles import tasks
from articles.desk import DeskAdmin, action, display, each, tell
from articles.models import Feed

FEED_COLORS = {Feed.Status.ACTIVE: "success", Feed.Status.PAUSED: "warning", Feed.Status.GONE: "danger"}


@admin.register(Feed)
class FeedAdmin(DeskAdmin[Feed]):
    list_display = ["name", "shown_status", "shown_health", "last_success_at", "last_new_at", "next_poll_at"]
    list_filter = [("status", ChoicesDropdownFilter), "is_trusted", ("topics", RelatedDropdownFilter)]
    search_fields = ["title", "url"]
    autocomplete_fields = ["topics"]
    readonly_fields = [
        "status", "failure_count", "next_poll_at", "last_polled_at", "last_success_at", "last_new_at",
        "last_error",
    ]  # fmt: skip
    actions = ["poll_selected", "pause_selected", "resume_selected"]
    actions_submit_line = ["save_and_poll"]
    add_fieldsets = [(None, {"fields": ["url", "title", "is_trusted", "topics", "poll_minutes"]})]
    fieldsets = [
        (None, {"fields": ["url", "title", "site_url", "is_trusted", "topics", "poll_minutes"]}),
        (
            gettext_lazy("How it goes"),
            {
                "fields": [
                    "status", "failure_count", "last_polled_at", "last_success_at", "last_new_at", "next_poll_at",
                    "last_error",
                ]
            },
        ),
    ]  # fmt: skip

    def offered(self, row: Feed) -> Collection[str]:
        return ["save_and_poll"] if row.status == Feed.Status.ACTIVE else []

    @display(description=gettext_lazy("feed"), ordering="title", header=True)
    def name(self, feed: Feed) -> list[str]:
        return [feed.title or feed.url, feed.url if feed.title else ""]

    @display(description=gettext_lazy("status"), ordering="status", label=FEED_COLORS)
    def shown_status(self, feed: Feed) -> tuple[str, str]:
        return feed.status, feed.get_status_display()

    @display(description=gettext_lazy("health"), ordering="failure_count", label={"well": "success", "ill": "danger"})
    def shown_health(self, feed: Feed) -> tuple[str, str]:
        if feed.failure_count:
            failed = ngettext("%(count)d failure", "%(count)d failures in a row", feed.failure_count)
            return "ill", failed % {"count": feed.failure_count}
        return ("well", _("well")) if feed.last_success_at else ("new", _("not asked yet"))

    @action(description=gettext_lazy("Save and poll now"), icon="sync")
    def save_and_poll(self, request: HttpRequest, feed: Feed) -> None:
        _poll_soon([feed])
        messages.success(request, _("“%(feed)s” is being asked for news.") % {"feed": feed})

    @admin.action(description=gettext_lazy("Poll now"), permissions=["change"])
    def poll_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        selected = each(rows)
        done = [feed for feed in selected if feed.status == Feed.Status.ACTIVE]
        _poll_soon(done)
        tell(request, done, said=_("being asked for news"), refused=_("%(count)d are not active."), total=len(selected))

    @admin.action(description=gettext_lazy("Pause"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        count = rows.filter(status=Feed.Status.ACTIVE).update(status=Feed.Status.PAUSED)
        messages.success(
            request, ngettext("%(count)d feed paused.", "%(count)d feeds paused.", count) % {"count": count}
        )

    @admin.action(description=gettext_lazy("Resume"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        waiting = rows.exclude(status=Feed.Status.ACTIVE)
        count = waiting.update(status=Feed.Status.ACTIVE, next_poll_at=timezone.now())
        messages.success(
            request, ngettext("%(count)d feed resumed.", "%(count)d feeds resumed.", count) % {"count": count}
        )


def _poll_soon(feeds: list[Feed]) -> None:
    """Make them due and ring; a broker that is away costs a moment only, for the sweep finds them as well."""
    Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(
        next_poll_at=timezone.now(), etag="", last_modified="", body_digest=""
    )
    transaction.on_commit(partial(tasks.poll_due_feeds.apply_async, retry=False), robust=True)
