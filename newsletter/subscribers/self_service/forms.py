"""One address, typed by somebody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from newsletter.lib.addresses import InvalidAddress, parse_address
from newsletter.subscribers.forms import COMPLAINTS
from newsletter.subscribers.hygiene import Verdict, verdict_on
from newsletter.subscribers.models import Subscriber
from newsletter.subscribers.protection import TIME_FIELD, is_timely, is_unproven
from newsletter.subscribers.self_service.changing_address import has_asked_enough
from newsletter.subscribers.shield import tally


class AddressForm(forms.Form):
    """Sent back with its time, as every form of ours that mails whomever one names (see protection.py)."""

    email = forms.Field(required=False)

    def clean_email(self) -> str:
        try:
            return parse_address(self.cleaned_data["email"] or "")
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        if not is_timely(self.data.get(TIME_FIELD, "")):
            tally.note(tally.Layer.TIME)
            self.add_error("email", _("This form was too old or sent very quickly. Please send it once more."))
        return self.cleaned_data

    def is_unproven(self) -> bool:
        """Must the mail wait for want of a proof of work? Uses the proof up: call it once, on a valid form."""
        assert isinstance(self.data, QueryDict)
        return is_unproven(self.data, email=self.cleaned_data["email"])


class NewAddressForm(AddressForm):
    """Where somebody wants to move: a place that we would take a sign-up from. What it is to us is not said."""

    def __init__(self, sent: QueryDict | None, *, subscriber: Subscriber, now: datetime) -> None:
        super().__init__(sent)
        self.subscriber = subscriber
        self.now = now
        self.verdict = Verdict.WELCOME

    def clean_email(self) -> str:
        address = super().clean_email()
        if address == self.subscriber.email:
            raise forms.ValidationError(_("This is your address already."))
        if has_asked_enough(self.subscriber, self.now):
            raise forms.ValidationError(_("You have asked for several addresses today. Please try again tomorrow."))
        self.verdict = verdict_on(address)
        if complaint := COMPLAINTS.get(self.verdict):
            raise forms.ValidationError(str(complaint))
        return address

    @property
    def is_ignored(self) -> bool:
        """An address of a domain that the desk wants answered as ever, and not mailed."""
        return self.verdict == Verdict.IGNORED
