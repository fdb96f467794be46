"""What is kept as proof: sign-ups, consent and its wordings, confirmation mails."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles.desk import DaysFilter, ReadOnlyAdmin, display
from articles.long_lists import BY_ADDRESS_HELP, LongRecordAdmin
from newsletter.subscribers.admin.filters import InSomeNewsletterFilter, SkippedReasonFilter
from newsletter.subscribers.models import (
    ConfirmationMail,
    ConsentRecord,
    ConsentWording,
    SignUp,
)

SIGN_UP_COLORS = {
    SignUp.Status.WAITING: "info",
    SignUp.Status.MAILED: "warning",
    SignUp.Status.SKIPPED: "danger",
    SignUp.Status.CONFIRMED: "success",
}
CONSENT_COLORS = {ConsentRecord.Action.GIVEN: "success", ConsentRecord.Action.WITHDRAWN: "default"}


@admin.register(SignUp)
class SignUpAdmin(LongRecordAdmin[SignUp]):
    list_display = ["subscriber", "created_at", "shown_status", "skipped_reason", "mailed_at", "confirmed_at"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("skipped_reason", SkippedReasonFilter),
        ("created_at", DaysFilter),
    ]
    list_select_related = ["subscriber"]
    search_fields = ["subscriber__address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True

    @display(description=gettext_lazy("status"), ordering="status", label=SIGN_UP_COLORS)
    def shown_status(self, sign_up: SignUp) -> tuple[str, str]:
        return sign_up.status, sign_up.get_status_display()


@admin.register(ConsentRecord)
class ConsentRecordAdmin(LongRecordAdmin[ConsentRecord]):
    list_display = ["shown_person", "newsletter", "shown_action", "method", "at"]
    list_filter = [
        ("newsletter", RelatedDropdownFilter),
        ("action", InSomeNewsletterFilter),
        ("method", ChoicesDropdownFilter),
        ("at", DaysFilter),
    ]
    list_select_related = ["subscriber", "newsletter", "wording__newsletter"]
    search_fields = ["subscriber__address_key__startswith"]
    search_help_text = BY_ADDRESS_HELP
    searches_addresses = True

    @display(description=gettext_lazy("reader"))
    def shown_person(self, record: ConsentRecord) -> str:
        return str(record.subscriber or _("erased person"))

    @display(description=gettext_lazy("consent"), ordering="action", label=CONSENT_COLORS)
    def shown_action(self, record: ConsentRecord) -> tuple[str, str]:
        return record.action, record.get_action_display()


@admin.register(ConsentWording)
class ConsentWordingAdmin(ReadOnlyAdmin[ConsentWording]):
    list_display = ["newsletter", "text", "language", "created_at"]
    list_display_links = ["text"]
    list_filter = [("newsletter", RelatedDropdownFilter)]
    list_select_related = ["newsletter"]


@admin.register(ConfirmationMail)
class ConfirmationMailAdmin(LongRecordAdmin[ConfirmationMail]):
    """How often an address was mailed a confirmation, which limits how often it can be."""
