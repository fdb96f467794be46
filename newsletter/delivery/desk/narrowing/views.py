"""Whom an announcement is for: the conditions, how many readers that is, and some of them.

Where a newsletter has many readers, the worker counts (outlooks.py), and the page says what it found, or that it is
still counting: nobody waits for a million rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget

from articles.models import Topic
from newsletter.delivery import audience, outlooks
from newsletter.delivery.desk.access import for_those_who_may
from newsletter.digests import narrowing, versions
from newsletter.digests.changing import CannotChangeError, Desk
from newsletter.digests.models import Issue
from newsletter.digests.narrowing import Activity, Narrowing
from newsletter.digests.versions import ClosedError, StaleError
from newsletter.subscribers import measuring
from newsletter.subscribers.counting import bounded
from newsletter.subscribers.models import Label, Newsletter, Subscriber, Subscription, Suppression

MOST_COUNTED = 30_000  # in well under a second
MOST_LANGUAGES, EXAMPLES = 50, 5
USUAL_DAYS, MOST_DAYS = 30, 365


class AudienceForm(forms.Form):
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.order_by("position", "name", "pk"), required=False, widget=UnfoldAdminSelect2MultipleWidget,
        label=gettext_lazy("Who follow"),
        help_text=gettext_lazy("Any of these, in any digest. Who follows all, follows these as well. Empty: all."),
    )  # fmt: skip
    cadence = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, label=gettext_lazy("Who chose"),
        help_text=gettext_lazy("How often they want this newsletter."),
    )  # fmt: skip
    label = forms.ModelChoiceField(
        Label.objects.order_by("name", "pk"), required=False, widget=UnfoldAdminSelectWidget,
        empty_label=gettext_lazy("any or none"), label=gettext_lazy("Who have the label"),
    )  # fmt: skip
    language = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, label=gettext_lazy("Who read"),
        help_text=gettext_lazy("Who named no language reads that of the newsletter."),
    )  # fmt: skip

    activity = forms.ChoiceField(
        required=False, widget=UnfoldAdminSelectWidget, label=gettext_lazy("Who lately"),
        help_text=gettext_lazy("In mails of this newsletter. Only readers who agreed to be measured can be told."),
    )  # fmt: skip
    days = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_DAYS, widget=UnfoldAdminIntegerFieldWidget,
        label=gettext_lazy("In the last days"), help_text=gettext_lazy("Counted back from when the issue leaves."),
    )  # fmt: skip

    seen = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)

    def __init__(self, issue: Issue, data: Mapping[str, Any] | None = None) -> None:
        chosen = Narrowing.of(issue)
        initial = {"topics": chosen.topics, "label": chosen.label, "language": chosen.language}
        initial |= {"activity": chosen.activity, "days": chosen.days or USUAL_DAYS}
        super().__init__(data, initial={**initial, "cadence": issue.cadence, "seen": issue.version})
        activity: Any = self.fields["activity"]
        activity.choices = [("", _("whatever they did")), *Activity.choices]
        if not issue.newsletter.is_measured and not chosen.activity:
            del self.fields["activity"], self.fields["days"]
        cadence: Any = self.fields["cadence"]
        language: Any = self.fields["language"]
        cadence.choices = [("", _("whatever they chose")), *issue.newsletter.cadence_choices()]
        language.choices = [("", _("any language")), *_languages(issue.newsletter, chosen.language)]

    @property
    def chosen(self) -> Narrowing:
        told = self.cleaned_data
        topics, label = tuple(topic.pk for topic in told["topics"]), told["label"]
        activity, days = told.get("activity", ""), told.get("days") or USUAL_DAYS
        return Narrowing(topics, label.pk if label else None, told["language"], activity, days if activity else 0)


@dataclass(frozen=True)
class Reached:
    """``count`` is None while the worker counts; ``at``: when it did. Few are counted here and now."""

    count: int | None
    at: datetime | None = None
    examples: tuple[str, ...] = ()


@require_http_methods(["GET", "HEAD", "POST"])
@for_those_who_may("digests.change_issue")
def narrow(request: HttpRequest, pk: int) -> HttpResponse:
    """The conditions; the POST keeps them and shows who is left."""
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=pk)
    if not issue.is_written or issue.correction_id or not versions.may_touch(issue, by=request.user):
        raise PermissionDenied
    form = AudienceForm(issue, request.POST or None)
    if request.method == "POST" and form.is_valid():
        _keep(request, issue, form)
        return HttpResponseRedirect(reverse("sending:audience", args=[issue.pk]))
    context = {
        **admin.site.each_context(request), "title": _("Readers"), "issue": issue, "form": form,
        "reached": reached(issue, shows=request.user.has_perm(SEE_READERS)),
        "conditions": list(narrowing.in_words(issue)), "measured": bounded(measuring.measured(issue.newsletter)),
    }  # fmt: skip
    return TemplateResponse(request, "admin/audience/narrow.html", context)


SEE_READERS = "subscribers.view_subscriber"


def reached(issue: Issue, *, shows: bool) -> Reached:
    """Whom it would be sent to now: active, and not on the suppression list. At most 3 queries, all of them bounded."""
    everybody = Subscription.objects.filter(newsletter=issue.newsletter, status=Subscription.Status.ACTIVE)
    if everybody.order_by()[: MOST_COUNTED + 1].count() > MOST_COUNTED:
        found = outlooks.reached(issue)
        return Reached(found.count, found.at) if found else Reached(None)
    suppressed = Suppression.objects.filter(address_hash=OuterRef("subscriber__address_hash"))
    readers = audience.readers(issue).filter(~Exists(suppressed))
    first = readers.order_by("pk").values_list("subscriber__email", flat=True)[:EXAMPLES] if shows else ()
    return Reached(readers.count(), examples=tuple(first))


def _keep(request: HttpRequest, issue: Issue, form: AudienceForm) -> None:
    seen = form.cleaned_data["seen"]
    if not request.user.is_authenticated:
        raise PermissionDenied
    hand = Desk(issue, by=request.user, seen=issue.version if seen is None else seen, now=timezone.now())
    try:
        messages.success(request, hand.narrow(form.chosen, cadence=form.cleaned_data["cadence"]))
    except (StaleError, ClosedError, CannotChangeError) as error:
        messages.warning(request, str(error))


def _languages(newsletter: Newsletter, chosen: str) -> list[tuple[str, str]]:
    """Those that readers have named, as far as a list can show them."""
    named = Subscriber.objects.exclude(language="").order_by("language").values_list("language", flat=True).distinct()
    codes = sorted({newsletter.language, *([chosen] if chosen else []), *named[:MOST_LANGUAGES]})
    return [(code, narrowing.name_of(code)) for code in codes]
