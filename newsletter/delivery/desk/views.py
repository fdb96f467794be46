"""Sending an alert from a phone, and looking ahead.

The alert: choose the article, write a sentence, send; half a minute to take it back. Each of its pages works without
JavaScript. Beat's sweep launches it (every five seconds), so nobody has to keep a page open.

The forecast is worked out when it is asked for, never while another page is made: with many readers that takes as long
as launching does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from articles.models import Article
from newsletter.delivery import forecasting
from newsletter.delivery.desk import forecast_wording
from newsletter.delivery.desk.access import for_those_who_may
from newsletter.delivery.desk.alert_form import AlertForm
from newsletter.delivery.desk.progress import progress_of
from newsletter.delivery.forecasting import Forecast
from newsletter.digests import alerts
from newsletter.digests.alerts import CannotAlertError
from newsletter.digests.approval import BlockedError
from newsletter.digests.models import Issue, Schedule
from newsletter.subscribers.models import Newsletter

PIECE = "piece"  # asked for by the script of another page
ANYWAY = "anyway"  # although there are many readers


@require_safe
@for_those_who_may("digests.send_alert")
def choose_alert(request: HttpRequest) -> HttpResponse:
    """Which article: an address is pasted, or one of the latest is chosen."""
    now = timezone.now()
    context = {
        "recent": alerts.recent_articles(now=now),
        "has_newsletter": alerts.newsletters().exists(),
        "waiting": Issue.objects.waiting().filter(is_alert=True).select_related("newsletter"),
    }
    return _show(request, "choose", _("Send an alert"), context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_those_who_may("digests.send_alert")
def write_alert(request: HttpRequest) -> HttpResponse:
    """The sentence, and to whom; the POST sends it in half a minute."""
    now = timezone.now()
    where = request.POST.get("article") or request.GET.get("article", "")
    try:
        article = alerts.find_article(where, now=now)
        form = AlertForm(request.POST or None, now=now, initial={"headline": alerts.headline_of(article)})
        if form.is_valid() and (issue := _drafted(request, form, article, now=now)):
            return HttpResponseRedirect(reverse("sending:sent_alert", args=[issue.pk]))
    except CannotAlertError as error:
        recent = alerts.recent_articles(now=now)
        context = {"error": str(error), "where": where, "recent": recent, "has_newsletter": True}
        return _show(request, "choose", _("Send an alert"), context)
    doubts = {str(each): list(alerts.doubts(each, article, now=now)) for each in alerts.newsletters()}
    context = {"article": article, "form": form, "doubts": doubts, "undo": int(alerts.UNDO.total_seconds())}
    return _show(request, "write", _("Send an alert"), context)


def _drafted(request: HttpRequest, form: AlertForm, article: Article, *, now: datetime) -> Issue | None:
    """None if the preflight finds errors, which the form then says. Raises CannotAlertError."""
    try:
        return alerts.draft(form.chosen, article, wording=form.wording, by=request.user, now=now)
    except BlockedError as error:
        form.add_error(None, str(error))
        return None


@require_http_methods(["GET", "HEAD", "POST"])
@for_those_who_may("digests.send_alert")
def sent_alert(request: HttpRequest, pk: int) -> HttpResponse:
    """What becomes of it; the POST takes it back."""
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=pk, is_alert=True)
    here = reverse("sending:sent_alert", args=[issue.pk])
    if request.method == "POST":
        if issue.cancel():
            messages.success(request, _("Taken back. Nobody has got it."))
        else:
            messages.warning(request, _("It was too late to take it back: see below what can still be stopped."))
        return HttpResponseRedirect(here)
    item = issue.items.select_related("article").first()
    context = {"issue": issue, "item": item, "progress": progress_of(issue, now=timezone.now()), "here": here}
    return _show(request, "alert", _("Alert"), context)


@require_safe
@for_those_who_may("digests.view_issue")
def forecast_of_issue(request: HttpRequest, pk: int) -> HttpResponse:
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=pk)
    if not Issue.objects.waiting().filter(pk=pk).exists():  # it went out while its page was being opened
        if PIECE in request.GET:
            return HttpResponse(format_html("<p>{}</p>", _("There is no forecast any more: this run is decided.")))
        return HttpResponseRedirect(reverse("admin:digests_issue_change", args=[pk]))
    return _show_forecast(request, issue.newsletter, str(issue), lambda now: forecasting.of_issue(issue, now=now))


@require_safe
@for_those_who_may("digests.view_schedule")
def forecast_of_schedule(request: HttpRequest, pk: int) -> HttpResponse:
    schedule = get_object_or_404(Schedule.objects.select_related("newsletter"), pk=pk)
    return _show_forecast(
        request, schedule.newsletter, str(schedule), lambda now: forecasting.of_schedule(schedule, now=now)
    )


def _show_forecast(
    request: HttpRequest, newsletter: Newsletter, subtitle: str, look_ahead: Callable[[datetime], Forecast | None]
) -> HttpResponse:
    now = timezone.now()
    is_asked = ANYWAY in request.GET or forecasting.is_quick(newsletter)
    forecast = look_ahead(now) if is_asked else None
    context: dict[str, object] = {"is_asked": is_asked, "forecast": forecast, "here": request.path}
    if forecast:
        context |= {
            "sentence": forecast_wording.sentence(forecast, now=now),
            "remarks": list(forecast_wording.remarks(forecast)),
        }
    if PIECE in request.GET:
        return TemplateResponse(request, "admin/forecast/_forecast.html", context)
    context |= {**admin.site.each_context(request), "title": _("Forecast"), "subtitle": subtitle}
    return TemplateResponse(request, "admin/forecast/forecast.html", context)


def _show(request: HttpRequest, name: str, title: str, context: Mapping[str, object]) -> HttpResponse:
    everything = {**admin.site.each_context(request), "title": title, **context}
    return TemplateResponse(request, f"admin/alerts/{name}.html", everything)
