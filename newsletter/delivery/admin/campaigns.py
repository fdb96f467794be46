"""The desk's pages for what is on its way: campaigns, the ledger of sends, and sending now."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from articles.desk import DaysFilter, DeskAdmin, ReadOnlyAdmin, action, display, each, tell
from articles.long_lists import BY_ADDRESS_HELP, MOST_COUNTED, LongRecordAdmin, count_up_to, exactly
from newsletter.delivery import campaigns, taking_back, tasks
from newsletter.delivery.books import books_of
from newsletter.delivery.desk.campaign import page as campaign_page
from newsletter.delivery.models import Batch, Campaign, MailboxMessage, Send
from newsletter.delivery.recipients import among
from newsletter.digests.approval import BlockedError
from newsletter.digests.versions import MAY_APPROVE
from newsletter.lib.doorbell import ring
from newsletter.subscribers.models import Newsletter, Subscription

CAMPAIGN_COLORS = {
    Campaign.Status.SENDING: "info",
    Campaign.Status.PAUSED: "warning",
    Campaign.Status.FINISHED: "success",
    Campaign.Status.CANCELLED: "default",
    Campaign.Status.TAKEN_BACK: "warning",
}
UNSENT = [Send.Status.FAILED.value, Send.Status.SKIPPED.value]
SEND_COLORS = {
    Send.Status.QUEUED: "info",
    Send.Status.IN_FLIGHT: "info",
    Send.Status.SENT: "success",
    Send.Status.DEFERRED: "warning",
    Send.Status.FAILED: "danger",
    Send.Status.SKIPPED: "default",
}


@admin.register(Campaign)
class CampaignAdmin(DeskAdmin[Campaign]):
    list_display = ["issue", "shown_status", "planned", "sent", "failed", "skipped", "waiting", "started_at", "reason"]
    list_filter = [
        ("issue__newsletter", RelatedDropdownFilter),
        ("status", ChoicesDropdownFilter),
        ("started_at", DaysFilter),
    ]
    list_select_related = ["issue__newsletter"]
    search_fields = ["issue__newsletter__name", "issue__subject"]
    date_hierarchy = "started_at"
    actions = ["pause_selected", "resume_selected"]
    when_empty = gettext_lazy("Nothing has gone out yet. A campaign is what begins when an issue goes to its readers.")
    actions_submit_line = ["pause", "resume"]
    actions_detail = ["take_back", "cancel"]
    fields = ["issue", "status", "reason"]
    readonly_fields = ["issue", "status", "reason"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """What has ended is history."""
        if isinstance(obj, str):  # unfold asks with the key
            obj = Campaign.objects.filter(pk=obj).first()
        is_under_way = obj is None or obj.status in {Campaign.Status.SENDING, Campaign.Status.PAUSED}
        return super().has_change_permission(request, obj) and is_under_way

    def offered(self, row: Campaign) -> Collection[str]:
        """What paused itself can be held as well, or it would go on when its reason is over."""
        if row.status == Campaign.Status.SENDING:
            return ["pause"]
        if row.status == Campaign.Status.PAUSED:
            return ["pause", "resume"] if row.resume_at else ["resume"]
        return []

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A page of its own (desk/campaign); nothing in it can be edited, its buttons come back here."""
        campaign = self.get_object(request, object_id)
        if request.method == "POST" or campaign is None or not self.has_view_permission(request, campaign):
            return super().change_view(request, object_id, form_url, extra_context)
        may_change = self.has_change_permission(request, campaign)
        context = campaign_page.context(request, campaign, may_change=may_change, now=timezone.now())
        return TemplateResponse(
            request, "admin/campaign/page.html", {**self.admin_site.each_context(request), **context}
        )

    def get_urls(self) -> list[URLPattern]:
        send_now = self.admin_site.admin_view(self.send_now)
        return [path("send-now/<int:newsletter_id>/", send_now, name="delivery_send_now"), *super().get_urls()]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the books of the campaigns on this page, in two queries."""
        changelist = super().get_changelist_instance(request)
        found = books_of(changelist.result_list)
        for campaign in changelist.result_list:
            campaign.shown_books = found[campaign.pk]
        return changelist

    def send_now(self, request: HttpRequest, newsletter_id: int) -> HttpResponse:
        """Asks first; the POST drafts, approves and sends an issue to whoever is owed something."""
        if not self.has_change_permission(request) or not request.user.has_perm(MAY_APPROVE):
            raise PermissionDenied  # it approves what it sends
        newsletter = get_object_or_404(Newsletter, pk=newsletter_id)
        back = reverse("admin:subscribers_newsletter_change", args=[newsletter.pk])
        if request.method != "POST":
            return self.ask(
                request, newsletter, question=_("Send an issue now?"), details=_before_sending(newsletter),
                verb=_("Send now"), back=back,
            )  # fmt: skip
        try:
            issue = campaigns.send_now(newsletter=newsletter, by=request.user, now=timezone.now())
        except BlockedError as error:
            messages.error(request, str(error))
            return HttpResponseRedirect(back)
        ring(tasks.sweep)
        messages.success(request, _("%(issue)s is on its way; its outcome shows here.") % {"issue": issue})
        return HttpResponseRedirect(reverse("admin:digests_issue_change", args=[issue.pk]))

    @display(description=gettext_lazy("status"), ordering="status", label=CAMPAIGN_COLORS)
    def shown_status(self, campaign: Campaign) -> tuple[str, str]:
        return campaign.status, campaign.get_status_display()

    @display(description=gettext_lazy("planned"))
    def planned(self, campaign: Any) -> int | None:
        return campaign.shown_books.planned if campaign.shown_books.is_known else None

    @display(description=gettext_lazy("sent"))
    def sent(self, campaign: Any) -> int:
        return int(campaign.shown_books.of(Send.Status.SENT))

    @display(description=gettext_lazy("failed"))
    def failed(self, campaign: Any) -> int:
        return int(campaign.shown_books.of(Send.Status.FAILED))

    @display(description=gettext_lazy("skipped"))
    def skipped(self, campaign: Any) -> int:
        return int(campaign.shown_books.of(Send.Status.SKIPPED))

    @display(description=gettext_lazy("waiting"))
    def waiting(self, campaign: Any) -> int:
        return int(campaign.shown_books.waiting)

    @action(description=gettext_lazy("Pause"), icon="pause")
    def pause(self, request: HttpRequest, campaign: Campaign) -> None:
        if campaign.hold(reason=_paused_by(request)):
            messages.success(request, _("Paused: nothing more is handed over until somebody resumes it."))

    @action(description=gettext_lazy("Resume"), icon="play_arrow")
    def resume(self, request: HttpRequest, campaign: Campaign) -> None:
        if campaign.resume(timezone.now()):
            ring(tasks.sweep)
            messages.success(request, _("It goes on."))

    @action(
        description=gettext_lazy("Cancel"), url_path="cancel", permissions=["change"], icon="cancel",
        variant=ActionVariant.DANGER,
    )  # fmt: skip
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row_or_404(request, object_id)
        here = reverse("admin:delivery_campaign_change", args=[campaign.pk])
        if request.method != "POST":
            details = [
                _waiting(count_up_to(campaign.sends.filter(status__in=Send.OPEN).order_by())),
                _("They will not get it. Its articles are owed to them again, so that the next issue can carry them."),
                _("Who has got it keeps it. This cannot be undone."),
            ]
            return self.ask(
                request, campaign, question=_("Cancel this campaign?"), details=details, verb=_("Cancel it for good"),
                is_dangerous=True, back=here,
            )  # fmt: skip
        if campaigns.cancel(campaign, now=timezone.now()):
            ring(tasks.end, campaign_id=campaign.pk)
            messages.success(request, _("The campaign is cancelled."))
        else:
            messages.warning(request, _("It had ended already."))
        return HttpResponseRedirect(here)

    @action(description=gettext_lazy("Take back"), url_path="take-back", permissions=["change"], icon="undo")
    def take_back(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = self.row_or_404(request, object_id)
        here = reverse("admin:delivery_campaign_change", args=[campaign.pk])
        issue = reverse("admin:digests_issue_change", args=[campaign.issue_id])
        if request.method != "POST":
            details = [
                _("Nothing was handed over yet."),
                _("The issue is held then, and can be changed and approved again."),
            ]
            return self.ask(
                request,
                campaign,
                question=_("Take this issue back?"),
                details=details,
                verb=_("Take it back"),
                back=here,
            )
        reason = _("Taken back by %(editor)s before the first mail left.") % {"editor": request.user}
        if taking_back.take_back(campaign, reason=reason):
            ring(tasks.end, campaign_id=campaign.pk)
            messages.success(request, _("It is back at the desk: nobody has got it."))
            return HttpResponseRedirect(issue)
        messages.warning(
            request, _("It is too late: the first mails are on their way. It can still be paused or cancelled.")
        )
        return HttpResponseRedirect(here)

    @admin.action(description=gettext_lazy("Pause"), permissions=["change"])
    def pause_selected(self, request: HttpRequest, rows: QuerySet[Campaign]) -> None:
        reason = _paused_by(request)
        self._do(request, rows, lambda campaign: campaign.hold(reason=reason), _("paused"))

    @admin.action(description=gettext_lazy("Resume"), permissions=["change"])
    def resume_selected(self, request: HttpRequest, rows: QuerySet[Campaign]) -> None:
        now = timezone.now()
        self._do(request, rows, lambda campaign: campaign.resume(now), _("resumed"))
        ring(tasks.sweep)

    def _do(self, request: HttpRequest, rows: QuerySet[Campaign], do: Callable[[Campaign], bool], said: str) -> None:
        selected = each(rows.select_related("issue__newsletter"))
        done = [campaign for campaign in selected if do(campaign)]
        tell(request, done, said=said, refused=_("It was not possible for %(count)d."), total=len(selected))


def _paused_by(request: HttpRequest) -> str:
    return _("Paused by %(editor)s.") % {"editor": request.user}


def _waiting(count: int) -> str:
    if count > MOST_COUNTED:
        return _("More than %(count)d readers have not got it yet.") % {"count": MOST_COUNTED}
    text = ngettext("%(count)d reader has not got it yet.", "%(count)d readers have not got it yet.", count)
    return text % {"count": count}


def _may_get_it(count: int) -> str:
    if count > MOST_COUNTED:
        return _("More than %(count)d active readers may get it, whatever their cadence.") % {"count": MOST_COUNTED}
    text = ngettext(
        "%(count)d active reader may get it, whatever their cadence.",
        "%(count)d active readers may get it, whatever their cadence.",
        count,
    )
    return text % {"count": count}


def _before_sending(newsletter: Newsletter) -> list[str]:
    """What an editor should know before an issue goes out at once."""
    told = [_may_get_it(count_up_to(Subscription.objects.mailable().filter(newsletter=newsletter).order_by()))]
    if newsletter.kind == Newsletter.Kind.DIGEST:
        told.append(_("Each gets the new articles of their topics that they have not had. Who has had all is skipped."))
        told.append(_("The next scheduled issue then carries only what is newer."))
    else:
        told.append(_("It has no text of its own yet: write an issue first, or it will say that there is nothing."))
    return told


class CampaignFilter(AutocompleteSelectFilter):  # type: ignore[misc]
    """One campaign's ledger, which is a stretch of an index, wherever its rows lie."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Send]) -> QuerySet[Send]:
        text = str(self.value() or "")
        is_number = text.isascii() and text.isdecimal() and len(text) < 19
        return queryset.filter(exactly("campaign", int(text))) if is_number else queryset


class OutcomeFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Of what was not sent, and of what is on its way, there is an index; what was sent is most of it."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Send]) -> QuerySet[Send]:
        found: QuerySet[Send] = super().queryset(request, queryset)
        if self.value() == Send.Status.IN_FLIGHT:
            return queryset.filter(among(Batch.objects.held().send_pks()), status=Send.Status.QUEUED)
        if self.value() not in UNSENT:
            return found
        why = Q(reason__in=Send.FAILED_REASONS) if self.value() == Send.Status.FAILED else ~Q(reason="")
        return queryset.filter(why, exactly("status", self.value())).order_by("-campaign_id", "-pk")


class UnsentReasonFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Only what was not sent has a reason, and only of that there is an index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Send]) -> QuerySet[Send]:
        if not self.value():
            return queryset
        found = queryset.filter(exactly("reason", self.value()), ~Q(reason=""), status__in=UNSENT)
        return found.order_by("-reason", "-campaign_id", "-pk")


@admin.register(Send)
class SendAdmin(LongRecordAdmin[Send]):
    """The ledger: who, what, when, outcome, and why not."""

    list_display = ["shown_reader", "shown_issue", "shown_status", "reason", "response", "attempt_count", "settled_at"]
    list_filter = [
        ("campaign", CampaignFilter),
        ("status", OutcomeFilter),
        ("reason", UnsentReasonFilter),
    ]
    list_select_related = ["subscriber", "campaign__issue__newsletter"]
    search_fields = ["subscriber__address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True
    ordering = ["-campaign_id", "-pk"]  # newest first; one campaign's ledger is a stretch of the index
    fields = [
        "subscriber", "campaign", "shown_edition", "status", "reason", "response", "attempt_count", "settled_at",
        "next_attempt_at",
    ]  # fmt: skip
    readonly_fields = ["shown_edition"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Send]:
        return super().get_queryset(request).select_related("campaign__issue__newsletter", "subscriber")

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        return lookup in {"campaign__id__exact", "subscriber__id__exact"} or super().lookup_allowed(
            lookup, value, request
        )

    @display(description=gettext_lazy("reader"))
    def shown_reader(self, send: Send) -> str:
        return str(send.subscriber or _("erased person"))

    @display(description=gettext_lazy("issue"))
    def shown_issue(self, send: Send) -> str:
        return str(send.campaign.issue)

    @display(description=gettext_lazy("outcome"), ordering="status", label=SEND_COLORS)
    def shown_status(self, send: Send) -> tuple[str, str]:
        return send.status, send.get_status_display()

    @display(description=gettext_lazy("edition"))
    def shown_edition(self, send: Send) -> str:
        if send.edition_id is None:
            return _("none")
        url = reverse("admin:digests_edition_change", args=[send.edition_id])
        return format_html('<a href="{}" class="desk-link">{}</a>', url, _("The articles that were in it"))


@admin.register(MailboxMessage)
class MailboxMessageAdmin(ReadOnlyAdmin[MailboxMessage]):
    list_display = ["recipient", "subject", "at"]
    search_fields = ["recipient__istartswith", "subject"]
    fields = ["recipient", "subject", "at"]
    paginator = InfinitePaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailboxMessage]:
        return super().get_queryset(request).defer("raw")
