"""One address, typed by somebody."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from newsletter.lib.addresses import InvalidAddress, parse_address
from newsletter.subscribers.forms import COMPLAINTS
from newsletter.subscribers.hygiene import Verdict, verdict_on
from newsletter.subscribers.models import Subscriber
from newsletter.subscribers.self_service.changing_address import has_asked_enough


class AddressForm(forms.Form):
    email = forms.Field(required=False)

    def clean_email(self) -> str:
        try:
            return parse_address(self.cleaned_data["email"] or "")
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error


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
