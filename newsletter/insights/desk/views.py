"""The desk's pages that look at several parts at once. They show; nothing here changes anything."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import conditional_page, require_safe

from newsletter.digests.models import Issue
from newsletter.insights import growth as growing
from newsletter.insights import opinions, reading, tasks, today
from newsletter.insights import timeline as timelines
from newsletter.insights.desk import choosing
from newsletter.insights.desk.choosing import recent_issues
from newsletter.insights.why import explain
from newsletter.lib.doorbell import ring
from newsletter.subscribers.models import Newsletter, Subscriber

View = Callable[..., HttpResponse]


def at_the_desk(permission: str) -> Callable[[View], View]:
    """For users of the admin who may do this; everybody else is sent to the sign-in or refused."""

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.has_perm(permission):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return require_safe(admin.site.admin_view(wrapped))

    return decorate


@require_safe
@admin.site.admin_view
@conditional_page
def today_now(request: HttpRequest) -> HttpResponse:
    """The parts of *Today* as they are now: the page asks for them every few seconds."""
    user: Any = request.user
    return render(request, "admin/today/_today.html", today.shown(user, now=timezone.now()))


@at_the_desk("subscribers.view_subscriber")
def timeline(request: HttpRequest, pk: int) -> HttpResponse:
    """A page of a reader's timeline; ``before`` is where it begins."""
    subscriber = get_object_or_404(Subscriber, pk=pk)
    before = timelines.parse_position(request.GET.get("before", ""))
    page = timelines.page(subscriber=subscriber, before=before)
    context = {"subscriber": subscriber, "page": page, "is_first": before is None, "issues": recent_issues(subscriber)}
    return _show(request, "timeline", subscriber.email, context)


@at_the_desk("subscribers.view_subscriber")
def issues(request: HttpRequest, pk: int) -> HttpResponse:
    """Every issue, and what the ledger says of it for this reader: from here each can be explained."""
    subscriber = get_object_or_404(Subscriber, pk=pk)
    newsletters = Newsletter.objects.order_by("position", "name", "pk")
    newsletter = newsletters.filter(pk=_number(request.GET.get("newsletter", ""))).first()
    page = choosing.page(
        subscriber=subscriber, newsletter=newsletter.pk if newsletter else None, before=request.GET.get("before", "")
    )
    context = {
        "subscriber": subscriber, "page": page, "newsletters": newsletters, "newsletter": newsletter,
        "is_first": not request.GET.get("before"),
    }  # fmt: skip
    return _show(request, "issues", subscriber.email, context)


@at_the_desk("subscribers.view_subscriber")
def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Why this reader did, or didn't, get an issue."""
    subscriber = get_object_or_404(Subscriber, pk=pk)
    chosen = _number(request.GET.get("issue", ""))
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=chosen)
    answer = explain(subscriber=subscriber, issue=issue)
    context = {"subscriber": subscriber, "issue": issue, "answer": answer, "issues": recent_issues(subscriber)}
    return _show(request, "why", subscriber.email, context)


@at_the_desk("subscribers.view_subscription")
def growth(request: HttpRequest) -> HttpResponse:
    """How each newsletter grows and shrinks, by day or by week."""
    step = growing.Step.WEEK if request.GET.get("by") != "day" else growing.Step.DAY
    context = {"figures": growing.figures(step=step, now=timezone.now()), "step": step}
    return _show(request, "growth", _("Growth and churn"), context)


@at_the_desk("engagement.view_rating")
def answers(request: HttpRequest) -> HttpResponse:
    """What readers think of the last issues of each newsletter that asks them."""
    return _show(request, "answers", _("What readers think"), {"newsletters": opinions.recent()})


@at_the_desk("engagement.view_rating")
def answers_to(request: HttpRequest, pk: int) -> HttpResponse:
    """What readers think of one issue, and what they clicked; as a piece of its page, too."""
    issue = get_object_or_404(Issue.objects.select_related("newsletter"), pk=pk)
    found = reading.of_issue(issue)
    if found and found.is_due(issue, now=timezone.now()):
        ring(tasks.count_reading, issue_id=issue.pk)
    context = {"issue": issue, "opinion": opinions.of_issue(issue), "reading": found}
    if "piece" in request.GET:
        return TemplateResponse(request, "admin/readers/_answers.html", context)
    return _show(request, "answers_to", str(issue), context)


def _number(text: str) -> int:
    """A key as an address has it; 0, which nothing has, for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _show(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    shared = {**admin.site.each_context(request), "title": title}
    return TemplateResponse(request, f"admin/readers/{template}.html", {**shared, **context})
