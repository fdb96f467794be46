"""The page on which an editor adds somebody by hand, and says what the consent stands on."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from articles.desk import DeskAdmin
from newsletter.lib.addresses import InvalidAddress, parse_address
from newsletter.lib.doorbell import ring
from newsletter.subscribers import tasks
from newsletter.subscribers.entering import Entered, Entry, Refused, enter
from newsletter.subscribers.models import ConsentRecord, Newsletter, Subscriber


class EntryForm(forms.Form):
    email = forms.CharField(label=gettext_lazy("E-mail address"), max_length=320, widget=UnfoldAdminEmailInputWidget)
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=120, required=False, widget=UnfoldAdminTextInputWidget
    )
    newsletters = forms.ModelMultipleChoiceField(
        Newsletter.objects.open(), label=gettext_lazy("Newsletters that they agreed to"),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    ground = forms.ChoiceField(
        label=gettext_lazy("What the consent stands on"), widget=UnfoldAdminSelectWidget,
        choices=[("", gettext_lazy("Choose one")), *ConsentRecord.Ground.choices],
        help_text=gettext_lazy("A paper form or a contract counts at once. For all else they get a mail with a link."),
    )  # fmt: skip
    agreed_on = forms.DateField(
        label=gettext_lazy("Day of the consent"), widget=UnfoldAdminTextInputWidget(attrs={"type": "date"})
    )
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Where the document is kept. Without that, a paper form or a contract proves nothing."),
    )  # fmt: skip

    def clean_email(self) -> str:
        try:
            return parse_address(self.cleaned_data["email"])
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean_agreed_on(self) -> date:
        day: date = self.cleaned_data["agreed_on"]
        if day > timezone.localdate():
            raise forms.ValidationError(_("This day has not come yet."))
        return day

    def entry(self) -> Entry:
        data = self.cleaned_data
        return Entry(
            email=data["email"], name=data["name"], newsletters=tuple(data["newsletters"]),
            ground=ConsentRecord.Ground(data["ground"]), agreed_on=data["agreed_on"], note=data["note"],
        )  # fmt: skip


class EnteringAdmin(DeskAdmin[Subscriber]):
    """The page behind "Add"."""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = EntryForm(request.POST or None, initial={"agreed_on": timezone.localdate()})
        if form.is_valid():
            try:
                entered = enter(entry=form.entry(), now=timezone.now())
            except Refused as refusal:
                form.add_error("email", str(refusal))
            else:
                return _go_on(request, entered)
        context = {**self.admin_site.each_context(request), "title": _("Add a reader"), "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/readers/enter.html", context, status=400 if form.errors else 200)


def _go_on(request: HttpRequest, entered: Entered) -> HttpResponse:
    if entered.sign_up:
        ring(tasks.send_confirmation, sign_up_id=entered.sign_up.pk)
        messages.success(request, _("They get a mail with a link; nothing else is sent until they use it."))
    elif entered.joined:
        names = ", ".join(str(newsletter) for newsletter in entered.joined)
        messages.success(request, _("They get %(newsletters)s from now on.") % {"newsletters": names})
    else:
        messages.warning(request, _("Nothing was to do: they get this already, on their first consent."))
    return HttpResponseRedirect(reverse("admin:subscribers_subscriber_change", args=[entered.subscriber.pk]))
