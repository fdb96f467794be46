"""The newsletters' public pages: what one can subscribe to, and what went out."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from articles.caching import kept
from articles.models import Publication
from newsletter.digests import issue_feed as issue_feeds
from newsletter.digests import structured
from newsletter.digests.archive import Neighbors, Promise, issues_of
from newsletter.digests.models import Appearance, Issue
from newsletter.digests.rendering import render_web
from newsletter.lib.languages import speak
from newsletter.lib.tokens import BadToken, Purpose, verify_token
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
    speak(found.language)
    issues = Paginator(issues_of(found, now=timezone.now()), ISSUES_A_PAGE)
    page = issues.get_page(request.GET.get("page"))
    context = {
        "newsletter": found,
        "promise": Promise.of(found),
        "page": page,
        "is_indexed": Appearance.of(found).is_indexed,
        "said": structured.archive(found, page.object_list, Publication.current()),
    }
    return render(request, "digests/newsletter.html", context)


@require_safe
def issue(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """An issue that went out, for everybody: nothing on it belongs to one reader."""
    found = get_object_or_404(
        Issue.objects.published().select_related("newsletter"), newsletter__slug=slug, number=number
    )
    speak(found.newsletter.language)
    now = timezone.now()
    web = render_web(issue=found, now=now)
    context = {
        "issue": found,
        "web": web,
        "headline": structured.headline_of(found, web),
        "said": structured.issue(found, web, Publication.current()),
        "neighbors": Neighbors.of(found, now=now),
        "is_indexed": Appearance.of(found.newsletter).is_indexed,
    }
    return render(request, "digests/issue.html", context)


@require_safe
def private_issue(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """An issue that was only for some of the readers, for whoever has its address: one that cannot be guessed.

    Search engines and other sites learn nothing of it.
    """
    try:
        pk = verify_token(Purpose.READ, token)
    except BadToken as error:
        raise Http404 from error
    sent = Issue.objects.select_related("newsletter").filter(launched_at__isnull=False)
    found = get_object_or_404(sent, newsletter__slug=slug, pk=pk)
    if not found.is_private:
        return HttpResponseRedirect(found.get_absolute_url())
    speak(found.newsletter.language)
    web = render_web(issue=found, now=timezone.now())
    response = render(
        request,
        "digests/private_issue.html",
        {"issue": found, "web": web, "headline": structured.headline_of(found, web)},
    )
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@kept(seconds=300)
def issue_feed(request: HttpRequest, slug: str, kind: str) -> HttpResponse:
    """The newest issues for feed readers."""
    found = get_object_or_404(Newsletter, slug=slug)
    document = issue_feeds.feed(kind, found, path=request.path, now=timezone.now())
    headers = {"Last-Modified": http_date(document.changed_at.timestamp())}
    return HttpResponse(document.content, content_type=document.content_type, headers=headers)


@require_safe
def latest(request: HttpRequest, slug: str) -> HttpResponse:
    """To the newest issue that went out, for links that shall never grow old; to the newsletter if there is none."""
    found = get_object_or_404(Newsletter, slug=slug)
    newest = Issue.objects.filter(newsletter=found).published().select_related("newsletter").first()
    response = HttpResponseRedirect((newest or found).get_absolute_url())
    response["Cache-Control"] = "public, max-age=60"
    return response
