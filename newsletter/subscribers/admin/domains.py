"""The desk's page for mail domains that take no sign-ups, or always do."""

from __future__ import annotations

import re

from django import forms
from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.paginator import InfinitePaginator

from articles.desk import DeskAdmin, DeskForm, ReadOnlyAdmin, display
from newsletter.lib.addresses import InvalidAddress, wire_address
from newsletter.subscribers.models import MailDomain, WelcomeMail

WELCOME_COLORS = {
    WelcomeMail.Status.WAITING: "info",
    WelcomeMail.Status.SENT: "success",
    WelcomeMail.Status.SKIPPED: "warning",
}
BEFORE_THE_DOMAIN = re.compile(r"^(?:.*@|\*?\.)")


class MailDomainForm(DeskForm[MailDomain]):
    class Meta:
        model = MailDomain
        fields = ["domain", "verdict", "note"]
        help_texts = {
            "domain": gettext_lazy("As in trash.example; what is below it, as in mx.trash.example, is included."),
            "verdict": gettext_lazy("This list goes before the one that comes with the program."),
            "note": gettext_lazy("Why, for whoever looks at this in a year."),
        }

    def clean_domain(self) -> str:
        """In ASCII, as sign-ups are compared with it."""
        typed = BEFORE_THE_DOMAIN.sub("", str(self.cleaned_data["domain"]).strip().lower()).rstrip(".")
        try:
            domain = wire_address(f"x@{typed}").rpartition("@")[2]
        except InvalidAddress as error:
            raise forms.ValidationError(_("Write the domain as in example.org.")) from error
        if MailDomain.objects.filter(domain=domain).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("This domain is on the list already."))
        return domain


@admin.register(MailDomain)
class MailDomainAdmin(DeskAdmin[MailDomain]):
    form = MailDomainForm
    list_display = ["domain", "verdict", "note"]
    list_filter = [("verdict", ChoicesDropdownFilter)]
    search_fields = ["domain__startswith"]


@admin.register(WelcomeMail)
class WelcomeMailAdmin(ReadOnlyAdmin[WelcomeMail]):
    """Who was welcomed, and why somebody was not."""

    list_display = ["shown_person", "shown_newsletter", "shown_status", "skipped_reason", "created_at", "sent_at"]
    list_filter = [("status", ChoicesDropdownFilter)]
    list_select_related = ["subscription__subscriber", "subscription__newsletter"]
    search_fields = ["subscription__subscriber__address_key__startswith"]
    searches_addresses = True
    paginator = InfinitePaginator
    fields = [
        "subscription", "status", "skipped_reason", "shown_articles", "created_at", "sent_at", "next_attempt_at",
        "response", "attempt_count",
    ]  # fmt: skip
    readonly_fields = ["shown_articles"]

    @display(description=gettext_lazy("articles in it"))
    def shown_articles(self, row: WelcomeMail) -> str:
        items = row.items.select_related("article").order_by("position", "pk")
        return format_html_join("", "{}<br>", ([item.article.title] for item in items)) or "–"

    @display(description=gettext_lazy("reader"))
    def shown_person(self, row: WelcomeMail) -> str:
        return row.subscription.subscriber.email

    @display(description=gettext_lazy("newsletter"))
    def shown_newsletter(self, row: WelcomeMail) -> str:
        return row.subscription.newsletter.name

    @display(description=gettext_lazy("status"), ordering="status", label=WELCOME_COLORS)
    def shown_status(self, row: WelcomeMail) -> tuple[str, str]:
        return row.status, row.get_status_display()
