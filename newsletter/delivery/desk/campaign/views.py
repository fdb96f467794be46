"""The piece of a campaign's page that is asked for every few seconds, and everything as CSV."""

from __future__ import annotations

import hashlib

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from newsletter.delivery.desk.access import for_those_who_may
from newsletter.delivery.desk.campaign import exporting
from newsletter.delivery.desk.campaign.page import MAY_EXPORT, shown
from newsletter.delivery.models import Campaign
from newsletter.subscribers.exporting import as_csv


@require_safe
@for_those_who_may("delivery.view_campaign")
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The living part of the page; 304 while nothing has changed."""
    text = render_to_string("admin/campaign/_progress.html", shown(_campaign(pk), now=timezone.now()), request)
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified(headers={"ETag": tag})
    return HttpResponse(text, headers={"ETag": tag, "Cache-Control": "no-store"})


@require_safe
@for_those_who_may("delivery.view_campaign")
def export(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Everybody's outcome as CSV."""
    if not request.user.has_perm(MAY_EXPORT):
        raise PermissionDenied
    campaign = _campaign(pk)
    name = f"{campaign.issue.newsletter.slug}-{campaign.issue.number}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    lines = as_csv(exporting.COLUMNS, exporting.rows(campaign))
    return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


def _campaign(pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.select_related("issue__newsletter"), pk=pk)
