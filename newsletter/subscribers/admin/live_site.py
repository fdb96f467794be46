"""Where a person decides whether this is the live site, while it is in doubt."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.desk import ReadOnlyAdmin
from newsletter.subscribers import live_site
from newsletter.subscribers.live_site import Doubt
from newsletter.subscribers.models import LiveSite


@admin.register(LiveSite)
class LiveSiteAdmin(ReadOnlyAdmin[LiveSite]):
    """Not a list but a question; *Today* leads to it."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not request.user.has_perm("subscribers.change_livesite"):
            raise PermissionDenied
        doubt, today = live_site.doubt(), reverse("admin:index")
        if request.method == "POST" and doubt:
            live_site.confirm(now=timezone.now())
            messages.success(request, _("This is the live site now. What waits goes out within a minute."))
            return HttpResponseRedirect(today)
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "doubt": doubt, "back": today,
            "title": _("Is this the live site?") if doubt else _("This is the live site"),
            "details": _consequences(doubt) if doubt else [_("Its mail goes out.")],
        }  # fmt: skip
        return TemplateResponse(request, "admin/live_site.html", context)


def _consequences(doubt: Doubt) -> list[str]:
    names = {"home": doubt.home, "host": doubt.host}
    if doubt.until is None:
        return [
            doubt.detail,
            _("If the site moved here, say that it is, once %(home)s mails nobody any more.") % names,
            _("If this is a copy to look at, leave it as it is: %(home)s goes on as ever.") % names,
            _("If both mail, every reader gets everything twice."),
        ]
    return [
        doubt.detail,
        _("Look at the campaigns and the coming issues first: cancel or skip those that had gone out by then."),
        _("Who signed up in that time has to do so again, and who left may get one mail more."),
    ]
