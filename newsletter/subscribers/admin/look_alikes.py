"""A word of warning on the page of a reader whose name or address may not be what it looks like."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from articles.desk import BaseAdmin
from newsletter.lib.look_alikes import is_suspicious
from newsletter.subscribers.models import Subscriber


class WarnsOfLookAlikes(BaseAdmin[Subscriber]):
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is not None and (is_suspicious(row.email) or is_suspicious(row.name)):
            text = _("Letters of several alphabets, or unseen ones, are mixed in this reader's name or address. It may "
                     "not be what it looks like.")  # fmt: skip
            messages.warning(request, text)
        return super().change_view(request, object_id, form_url, extra_context)
