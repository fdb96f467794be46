"""Actions on the readers that are selected in the list. Each asks first; its button sends the selection once more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from articles.desk import DeskAdmin, each
from newsletter.subscribers import selections
from newsletter.subscribers.models import Label, Newsletter, Subscriber

ASKED = "asked"  # the field by which the page that asks says that it did


class LabelForm(forms.Form):
    label = forms.ModelChoiceField(Label.objects.all(), label=gettext_lazy("Label"), widget=UnfoldAdminSelectWidget)


class NewLabelForm(forms.Form):
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

    def chosen(self) -> Label:
        if name := self.cleaned_data["new_label"]:
            return Label.objects.get_or_create(name=name)[0]
        return self.cleaned_data["label"]  # type: ignore[no-any-return]


class NewsletterForm(forms.Form):
    newsletter = forms.ModelChoiceField(
        Newsletter.objects.all(), label=gettext_lazy("Newsletter"), widget=UnfoldAdminSelectWidget
    )


class NoteForm(forms.Form):
    note = forms.CharField(
        label=gettext_lazy("Note"), max_length=300, required=False, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Why, for whoever looks at this in a year."),
    )  # fmt: skip


class CountForm(forms.Form):
    """Asks for the number of people, so that nobody erases fifty by a slip of the hand."""

    count = forms.IntegerField(label=gettext_lazy("How many people are erased?"), widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args: Any, people: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = people
        self.fields["count"].help_text = _("Type %(count)d to confirm.") % {"count": people}

    def clean_count(self) -> int:
        if self.cleaned_data["count"] != self.people:
            raise forms.ValidationError(_("That is not the number of people who are selected."))
        return self.people


@dataclass(frozen=True)
class Question:
    """What is asked before something happens to a selection."""

    title: str
    verb: str
    details: tuple[str, ...] = ()
    is_dangerous: bool = False


class SelectionActions(DeskAdmin[Subscriber]):
    """The bulk actions on readers, for the list's admin class."""

    @admin.action(description=gettext_lazy("Add a label…"), permissions=["change"])
    def label_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        question = Question(_("Label these readers?"), _("Add the label"))
        form = NewLabelForm(request.POST if ASKED in request.POST else None)
        return self._ask_then(
            request, rows, question, form,
            lambda people: selections.add_label(subscribers=people, label=form.chosen()),
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Remove a label…"), permissions=["change"])
    def unlabel_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        question = Question(_("Take a label off these readers?"), _("Remove the label"))
        form = LabelForm(request.POST if ASKED in request.POST else None)
        return self._ask_then(
            request, rows, question, form,
            lambda people: selections.remove_label(subscribers=people, label=form.cleaned_data["label"]),
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Unsubscribe from a newsletter…"), permissions=["change"])
    def unsubscribe_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (_("Do this if they asked you to. It ends at once, and the consent record says that you did it."),)
        question = Question(_("Unsubscribe these readers?"), _("Unsubscribe them"), details)
        form = NewsletterForm(request.POST if ASKED in request.POST else None)
        return self._ask_then(
            request, rows, question, form,
            lambda people: selections.unsubscribe_from(
                subscribers=people, newsletter=form.cleaned_data["newsletter"], now=timezone.now()
            ),
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Never mail again…"), permissions=["change"])
    def suppress_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (_("They go on the suppression list: nothing is mailed to them, whatever a form or an import says."),)
        question = Question(_("Never mail these readers again?"), _("Suppress them"), details, is_dangerous=True)
        form = NoteForm(request.POST if ASKED in request.POST else None)
        return self._ask_then(
            request, rows, question, form,
            lambda people: selections.suppress_all(
                subscribers=people, note=form.cleaned_data["note"], now=timezone.now()
            ),
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Export as CSV…"), permissions=["view"])
    def export_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        people = each(rows.prefetch_related("labels"))
        details = (_("The file holds addresses and names. Delete it when you are done with it."),)
        if ASKED not in request.POST:
            question = Question(_("Export these readers?"), _("Download"), details)
            return self._ask(request, people, question, forms.Form())
        response = HttpResponse(selections.as_csv(people), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="readers.csv"'
        response["Cache-Control"] = "no-store, private"
        return response

    @admin.action(description=gettext_lazy("Erase for good…"), permissions=["change"])
    def erase_selected(self, request: HttpRequest, rows: QuerySet[Subscriber]) -> HttpResponse | None:
        details = (
            _("Their names, addresses, subscriptions and sign-ups are deleted, and every mail to them stops now."),
            _("What stays is anonymous: the proof of consent, and keyed hashes so that no import mails them."),
            _("This cannot be undone."),
        )
        question = Question(_("Erase these people?"), _("Erase for good"), details, is_dangerous=True)
        form = CountForm(request.POST if ASKED in request.POST else None, people=len(each(rows)))
        return self._ask_then(
            request, rows, question, form,
            lambda people: selections.erase_all(subscribers=people, now=timezone.now()),
        )  # fmt: skip

    def _ask_then(
        self, request: HttpRequest, rows: QuerySet[Subscriber], question: Question, form: forms.Form,
        do: Callable[[list[Subscriber]], int],
    ) -> HttpResponse | None:  # fmt: skip
        people: list[Subscriber] = each(rows)
        if not form.is_valid():
            return self._ask(request, people, question, form)
        done = do(people)
        text = ngettext("Done for %(count)d reader.", "Done for %(count)d readers.", done) % {"count": done}
        if left := len(people) - done:
            text += " " + _("Nothing to do for %(count)d.") % {"count": left}
        messages.success(request, text)
        return None

    def _ask(
        self, request: HttpRequest, people: list[Subscriber], question: Question, form: forms.Form
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": question.title, "question": question, "people": people, "form": form, "opts": self.opts,
            "action": request.POST["action"], "checkbox_name": ACTION_CHECKBOX_NAME, "asked": ASKED,
            "back": request.get_full_path(),
        }  # fmt: skip
        return TemplateResponse(request, "admin/readers/ask_about_selection.html", context)
