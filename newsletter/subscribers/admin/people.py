"""The desk's page of a reader, and the list of readers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.enums import ActionVariant

from articles.desk import DaysFilter, DeskAdmin, ReadOnlyInline, action, display
from articles.long_lists import BY_ADDRESS_HELP, Total
from newsletter.lib.doorbell import ring
from newsletter.subscribers import changes, counting, privacy, renewing_link, suppression, tasks
from newsletter.subscribers.admin.entering import EnteringAdmin
from newsletter.subscribers.admin.filters import LabelFilter, SubscribedToFilter, SubscriptionStatusFilter
from newsletter.subscribers.admin.look_alikes import WarnsOfLookAlikes
from newsletter.subscribers.admin.selections import SelectionActions
from newsletter.subscribers.models import Change, Label, StoredCount, Subscriber, Subscription


class SubscriptionInline(ReadOnlyInline[Subscription, Subscriber]):
    model = Subscription
    fields = ["newsletter", "status", "cadence", "shown_topics", "confirmed_at", "ended_at", "ended_reason"]
    tab = False
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscription]:
        rows = super().get_queryset(request).select_related("newsletter", "topic_set")
        return rows.prefetch_related("topic_set__topics")

    @display(description=gettext_lazy("topics"))
    def shown_topics(self, subscription: Subscription) -> str:
        return str(subscription.topic_set or _("all"))


@admin.register(Subscriber)
class SubscriberAdmin(EnteringAdmin, SelectionActions, WarnsOfLookAlikes):
    """A reader's page begins with what happened; the list finds readers by address, newsletter and label."""

    list_display = ["email", "name", "shown_subscriptions", "shown_labels", "language", "created_at"]
    list_filter = [
        ("subscriptions__newsletter", SubscribedToFilter),
        ("subscriptions__status", SubscriptionStatusFilter),
        ("labels", LabelFilter),
        ("created_at", DaysFilter),
    ]
    search_fields = ["address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True
    inlines = [SubscriptionInline]
    autocomplete_fields = ["labels"]
    change_form_outer_before_template = "admin/readers/_on_change_page.html"
    readonly_fields = ["email", "created_at", "allows_measuring", "is_mailable", "sends", "preferences_page"]
    actions = [
        "label_selected", "unlabel_selected", "unsubscribe_selected", "suppress_selected", "export_selected",
        "erase_selected",
    ]  # fmt: skip
    actions_detail = ["timeline", "renew_link", "erase"]
    fieldsets = [
        (None, {"fields": ["email", "is_mailable", "name", "labels", "language", "time_zone", "format"]}),
        (
            gettext_lazy("More about this reader"),
            {"classes": ["tab"], "fields": ["created_at", "allows_measuring", "sends", "preferences_page"]},
        ),
    ]

    def total(self) -> Total | None:
        stored = StoredCount.objects.named([counting.SUBSCRIBERS]).get(counting.SUBSCRIBERS)
        return Total(stored.count, stored.counted_at) if stored else None

    def has_delete_permission(self, request: HttpRequest, obj: Subscriber | None = None) -> bool:
        return False  # erasing is more than deleting: see ``erase``

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subscriber]:
        return super().get_queryset(request).prefetch_related("subscriptions__newsletter", "labels")

    @display(description=gettext_lazy("newsletters"))
    def shown_subscriptions(self, subscriber: Subscriber) -> str:
        shown = [
            f"{each.newsletter} ({each.get_status_display()})"
            for each in subscriber.subscriptions.all()
            if each.status != Subscription.Status.ENDED
        ]
        return ", ".join(shown) or _("none")

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:  # noqa: FBT001
        editor = changes.Author(Change.By.EDITOR, request.user.pk)
        with changes.recorded(obj, author=editor, now=timezone.now()):
            super().save_model(request, obj, form, change)

    @display(description=gettext_lazy("labels"))
    def shown_labels(self, subscriber: Subscriber) -> str:
        return ", ".join(label.name for label in subscriber.labels.all())

    @display(description=gettext_lazy("may be mailed"))
    def is_mailable(self, subscriber: Subscriber) -> str:
        if suppression.is_suppressed(subscriber.email):
            return _("no: the address is on the suppression list")
        return _("yes, what they subscribed to")

    @display(description=gettext_lazy("mails"))
    def sends(self, subscriber: Subscriber) -> str:
        url = reverse("admin:delivery_send_changelist")
        label = _("Every mail to this reader, and why not")
        return format_html('<a href="{}?subscriber__id__exact={}" class="desk-link">{}</a>', url, subscriber.pk, label)

    @display(description=gettext_lazy("preferences page"))
    def preferences_page(self, subscriber: Subscriber) -> str:
        url = reverse("subscribers:preferences", kwargs={"token": subscriber.preferences_token})
        label = _("The page where this reader changes or ends everything")
        return format_html('<a href="{}" class="desk-link">{}</a>', url, label)

    @action(description=gettext_lazy("Timeline"), url_path="timeline", permissions=["view"], icon="history")
    def timeline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """To the page of insights that has all of it."""
        return HttpResponseRedirect(reverse("desk:timeline", kwargs={"pk": int(object_id)}))

    @action(
        description=gettext_lazy("Make old links useless"), url_path="new-link", permissions=["change"], icon="link_off"
    )
    def renew_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """For a reader who passed a mail on, and says so."""
        subscriber = self.row_or_404(request, object_id)
        if request.method != "POST":
            details = [
                _("Every link to this reader's page that was mailed so far will open nothing. A new one is mailed."),
                _("Links that leave a newsletter still work, as they must. It stands in the timeline that you did it."),
            ]
            if suppression.is_suppressed(subscriber.email):
                details.append(_("But the address is on the suppression list: no new link will be mailed to it."))
            return self.ask(
                request, subscriber, question=_("Make this reader's old links useless?"), details=details,
                verb=_("Make them useless"),
            )  # fmt: skip
        editor = changes.Author(Change.By.EDITOR, request.user.pk)
        owed = renewing_link.renew(subscriber=subscriber, author=editor, now=timezone.now())
        ring(tasks.send_personal_mail, mail_id=owed.pk)
        messages.success(request, _("The old links are useless now, and a new one is on its way."))
        return HttpResponseRedirect(reverse("admin:subscribers_subscriber_change", args=[subscriber.pk]))

    @action(
        description=gettext_lazy("Erase this person"), url_path="erase", permissions=["change"], icon="person_remove",
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        subscriber = self.row_or_404(request, object_id)
        if request.method != "POST":
            return self.ask(
                request, subscriber, question=_("Erase this person?"), verb=_("Erase for good"), is_dangerous=True,
                details=[
                    _("Their name, address, subscriptions and sign-ups are deleted, and every mail to them stops now."),
                    _("What stays is anonymous: the proof of consent, and a keyed hash so that no import mails them."),
                    _("This cannot be undone."),
                ],
            )  # fmt: skip
        privacy.erase(subscriber=subscriber, now=timezone.now())
        messages.success(request, _("The person is erased."))
        return HttpResponseRedirect(reverse("admin:subscribers_subscriber_changelist"))


@admin.register(Label)
class LabelAdmin(DeskAdmin[Label]):
    list_display = ["name"]
    search_fields = ["name"]
    actions = None
