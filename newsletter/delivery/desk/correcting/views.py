"""Correcting what went out: a note where it can be read, and a mail to those who got it, if the editor wants one.

First the note, with a count of whom a mail would reach and how it would look; then, half a minute to take the mail
back. Each page works without JavaScript.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldBooleanWidget

from articles.models import Article
from newsletter.delivery import reaching, tasks
from newsletter.delivery.desk.access import for_those_who_may
from newsletter.delivery.desk.progress import Progress, progress_of
from newsletter.digests import correcting, prose
from newsletter.digests.alerts import UNDO
from newsletter.digests.approval import BlockedError
from newsletter.digests.correcting import Wording
from newsletter.digests.models import Correction, Issue, IssueItem
from newsletter.lib.doorbell import ring

MOST_NOTE = 1500  # characters


class CorrectionForm(forms.Form):
    article = forms.ModelChoiceField(
        Article.objects.none(), required=False, widget=UnfoldAdminSelectWidget, label=gettext_lazy("About"),
        empty_label=gettext_lazy("the issue as a whole"),
        help_text=gettext_lazy("The note stands on every issue that carried the article."),
    )  # fmt: skip
    note = forms.CharField(
        label=gettext_lazy("What was wrong, and what is right"), max_length=MOST_NOTE, strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "autofocus": True, "dir": "auto"}),
        help_text=gettext_lazy("It is published with today’s date. An empty line begins a paragraph."),
    )  # fmt: skip
    is_on_article = forms.BooleanField(
        label=gettext_lazy("Also on the article’s page"), required=False, initial=True, widget=UnfoldBooleanWidget
    )

    def __init__(self, issue: Issue, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        carried = issue.items.exclude(state=IssueItem.State.DROPPED).values("article")
        articles: Any = self.fields["article"]
        articles.queryset = Article.objects.filter(pk__in=carried).order_by("-released_at", "-pk")
        if not articles.queryset.exists():
            del self.fields["article"], self.fields["is_on_article"]

    @property
    def wording(self) -> Wording:
        told = self.cleaned_data
        return Wording(told["note"], told.get("article"), is_on_article=bool(told.get("is_on_article")))


@dataclass(frozen=True)
class MailOut:
    """A mail with the correction, and what became of it."""

    issue: Issue
    progress: Progress


@require_http_methods(["GET", "HEAD", "POST"])
@for_those_who_may("digests.send_alert")
def write_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """The note; the POST publishes it."""
    launched = Issue.objects.select_related("newsletter").filter(launched_at__isnull=False)
    issue = get_object_or_404(launched, pk=pk)
    form = CorrectionForm(issue, request.POST or None)
    if form.is_valid():
        correction = correcting.correct(issue, wording=form.wording, by=request.user, now=timezone.now())
        messages.success(request, _("The note is published."))
        return HttpResponseRedirect(reverse("sending:sent_correction", args=[correction.pk]))
    context = {"issue": issue, "form": form, "before": Correction.objects.of_issue(issue)}
    return _show(request, "write", _("Correct"), context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_those_who_may("digests.send_alert")
def sent_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Whom a mail would reach; the POST sends it in half a minute, or takes it back while it waits."""
    correction = get_object_or_404(Correction.objects.select_related("issue__newsletter", "article"), pk=pk)
    here = reverse("sending:sent_correction", args=[correction.pk])
    if request.method == "POST":
        _take_back(request, correction) if "back" in request.POST else _send(request, correction)
        return HttpResponseRedirect(here)
    now = timezone.now()
    mails = correction.mails.select_related("newsletter").order_by("pk")
    told = [MailOut(mail, progress_of(mail, now=now)) for mail in mails]
    context: dict[str, object] = {
        "correction": correction, "mails": told, "undo": int(UNDO.total_seconds()), "here": here,
        "is_moving": any(mail.progress.is_moving for mail in told),
        "is_waiting": any(mail.progress.state in {"waits", "starts"} for mail in told),
    }  # fmt: skip
    served = {mail.newsletter_id for mail in mails if mail.status != Issue.Status.CANCELLED}
    if len(served) < len({mail.newsletter_id for mail in mails}) or not told:
        reaches = [each for each in reaching.reaches(correction) if each.newsletter.pk not in served]
        context |= {"is_open": bool(reaches) or not told, "reaches": reaches, "body": _shown(correction)}
        context["is_moving"] = context["is_moving"] or any(each.count is None for each in reaches)
        if reaching.is_due(reaches, now=now):
            ring(tasks.count_correction, correction_id=correction.pk)
    return _show(request, "correction", _("Correction"), context)


def _shown(correction: Correction) -> SafeString:
    return prose.to_html(correcting.body_of(correction), max_characters=2 * MOST_NOTE)


def _send(request: HttpRequest, correction: Correction) -> None:
    """To whom the launch finds that got it; a newsletter is left out if nobody there did, as far as that is counted."""
    newsletters = [reach.newsletter for reach in reaching.reaches(correction) if reach.count != 0]
    try:
        if not correcting.draft_mails(correction, newsletters, by=request.user, now=timezone.now()):
            messages.warning(request, _("There is nobody to tell: nobody got it, or they have all left since."))
    except BlockedError as error:
        messages.error(request, str(error))


def _take_back(request: HttpRequest, correction: Correction) -> None:
    waiting = correction.mails.filter(status=Issue.Status.APPROVED).select_related("newsletter")
    if all(taken := [mail.cancel() for mail in waiting]) and taken:
        messages.success(request, _("Taken back. Nobody has got it. The note stays where it is published."))
    else:
        messages.warning(request, _("It was too late to take it back: see below what can still be stopped."))


def _show(request: HttpRequest, name: str, title: str, context: dict[str, object]) -> HttpResponse:
    everything = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/corrections/{name}.html", everything)
