"""Who gets which newsletter, as a list."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.desk import display
from articles.long_lists import BY_ADDRESS_HELP
from newsletter.subscribers import changes
from newsletter.subscribers.admin.asking import ASKED, AnswerForm, AsksAboutSelection, Question
from newsletter.subscribers.admin.filters import NewsletterFilter, StatusFilter
from newsletter.subscribers.models import BulkAction, Change, Subscription

SUBSCRIPTION_COLORS = {
    Subscription.Status.PENDING: "warning",
    Subscription.Status.ACTIVE: "success",
    Subscription.Status.PAUSED: "info",
    Subscription.Status.ENDED: "default",
}


@admin.register(Subscription)
class SubscriptionAdmin(AsksAboutSelection[Subscription]):
    list_display = ["subscriber", "newsletter", "shown_status", "cadence", "confirmed_at", "ended_reason"]
    list_display_links = ["subscriber"]
    list_filter = [
        ("newsletter", NewsletterFilter),
        ("status", StatusFilter),
    ]
    list_select_related = ["subscriber", "newsletter"]
    search_fields = ["subscriber__address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True
    fields = [
        "subscriber", "newsletter", "status", "cadence", "topic_set", "paused_until", "created_at",
        "confirmed_at", "imported_at", "ended_at", "ended_reason",
    ]  # fmt: skip
    readonly_fields = [
        "subscriber", "newsletter", "status", "topic_set", "paused_until", "created_at", "confirmed_at",
        "imported_at", "ended_at", "ended_reason",
    ]  # fmt: skip
    actions = ["pause_selected", "resume_selected", "end_selected"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Subscription | None = None) -> bool:
        return False

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "cadence" and (subscription := self._edited(request)):
            kwargs["choices"] = subscription.newsletter.cadence_choices() or db_field.get_choices(include_blank=False)
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def _edited(self, request: HttpRequest) -> Subscription | None:
        pk = request.resolver_match.kwargs.get("object_id") if request.resolver_match else None
        return Subscription.objects.select_related("newsletter").filter(pk=pk).first() if pk else None

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:  # noqa: FBT001
        with changes.recorded(obj.subscriber, author=_author(request), now=timezone.now()):
            super().save_model(request, obj, form, change)

    @display(description=gettext_lazy("status"), ordering="status", label=SUBSCRIPTION_COLORS)
    def shown_status(self, subscription: Subscription) -> tuple[str, str]:
        return subscription.status, subscription.get_status_display()

    @admin.action(description=gettext_lazy("Pause…"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> HttpResponse | None:
        question = Question(
            _("Pause these subscriptions?"), _("Pause them"), (_("Nothing is mailed until somebody resumes them."),)
        )
        return self._ask_then(request, rows, question, BulkAction.Kind.PAUSE)

    @admin.action(description=gettext_lazy("Resume what was paused…"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> HttpResponse | None:
        details = (_("Most readers paused by their own wish, until a day that they chose."),)
        question = Question(_("Resume these subscriptions?"), _("Resume them"), details)
        return self._ask_then(request, rows, question, BulkAction.Kind.RESUME)

    @admin.action(description=gettext_lazy("End (the readers asked us to)…"), permissions=["change"])
    def end_selected(self, request: HttpRequest, rows: QuerySet[Subscription]) -> HttpResponse | None:
        details = (_("Do this if they asked you to. It ends at once, and the consent record says that you did it."),)
        question = Question(_("End these subscriptions?"), _("End them"), details, is_dangerous=True)
        return self._ask_then(request, rows, question, BulkAction.Kind.END)

    def _ask_then(
        self, request: HttpRequest, rows: QuerySet[Subscription], question: Question, kind: BulkAction.Kind
    ) -> HttpResponse | None:
        form = AnswerForm(request.POST if ASKED in request.POST else None)
        return self.ask_then(request, self.selected(request, rows), question, form, kind)


def _author(request: HttpRequest) -> changes.Author:
    return changes.Author(Change.By.EDITOR, request.user.pk)
