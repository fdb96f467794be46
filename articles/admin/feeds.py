"""The desk's pages for feeds: adding one, how each goes and what to do about it, a look at what it has now."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles import tasks
from articles.admin import adding_feeds
from articles.admin.adding_feeds import AddressForm, NewFeedForm
from articles.desk import DeskAdmin, action, display, each, tell
from articles.feeds import discovering, pushing
from articles.feeds.discovering import Finding
from articles.models import Feed, PushSubscription

STATE_COLORS = {
    "well": "success", "new": "info", "silent": "warning", "warning": "warning", "failing": "danger", "gone": "danger",
    "paused": "default",
}  # fmt: skip


class HealthFilter(admin.SimpleListFilter):
    title = gettext_lazy("how it goes")
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failing", _("fails")), ("silent", _("unusually silent")), ("warning", _("with a warning"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Feed]) -> QuerySet[Feed]:
        chosen = {
            "failing": lambda: Feed.objects.failing(),
            "silent": lambda: Feed.objects.silent(timezone.now()),
            "warning": lambda: Feed.objects.exclude(warning=""),
        }.get(self.value() or "")
        return queryset & chosen() if chosen else queryset


@admin.register(Feed)
class FeedAdmin(DeskAdmin[Feed]):
    list_display = ["name", "shown_state", "last_success_at", "last_new_at", "next_poll"]
    list_filter = [
        HealthFilter, ("status", ChoicesDropdownFilter), "is_trusted", ("topics", RelatedDropdownFilter),
    ]  # fmt: skip
    list_select_related = ["push"]
    search_fields = ["title", "url"]
    autocomplete_fields = ["topics"]
    readonly_fields = [
        "state", "in_words", "next_poll", "last_polled_at", "last_success_at", "last_new_at", "quiet_after",
        "shown_push", "look",
    ]  # fmt: skip
    actions = ["poll_selected", "pause_selected", "resume_selected", "settle_selected"]
    actions_submit_line = ["save_and_poll"]
    fieldsets = [
        (None, {"fields": ["url", "title", "site_url", "is_trusted", "topics", "poll_minutes"]}),
        (
            gettext_lazy("What becomes of its articles"),
            {"fields": ["removes_boilerplate", "extracts_full_text", "digest_share"]},
        ),
        (
            gettext_lazy("How it goes"),
            {
                "fields": [
                    "state", "in_words", "last_polled_at", "last_success_at", "last_new_at", "quiet_after",
                    "next_poll", "shown_push", "look",
                ]
            },
        ),
    ]  # fmt: skip

    def offered(self, row: Feed) -> Collection[str]:
        return ["save_and_poll"] if row.status == Feed.Status.ACTIVE else []

    def get_urls(self) -> list[URLPattern]:
        look = self.admin_site.admin_view(self.look_view)
        return [path("<int:pk>/look/", look, name="articles_feed_look"), *super().get_urls()]

    # --- adding -------------------------------------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "shown" in request.POST:
            return self._keep(request)
        form = AddressForm(request.POST or None)
        if not form.is_valid():
            return self._page(request, "add", form=form, status=400 if form.errors else 200)
        finding = discovering.look_at(form.cleaned_data["url"])
        if finding.parsed is None:
            return self._page(request, "add", form=form, finding=finding)
        if known := Feed.objects.filter(url=finding.url).first():
            messages.info(request, _("“%(feed)s” is here already.") % {"feed": known})
            return HttpResponseRedirect(reverse("admin:articles_feed_change", args=[known.pk]))
        return self._page(request, "new", form=adding_feeds.new_feed_form(finding), **_preview(finding))

    def _keep(self, request: HttpRequest) -> HttpResponse:
        form = NewFeedForm(request.POST)
        if not form.is_valid():
            shown = form.cleaned_data.get("shown") or []
            return self._page(request, "new", form=form, rows=shown[: adding_feeds.MOST_SHOWN], status=400)
        with transaction.atomic():
            feed = adding_feeds.save(form, ticked=set(request.POST.getlist("ticked")), now=timezone.now())
            self.log_addition(request, feed, [{"added": {}}])
            _poll_soon([feed])
        messages.success(request, _("“%(feed)s” is added, and is being asked for news.") % {"feed": feed})
        return HttpResponseRedirect(reverse("admin:articles_feed_change", args=[feed.pk]))

    # --- looking ------------------------------------------------------------------------------------------------------
    def look_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        feed = self.row_or_404(request, pk)
        if not self.has_change_permission(request, feed):
            raise PermissionDenied
        finding = discovering.look_at(feed.url)
        return self._page(request, "look", original=feed, finding=finding, **_preview(finding))

    def _page(self, request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
        titles = {"add": _("Add a feed"), "new": _("Add this feed?"), "look": _("What the feed has now")}
        context = {**self.admin_site.each_context(request), "title": titles[name], "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/feeds/{name}.html", context, status=status)

    # --- shown --------------------------------------------------------------------------------------------------------
    @display(description=gettext_lazy("feed"), ordering="title", header=True)
    def name(self, feed: Feed) -> list[str]:
        return [feed.title or feed.url, feed.url if feed.title else ""]

    @display(description=gettext_lazy("how it goes"), ordering="failure_count", label=STATE_COLORS)
    def shown_state(self, feed: Feed) -> tuple[str, str]:
        if feed.status != Feed.Status.ACTIVE:
            return str(feed.status), feed.get_status_display()
        if feed.failure_count:
            failed = ngettext("%(count)d failure", "%(count)d failures in a row", feed.failure_count)
            return "failing", failed % {"count": feed.failure_count}
        if feed.last_success_at is None:
            return "new", _("not asked yet")
        if feed.quiet_after and feed.quiet_after <= timezone.now():
            return "silent", _("unusually silent")
        return ("warning", _("look at it")) if feed.warning else ("well", _("well"))

    @display(description=gettext_lazy("state"))
    def state(self, feed: Feed) -> str:
        return self.shown_state(feed)[1]

    @display(description=gettext_lazy("in words"))
    def in_words(self, feed: Feed) -> str:
        sentences = [feed.last_error, feed.warning]
        if feed.last_new_at and self.shown_state(feed)[0] == "silent":
            silence = _("It has brought nothing new for %(time)s, which is longer than usual for it.")
            sentences.append(silence % {"time": timesince(feed.last_new_at, timezone.now())})
        return " ".join(filter(None, sentences)) or "–"

    @display(description=gettext_lazy("next poll"), ordering="next_poll_at")
    def next_poll(self, feed: Feed) -> str:
        if feed.status != Feed.Status.ACTIVE or feed.next_poll_at is None:
            return _("never")
        if feed.next_poll_at <= timezone.now():
            return _("now")
        return _("in %(time)s") % {"time": timeuntil(feed.next_poll_at, timezone.now())}

    @display(description=gettext_lazy("push"))
    def shown_push(self, feed: Feed) -> str:
        push = PushSubscription.objects.filter(feed=feed).first()
        if push is None:
            return _("The feed offers none, or this site cannot be reached from the internet; it is polled.")
        return " ".join(filter(None, [push.get_status_display(), push.last_error]))

    @display(description=gettext_lazy("test"))
    def look(self, feed: Feed) -> str:
        if feed.pk is None:
            return "–"
        address = reverse("admin:articles_feed_look", args=[feed.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', address, _("Look at what it has now"))

    # --- acting -------------------------------------------------------------------------------------------------------
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
        selected = each(rows.filter(status=Feed.Status.ACTIVE))
        count = Feed.objects.filter(pk__in=[feed.pk for feed in selected]).update(status=Feed.Status.PAUSED)
        for feed in selected:
            pushing.end(feed, timezone.now())
        messages.success(
            request, ngettext("%(count)d feed paused.", "%(count)d feeds paused.", count) % {"count": count}
        )

    @admin.action(description=gettext_lazy("Resume"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        waiting = Feed.objects.filter(pk__in=[feed.pk for feed in each(rows.exclude(status=Feed.Status.ACTIVE))])
        # read as for the first time, so that it is seen whether it offers push
        count = waiting.update(
            status=Feed.Status.ACTIVE, next_poll_at=timezone.now(), etag="", last_modified="", body_digest=""
        )
        messages.success(
            request, ngettext("%(count)d feed resumed.", "%(count)d feeds resumed.", count) % {"count": count}
        )

    @admin.action(description=gettext_lazy("Settle the warning"), permissions=["change"])
    def settle_selected(self, request: HttpRequest, rows: QuerySet[Feed]) -> None:
        selected = each(rows)
        done = [feed for feed in selected if feed.warning]
        Feed.objects.filter(pk__in=[feed.pk for feed in done]).update(warning="")
        tell(request, done, said=_("settled"), refused=_("%(count)d had no warning."), total=len(selected))


def _preview(finding: Finding) -> dict[str, Any]:
    """What the pages show of a feed's items."""
    if finding.parsed is None:
        return {}
    items = finding.parsed.items
    return {
        "found": finding,
        "rows": [adding_feeds.Row.of(item) for item in items[: adding_feeds.MOST_SHOWN]],
        "count": len(items),
        "with_text": sum(len(item.body_html) > 2 * len(item.summary) for item in items),
        "with_picture": sum(item.picture is not None for item in items),
        "without_date": sum(item.published_at is None for item in items),
    }


def _poll_soon(feeds: list[Feed]) -> None:
    """Make them due and ring; a broker that is away costs a moment only, for the sweep finds them as well."""
    Feed.objects.filter(pk__in=[feed.pk for feed in feeds]).update(
        next_poll_at=timezone.now(), etag="", last_modified="", body_digest=""
    )
    transaction.on_commit(partial(tasks.poll_due_feeds.apply_async, retry=False), robust=True)
