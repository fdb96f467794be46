"""Actions on readers that are selected in the list: on those who are ticked, or on all who match."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from newsletter.subscribers import selections
from newsletter.subscribers.admin.asking import ASKED, AnswerForm, AsksAboutSelection, Question
from newsletter.subscribers.counting import Bounded
from newsletter.subscribers.models import BulkAction, Label, Newsletter, Subscriber

Kind = BulkAction.Kind


class LabelForm(AnswerForm):
    label = forms.ModelChoiceField(Label.objects.all(), label=gettext_lazy("Label"), widget=UnfoldAdminSelectWidget)

    def answers(self) -> Mapping[str, Any]:
        return {"label": self.cleaned_data["label"].pk}


class NewLabelForm(AnswerForm):
    label = forms.ModelChoiceField(
        Label.objects.all(), label=gettext_lazy("Label"), widget=UnfoldAdminSelectWidget, required=False
    )
    new_label = forms.CharField(
        label=gettext_lazy("or a new one"), max_length=60, widget=UnfoldAdminTextInputWidget, required=False
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not data.get("label") and not data.get("new_label"):
            raise forms.ValidationError(_("Choose a label, or name a new one."))
        return data

    def answers(self) -> Mapping[str, Any]:
        if name := self.cleaned_data["new_label"]:
            return {"label": Label.objects.get_or_create(name=name)[0].pk}
        return {"label": self.cleaned_data["label"].pk}


class NewsletterForm(AnswerForm):
    newsletter = forms.ModelChoiceField(
        Newsletter.objects.all(), label=gettext_lazy("Newsletter"), widget=UnfoldAdminSelectWidget
    )

    def answers(self) -> Mapping[str, Any]:
        return {"newsletter": self.cleaned_data["newsletter"].pk}


class NoteForm(AnswerForm):
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Why, for whoever looks at this in a year."),
    )  # fmt: skip

    def answers(self) -> Mapping[str, Any]:
        return {"note": self.cleaned_data["note"]}


class CountForm(AnswerForm):
    """Asks for the number of people, so that nobody erases fifty by a slip of the hand."""

    count = forms.IntegerField(label=gettext_lazy("How many people are erased?"), widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, people: Bounded, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        self.fields["count"].help_text = _("Type the number of people who are selected to confirm.")

    def clean_count(self) -> int:
        values = {"count": self.people.in_words}
        if self.people.is_more:
            raise forms.ValidationError(
                _("%(count)s people cannot be erased at once. Choose fewer with a filter or a label.") % values
            )
        if self.cleaned_data["count"] != self.people.count:
            raise forms.ValidationError(
                _("That is not the number of people who are selected. It is %(count)s now.") % values
            )
        return self.people.count


class SelectionActions(AsksAboutSelection[Subscriber]):
    """The bulk actions on readers, for the list's admin class."""

    @admin.action(description=gettext_lazy("Add a label…"), permissions=["change"])
    def label_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        question = Question(_("Label these readers?"), _("Add the label"))
        form = NewLabelForm(_answers(request))
        return self.ask_then(request, self.selected(request, rows), question, form, Kind.LABEL)

    @admin.action(description=gettext_lazy("Remove a label…"), permissions=["change"])
    def unlabel_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        question = Question(_("Take a label off these readers?"), _("Remove the label"))
        form = LabelForm(_answers(request))
        return self.ask_then(request, self.selected(request, rows), question, form, Kind.UNLABEL)

    @admin.action(description=gettext_lazy("Unsubscribe from a newsletter…"), permissions=["change"])
    def unsubscribe_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (_("Do this if they asked you to. It ends at once, and the consent record says that you did it."),)
        question = Question(_("Unsubscribe these readers?"), _("Unsubscribe them"), details, is_dangerous=True)
        form = NewsletterForm(_answers(request))
        return self.ask_then(request, self.selected(request, rows), question, form, Kind.UNSUBSCRIBE)

    @admin.action(description=gettext_lazy("Never mail again…"), permissions=["change"])
    def suppress_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (_("They go on the suppression list: nothing is mailed to them, whatever a form or an import says."),)
        question = Question(_("Never mail these readers again?"), _("Suppress them"), details, is_dangerous=True)
        form = NoteForm(_answers(request))
        return self.ask_then(request, self.selected(request, rows), question, form, Kind.SUPPRESS)

    @admin.action(description=gettext_lazy("Export as CSV…"), permissions=["view"])
    def export_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | StreamingHttpResponse:
        selected = self.selected(request, rows)
        details = (_("The file holds addresses and names. Delete it when you are done with it."),)
        if ASKED not in request.POST:
            return self.ask_about(request, selected, Question(_("Export these readers?"), _("Download"), details),
                                  AnswerForm())  # fmt: skip
        headers = {"Content-Disposition": 'attachment; filename="readers.csv"', "Cache-Control": "no-store, private"}
        lines = selections.csv_lines(selected.rows)
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    @admin.action(description=gettext_lazy("Erase for good…"), permissions=["change"])
    def erase_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (
            _("Their names, addresses, subscriptions and sign-ups are deleted, and every mail to them stops now."),
            _("What stays is anonymous: the proof of consent, and keyed hashes so that no import mails them."),
            _("This cannot be undone."),
        )
        question = Question(_("Erase these people?"), _("Erase for good"), details, is_dangerous=True)
        selected = self.selected(request, rows)
        form = CountForm(_answers(request), people=selected.count)
        return self.ask_then(request, selected, question, form, Kind.ERASE)


def _answers(request: HttpRequest) -> Any:
    """What was filled in, or None if nothing was asked yet."""
    return request.POST if ASKED in request.POST else None
