"""Asking before something happens to a selection: who exactly, how many, and what it needs to know.

The page that asks offers two selections where they differ: what was ticked, and everybody who matches the search and
the filters. Its button sends the selection once more; the work goes on in the background if it is much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import AnonymousUser
from django.db.models import Max, Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.long_lists import LongListAdmin
from newsletter.lib.doorbell import ring
from newsletter.subscribers import bulk_actions, tasks
from newsletter.subscribers.counting import Bounded, bounded
from newsletter.subscribers.models import BulkAction, Subscription

ASKED = "asked"  # the field by which the page that asks says that it did
ALL = "all"
PATIENCE = 1.5  # seconds of work that a page waits for
SHOWN = 8


@dataclass(frozen=True)
class Question:
    """What is asked before something happens to a selection."""

    title: str
    verb: str
    details: tuple[str, ...] = ()
    is_dangerous: bool = False


class AnswerForm(forms.Form):
    """What must be known; ``answers`` are kept with the bulk action, as JSON."""

    def answers(self) -> Mapping[str, Any]:
        return {}


class Selected[Row: Model]:
    """Who is meant: the ticked rows, or all that matched when the question was shown."""

    def __init__(self, request: HttpRequest, ticked: QuerySet[Row], everybody: QuerySet[Row]) -> None:
        self._post, self._ticked, self._everybody = request.POST, ticked, everybody
        self.is_all = self._post.get("scope") == ALL

    @property
    def rows(self) -> QuerySet[Row]:
        return self._up_to_newest if self.is_all else self._ticked

    @property
    def count(self) -> Bounded:
        return self.all_count if self.is_all else self.ticked_count

    @cached_property
    def newest(self) -> int:
        """Who comes after the question was shown is not meant."""
        text = self._post.get("newest", "")
        if text.isascii() and text.isdecimal() and len(text) < 19:
            return int(text)
        return self._everybody.model._default_manager.aggregate(newest=Max("pk"))["newest"] or 0

    @cached_property
    def all_count(self) -> Bounded:
        return bounded(self._up_to_newest)

    @cached_property
    def ticked_count(self) -> Bounded:
        return bounded(self._ticked)

    @property
    def first(self) -> list[str]:
        """A few of those who were ticked, by their address."""
        return [str(getattr(row, "subscriber", row)) for row in self._ticked[:SHOWN]]

    @property
    def _up_to_newest(self) -> QuerySet[Row]:
        return self._everybody.order_by("pk").filter(pk__lte=self.newest)


class AsksAboutSelection[Row: Model](LongListAdmin[Row]):
    """The bulk actions of a long list, for its admin class."""

    def __init__(self, model: type[Row], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self._source = model._meta.label_lower
        bulk_actions.offer_source(self._source, self._who_matches)

    def _who_matches(self, action: BulkAction) -> QuerySet[Row]:
        """Everybody whom the list showed for this address, as the worker finds them."""
        request = HttpRequest()
        request.method, request.GET = "GET", QueryDict(action.criteria["query"])
        request.user = action.created_by or AnonymousUser()
        rows: QuerySet[Row] = self.get_changelist_instance(request).queryset
        return rows.order_by("pk").filter(pk__lte=action.criteria["newest"])

    def selected(self, request: HttpRequest, ticked: QuerySet[Row]) -> Selected[Row]:
        everybody = self.get_changelist_instance(request).queryset
        return Selected(request, ticked, everybody)

    def ask_then(
        self, request: HttpRequest, selected: Selected[Row], question: Question, form: AnswerForm, kind: BulkAction.Kind
    ) -> HttpResponse | None:
        """Ask until the answers will do, then begin. None leads back to the list."""
        if ASKED not in request.POST or not form.is_valid():
            return self.ask_about(request, selected, question, form)
        action = self._begun(request, selected, kind, form.answers())
        page = reverse("admin:subscribers_bulkaction_change", args=[action.pk])
        if bulk_actions.advance(bulk_action_id=action.pk, clock=timezone.now, seconds=PATIENCE):
            ring(tasks.go_on_with_bulk_action, bulk_action_id=action.pk)
            return HttpResponseRedirect(page)
        action.refresh_from_db()
        may_undo = action.may_be_undone(timezone.now())
        link = format_html(' <a href="{}" class="desk-link">{}</a>', page, _("Take it back…")) if may_undo else ""
        messages.success(request, format_html("{}{}", done_in_words(action), link))
        return None

    def _begun(
        self, request: HttpRequest, selected: Selected[Row], kind: BulkAction.Kind, values: Mapping[str, Any]
    ) -> BulkAction:
        by, now = request.user, timezone.now()
        if not selected.is_all:
            return bulk_actions.begin(kind=kind, rows=selected.rows, values=values, by=by, now=now)
        criteria = {"source": self._source, "query": request.GET.urlencode(), "newest": selected.newest}
        return bulk_actions.begin_with_all(kind=kind, criteria=criteria, values=values, by=by, now=now)

    def ask_about(
        self, request: HttpRequest, selected: Selected[Row], question: Question, form: forms.Form
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": question.title, "question": question, "selected": selected, "form": form, "opts": self.opts,
            "ticked_in_words": self._in_words(selected.ticked_count), "all_in_words": self._all_in_words(selected),
            "action": request.POST["action"], "checkbox_name": ACTION_CHECKBOX_NAME, "asked": ASKED,
            "ticked_keys": request.POST.getlist(ACTION_CHECKBOX_NAME), "back": request.get_full_path(),
        }  # fmt: skip
        return TemplateResponse(request, "admin/readers/ask_about_selection.html", context)

    def _in_words(self, found: Bounded) -> str:
        values = {"shown": found.in_words}
        if self.model is Subscription:
            return ngettext("%(shown)s subscription", "%(shown)s subscriptions", found.count) % values
        return ngettext("%(shown)s reader", "%(shown)s readers", found.count) % values

    def _all_in_words(self, selected: Selected[Row]) -> str:
        if selected.all_count.count <= selected.ticked_count.count:
            return ""
        return _("All that match the search and the filters: %(many)s") % {"many": self._in_words(selected.all_count)}


def done_in_words(action: BulkAction) -> str:
    """To how many it happened, and for how many there was nothing to do."""
    subscriptions = {BulkAction.Kind.PAUSE, BulkAction.Kind.RESUME, BulkAction.Kind.END}
    values = {"count": number_format(action.changed_count, force_grouping=True)}
    if action.kind in subscriptions:
        text = ngettext("Done for %(count)s subscription.", "Done for %(count)s subscriptions.", action.changed_count)
    else:
        text = ngettext("Done for %(count)s reader.", "Done for %(count)s readers.", action.changed_count)
    text %= values
    if left := action.seen_count - action.changed_count:
        text += " " + _("Nothing to do for %(count)s.") % {"count": number_format(left, force_grouping=True)}
    return text
