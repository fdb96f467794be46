"""The issue desk: one page that works without JavaScript, and what its script asks for.

Every button is a POST to the page's own address: from a form it leads back to the page, for the script it answers with
the panes made anew. Polling costs a handful of small queries; the panes are only made when something changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.csp import CSP
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from articles.models import Article
from newsletter.delivery.desk.access import for_those_who_may
from newsletter.delivery.issue_desk import acting, as_reader, history, page, presence, previewing
from newsletter.delivery.issue_desk.acting import Answer, NotAllowedError
from newsletter.digests import links, versions
from newsletter.digests.changing import CannotChangeError, Desk
from newsletter.digests.models import Issue
from newsletter.digests.rendering import RenderingError
from newsletter.digests.versions import ClosedError, StaleError
from newsletter.lib.addresses import InvalidAddress
from newsletter.subscribers.models import Subscriber

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAY_LOOK = "digests.view_issue"
MOST_FOUND = 12
# Somebody else's words in a frame: pictures and styles, no script, no form, and to the desk another origin.
FRAME_POLICY: dict[str, list[str]] = {
    "default-src": [CSP.NONE],
    "img-src": ["*", "data:"],
    "style-src": [CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


def at_the_desk(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For whoever may look at issues, with the issue and the moment."""

    @for_those_who_may(MAY_LOOK)
    @wraps(view)
    def wrapped(request: HttpRequest, pk: int) -> HttpResponse:
        issue = get_object_or_404(Issue.objects.select_related("newsletter", "schedule", "approved_by"), pk=pk)
        if issue.is_alert:
            return HttpResponseRedirect(reverse("sending:sent_alert", args=[pk]))
        return view(request, issue, timezone.now())

    return wrapped


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk
def desk(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """The page; a POST does one thing (see acting.py)."""
    if request.method != "POST":
        return _desk_page(request, issue, now)
    try:
        asked = acting.Request(issue, _editor(request), now, request.POST)
        answer = acting.act(asked)
    except NotAllowedError:
        raise PermissionDenied from None
    issue.refresh_from_db()
    if request.accepts("text/html"):
        return _after_a_form(request, issue, answer, now)
    said = {"said": answer.said, "isDone": answer.is_done, "isStale": answer.is_stale}
    return JsonResponse({**_panes(request, issue, now), **said})


def _after_a_form(request: HttpRequest, issue: Issue, answer: Answer, now: datetime) -> HttpResponse:
    """Back to the page and the place; what could not be kept stands in its fields again."""
    (messages.success if answer.is_done else messages.warning)(request, answer.said)
    verb, _space, article = request.POST.get("do", "").partition(" ")
    if not answer.is_done and verb in {"write", "word"}:
        return _desk_page(request, issue, now, typed=request.POST.dict())
    article = article.partition(" ")[0]
    place = f"#story-{article}" if article.isdecimal() else ""
    return HttpResponseRedirect(reverse("issue_desk:desk", args=[issue.pk]) + place)


def _desk_page(
    request: HttpRequest, issue: Issue, now: datetime, *, typed: Mapping[str, str] | None = None
) -> HttpResponse:
    context = page.context(issue, by=_editor(request), now=now, typed=typed or {})
    shared = {**admin.site.each_context(request), "title": str(issue)}
    return TemplateResponse(request, "admin/issue_desk/desk.html", {**shared, **context})


def _panes(request: HttpRequest, issue: Issue, now: datetime) -> dict[str, Any]:
    """Every pane as HTML, by the id of its place on the page, with what the script must know."""
    context = page.context(issue, by=_editor(request), now=now, typed={})
    names = ("status", "waiting", "stories", "preflight", "outlook")
    panes = {name: render_to_string(f"admin/issue_desk/_{name}.html", context, request=request) for name in names}
    return {"panes": panes, **page.facts(context)}


@require_safe
@at_the_desk
def state(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """What the script asks every few seconds: 304 unless something changed."""
    tag = f'"{presence.tag(issue)}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    return JsonResponse(_panes(request, issue, now), headers={"ETag": tag, "Cache-Control": "no-store"})


@require_POST
@at_the_desk
def here(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """Somebody is at the desk; who else is."""
    editor = _editor(request)
    presence.sign_of_life(issue, by=editor, now=now)
    asked = links.ask_for(page.links_of(issue, now=now), now=now) if request.POST.get("links") else 0
    return JsonResponse({"others": presence.others(issue, than=editor, now=now), "asked": asked})


@require_safe
@at_the_desk
@xframe_options_sameorigin
@csp_override(FRAME_POLICY)
def preview(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """The mail itself, for the frame: ``as`` html, text or source; ``scheme`` dark; ``reader``, ``on``: somebody’s."""
    kind, is_dark = request.GET.get("as", "html"), request.GET.get("scheme") == "dark"
    email, name = previewing.NOBODY, ""
    try:
        if reader := _reader(request):
            email, name = reader.email, reader.name
            share = as_reader.share_of(issue, reader, on=_date(request.GET.get("on", "")), now=now)
            issue, mail = share.issue, share.mail
        else:
            mail = previewing.usual(issue, now=now)
        if mail is None:
            return _plain(_("There is nothing to show yet: no story and no text."))
        if kind == "source":
            return _plain(previewing.source(issue, mail, now=now))
        if kind == "text":
            return _plain(f"{mail.subject}\n\n{previewing.text(issue, mail, now=now, email=email, name=name)}")
    except (RenderingError, InvalidAddress) as error:
        return _plain(_("It cannot be shown: %(error)s") % {"error": error})
    return HttpResponse(previewing.html(issue, mail, is_dark=is_dark, now=now, email=email, name=name))


@require_safe
@at_the_desk
def find_articles(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """Published articles that may be taken in, by words of their headlines."""
    query = request.GET.get("q", "").strip()[:100]
    found = Article.objects.published(now).filter(is_mailable=True).exclude(expires_at__lte=now)
    known = issue.items.exclude(state__in=["later", "dropped"]).values("article")
    words = Q()
    for word in query.split()[:5]:
        words &= Q(title__icontains=word)
    rows = found.filter(words).exclude(pk__in=known).order_by("-released_at", "-pk")[:MOST_FOUND] if query else []
    context = {"issue": issue, "query": query, "found": rows, "version": issue.version}
    if request.accepts("text/html") and "piece" not in request.GET:
        shared = {**admin.site.each_context(request), "title": _("Take in an article"), "subtitle": str(issue)}
        return TemplateResponse(request, "admin/issue_desk/find.html", {**shared, **context})
    return TemplateResponse(request, "admin/issue_desk/_found.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@at_the_desk
def version_list(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """Who did what; what changed between two; bringing one back."""
    if request.method == "POST":
        return _restore(request, issue, now)
    context = history.context(issue, before=request.GET.get("before", ""), after=request.GET.get("after", ""))
    context["may_restore"] = page.may_change(issue, _editor(request))
    shared = {**admin.site.each_context(request), "title": _("Versions"), "subtitle": str(issue)}
    return TemplateResponse(request, "admin/issue_desk/versions.html", {**shared, **context, "issue": issue})


def _restore(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    editor = _editor(request)
    if not editor.has_perm(versions.MAY_CHANGE):
        raise PermissionDenied
    chosen = request.POST.get("version", "")
    version = issue.versions.filter(pk=chosen).first() if chosen.isdecimal() else None
    if version is None:
        raise Http404
    seen = request.POST.get("seen", "")
    try:
        worker = Desk(issue, by=editor, seen=int(seen) if seen.isdecimal() else 0, now=now)
        messages.success(request, worker.restore(version))
    except (StaleError, ClosedError, CannotChangeError) as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(reverse("issue_desk:versions", args=[issue.pk]))
    return HttpResponseRedirect(reverse("issue_desk:desk", args=[issue.pk]))


@require_safe
@at_the_desk
def as_one_reader(request: HttpRequest, issue: Issue, now: datetime) -> HttpResponse:
    """What a reader gets of it, or got on a day, and why."""
    if not request.user.has_perm("subscribers.view_subscriber"):
        raise PermissionDenied
    query, on, reader = request.GET.get("q", "").strip()[:320], _date(request.GET.get("on", "")), _reader(request)
    context: dict[str, Any] = {"issue": issue, "query": query, "on": on, "reader": reader}
    if reader is None and query:
        context["found"] = as_reader.find(query)
    if reader:
        try:
            context["share"] = as_reader.share_of(issue, reader, on=on, now=now)
        except RenderingError as error:
            context["error"] = str(error)
    shared = {**admin.site.each_context(request), "title": _("As a reader gets it"), "subtitle": str(issue)}
    return TemplateResponse(request, "admin/issue_desk/as_reader.html", {**shared, **context})


def _reader(request: HttpRequest) -> Subscriber | None:
    pk = request.GET.get("reader", "")
    if not pk.isdecimal() or len(pk) > 18 or not request.user.has_perm("subscribers.view_subscriber"):
        return None
    return get_object_or_404(Subscriber, pk=pk)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _plain(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _editor(request: HttpRequest) -> User:
    if not request.user.is_authenticated:
        raise PermissionDenied
    return request.user
