"""The newsletters' public pages: what one can subscribe to, and what went out."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.digests.archive import Neighbors, Promise, issues_of
from newsletter.digests.models import Issue
from newsletter.digests.rendering import render_web
from newsletter.subscribers.models import Newsletter

ISSUES_A_PAGE = 30


@require_safe
def newsletters(request: HttpRequest) -> HttpResponse:
    """Everything that one can sign up for."""
    promises = [Promise.of(newsletter) for newsletter in Newsletter.objects.open()]
    return render(request, "digests/newsletters.html", {"promises": promises})


@require_safe
def newsletter(request: HttpRequest, slug: str) -> HttpResponse:
    """One newsletter: what comes, how often, the form, the archive. A closed one keeps its archive."""
    found = get_object_or_404(Newsletter, slug=slug)
    issues = Paginator(issues_of(found, now=timezone.now()), ISSUES_A_PAGE)
    context = {"newsletter": found, "promise": Promise.of(found), "page": issues.get_page(request.GET.get("page"))}
    return render(request, "digests/newsletter.html", context)


@require_safe
def issue(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """An issue that went out, for everybody: nothing on it belongs to one reader."""
    sent = Issue.objects.select_related("newsletter").filter(launched_at__isnull=False)
    found = get_object_or_404(sent, newsletter__slug=slug, number=number)
    web = render_web(issue=found, now=timezone.now())
    return render(request, "digests/issue.html", {"issue": found, "web": web, "neighbors": Neighbors.of(found)})


@require_safe
def latest(request: HttpRequest, slug: str) -> HttpResponse:
    """To the newest issue that went out, for links that shall never grow old; to the newsletter if there is none."""
    found = get_object_or_404(Newsletter, slug=slug)
    newest = Issue.objects.filter(newsletter=found).published().select_related("newsletter").first()
    response = HttpResponseRedirect((newest or found).get_absolute_url())
    response["Cache-Control"] = "public, max-age=60"
    return response
