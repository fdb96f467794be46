"""The desk's pages for newsletters."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Max, Min, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.enums import ActionVariant

from articles.desk import DeskAdmin, action, display
from newsletter.digests import wording
from newsletter.digests.admin.schedules import WHEN, ScheduleInline, plan_changed
from newsletter.digests.desk_forms import NewsletterForm
from newsletter.digests.models import Issue, Schedule
from newsletter.digests.versions import MAY_APPROVE
from newsletter.lib.doorbell import ring
from newsletter.subscribers import bulk_actions, lowering
from newsletter.subscribers import tasks as subscriber_tasks
from newsletter.subscribers.counting import bounded, readers_in_words
from newsletter.subscribers.models import BulkAction, Newsletter
from newsletter.subscribers.selections import MORE_OFTEN
from newsletter.subscribers.surfaces.snippets import embed_url, snippets_of

PLANS = frozenset({"quiet_dates", "offers_delivery_time", "offered_weekdays"})  # what the next runs follow from


@admin.register(Newsletter)
class NewsletterAdmin(DeskAdmin[Newsletter]):
    form = NewsletterForm
    list_display = ["shown_name", "kind", "is_open", "reader_count", "next_run_at", "last_launched_at"]
    list_filter = [("kind", ChoicesDropdownFilter), "is_open"]
    search_fields = ["name", "slug"]
    ordering = ["position", "name", "pk"]
    ordering_field = "position"
    hide_ordering_field = True
    inlines = [ScheduleInline]
    prepopulated_fields = {"slug": ["name"]}
    actions = None
    actions_detail = ["send_now", "design", "put_form", "lower_readers"]
    fieldsets = [
        (
            gettext_lazy("What readers get"),
            {
                "fields": ["name", "slug", "kind", "description", "is_open", "cadences", "default_cadence", "planned"],
            },
        ),
        (
            gettext_lazy("Hours and quiet days"),
            {
                "classes": ["tab"],
                "fields": [
                    "offers_delivery_time",
                    "offered_weekdays",
                    ("quiet_from", "quiet_until"),
                    "quiet_dates",
                    ("sends_from", "sends_until"),
                ],
            },
        ),
        (
            gettext_lazy("Sender and law"),
            {
                "classes": ["tab"],
                "fields": ["sender_name", "sender_address", "reply_address", "postal_address", "consent_text"],
            },
        ),
        (
            gettext_lazy("Language and time"),
            {"classes": ["tab"], "fields": ["language", "time_zone"]},
        ),
        (
            gettext_lazy("Welcome"),
            {"classes": ["tab"], "fields": ["sends_welcome", "welcome_text", "welcome_has_best"]},
        ),
        (gettext_lazy("Desk"), {"classes": ["tab"], "fields": ["tells_of_drafts", "test_addresses"]}),
        (
            gettext_lazy("Measuring"),
            {"classes": ["tab"], "fields": ["measures_opens", "measures_clicks", "silence_days"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Newsletter]:
        schedules = Schedule.objects.filter(newsletter=OuterRef("pk"), is_active=True)
        issues = Issue.objects.filter(newsletter=OuterRef("pk"))
        return super().get_queryset(request).annotate(
            next_run_at=Subquery(_one(schedules, Min("next_run_at"))),
            last_launched_at=Subquery(_one(issues, Max("launched_at"))),
        )  # fmt: skip

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With how many read each of them, in two queries."""
        changelist = super().get_changelist_instance(request)
        readers = readers_in_words(changelist.result_list)
        for newsletter in changelist.result_list:
            newsletter.shown_readers = readers[newsletter.pk]
        return changelist

    def has_delete_permission(self, request: HttpRequest, obj: Newsletter | None = None) -> bool:
        return False  # its readers and their consents stand on it: close it for sign-up instead

    def get_readonly_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> list[str]:
        return ["slug", "kind", "planned"] if obj else ["planned"]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Newsletter | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def save_model(self, request: HttpRequest, obj: Newsletter, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if change and PLANS & set(form.changed_data):
            plan_changed(obj.schedules.all(), now=timezone.now())

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        super().save_formset(request, form, formset, change)
        rescheduled = [row for row, names in formset.changed_objects if WHEN & set(names)]
        plan_changed([*formset.new_objects, *rescheduled], now=timezone.now())

    @display(description=gettext_lazy("when it goes out"))
    def planned(self, newsletter: Newsletter) -> str:
        schedules = newsletter.schedules.all() if newsletter.pk else []
        told = [" ".join([wording.sentence(each), *wording.remarks(each)]) for each in schedules]
        return format_html_join("", "<p>{}</p>", ([line] for line in told)) or _("Only when you send an issue.")

    @display(description=gettext_lazy("newsletter"), ordering="name", header=True)
    def shown_name(self, newsletter: Newsletter) -> list[str]:
        return [newsletter.name, newsletter.description]

    @display(description=gettext_lazy("active readers"))
    def reader_count(self, newsletter: Any) -> str:
        return str(newsletter.shown_readers)

    @display(description=gettext_lazy("next run"), ordering="next_run_at")
    def next_run_at(self, newsletter: Any) -> datetime | None:
        return newsletter.next_run_at  # type: ignore[no-any-return]

    @display(description=gettext_lazy("last launched"), ordering="last_launched_at")
    def last_launched_at(self, newsletter: Any) -> datetime | None:
        return newsletter.last_launched_at  # type: ignore[no-any-return]

    @action(
        description=gettext_lazy("Send now"), url_path="send-now", permissions=["send_now"], icon="send",
        variant=ActionVariant.PRIMARY,
    )  # fmt: skip
    def send_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page of delivery that asks first."""
        return HttpResponseRedirect(reverse("admin:delivery_send_now", kwargs={"newsletter_id": object_id}))

    def has_send_now_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """It approves an issue, and begins its campaign."""
        return request.user.has_perms([MAY_APPROVE, "delivery.change_campaign"])

    @action(description=gettext_lazy("Look of the mails"), url_path="look", permissions=["view"], icon="palette")
    def design(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page where the look is chosen."""
        newsletter = self.row_or_404(request, object_id)
        return HttpResponseRedirect(reverse("admin:digests_appearance_change", args=[newsletter.pk]))

    @action(description=gettext_lazy("Put the form on your site"), url_path="form", permissions=["view"], icon="code")
    def put_form(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What to copy into a page, with a look at what it gives."""
        newsletter = self.row_or_404(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Put the form on your site"), "original": newsletter, "opts": self.opts,
            "snippets": snippets_of(newsletter), "embed_url": embed_url(newsletter),
        }  # fmt: skip
        return TemplateResponse(request, "admin/put_form.html", context)

    @action(
        description=gettext_lazy("Move readers to the usual cadence"), url_path="lower", permissions=["change"],
        icon="trending_down",
    )  # fmt: skip
    def lower_readers(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks first, with how many it concerns; nobody is ever moved upwards."""
        newsletter = self.row_or_404(request, object_id)
        cadence = newsletter.default_cadence
        if request.method == "POST":
            values = {"newsletter": newsletter.pk, "cadence": cadence}
            begun = bulk_actions.begin_with_all(
                kind=BulkAction.Kind.LOWER, criteria={"source": MORE_OFTEN}, values=values, by=request.user,
                now=timezone.now(),
            )  # fmt: skip
            ring(subscriber_tasks.go_on_with_bulk_action, bulk_action_id=begun.pk)
            return HttpResponseRedirect(reverse("admin:subscribers_bulkaction_change", args=[begun.pk]))
        usual = newsletter.get_default_cadence_display()
        readers = bounded(lowering.more_often(newsletter, than=cadence))
        told = ngettext(
            "%(count)s reader gets it more often than %(cadence)s.",
            "%(count)s readers get it more often than %(cadence)s.",
            readers.count,
        )
        details = [
            told % {"count": readers.in_words, "cadence": usual},
            _("Each gets one mail that says so, with a link to keep it; who pauses gets it when the pause ends."),
            _("Nobody gets more than before."),
            _("You can take it back for a day."),
        ]
        question = _("Move them to “%(cadence)s”?") % {"cadence": usual}
        return self.ask(request, newsletter, question=question, details=details, verb=_("Move them"))


def _one(rows: QuerySet[Any], value: Any) -> Any:
    """One figure for each newsletter, for a subquery."""
    return rows.order_by().values("newsletter").annotate(value=value).values("value")
