"""The desk's pages for the ways out: which are left out, and how fast each may go."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.desk import DeskAdmin, ReadOnlyAdmin, each, tell
from newsletter.delivery.models import SpeedLimit, TransportOutage
from newsletter.delivery.throttle.groups import group_of
from newsletter.delivery.transports import outages
from newsletter.subscribers.models import Newsletter


@admin.register(TransportOutage)
class TransportOutageAdmin(ReadOnlyAdmin[TransportOutage]):
    """Of several transports, those that are left out, and the way to have one used again at once."""

    list_display = ["name", "reason", "since", "until", "failure_count"]
    fields = ["name", "reason", "since", "until", "failure_count"]
    actions = ["use_again"]
    when_empty = gettext_lazy("Every transport is in use. One whose server cannot be reached is left out for a while.")
    empty_value_display = gettext_lazy("not by itself")

    def has_use_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("delivery.delete_transportoutage")

    @admin.action(description=gettext_lazy("Use again now"), permissions=["use"])
    def use_again(self, request: HttpRequest, rows: QuerySet[TransportOutage]) -> None:
        chosen = each(rows)
        for outage in chosen:
            outages.forget(outage.name)
        tell(request, chosen, said=_("used again"), refused="", total=len(chosen))


_DOMAIN = re.compile(r"([^\s@.,/:]+\.)+[^\s@.,/:]{2,}")


class SpeedLimitForm(ModelForm):  # type: ignore[type-arg] # as Django has it
    def clean(self) -> dict[str, Any]:
        """A domain as it is looked up: its group's, in small letters. A limit of nothing is told, not kept."""
        values = super().clean() or self.cleaned_data
        name = values.get("name", "").strip().lower()
        if values.get("scope") == SpeedLimit.Scope.DOMAIN:
            name = group_of(name) or name.rpartition("@")[2]
            if name and not _DOMAIN.fullmatch(name):
                self.add_error("name", _("This is no mail domain. Write it like gmail.com."))
        elif name and not Newsletter.objects.filter(slug=name).exists():
            known = ", ".join(Newsletter.objects.order_by("slug", "pk").values_list("slug", flat=True))
            told = _("There is no newsletter with this short name. There are: %(names)s.") % {"names": known}
            self.add_error("name", told)
        values["name"] = name
        return values


@admin.register(SpeedLimit)
class SpeedLimitAdmin(DeskAdmin[SpeedLimit]):
    """Limits that people set, and those that receivers made us set."""

    list_display = ["name", "scope", "at_most", "now", "slowed_at", "reason"]
    list_filter = ["scope"]
    fields = ["scope", "name", "per_second"]
    form = SpeedLimitForm
    actions = ["reset"]
    when_empty = gettext_lazy(
        "Mails go as fast as the mail server takes them. A limit holds those to one mail domain, or those of one "
        "newsletter, to so many a second; when a domain defers mails, one comes by itself and goes again."
    )
    empty_value_display = "–"

    @admin.display(description=gettext_lazy("mails a second"), ordering="per_second")
    def at_most(self, limit: SpeedLimit) -> str | None:
        return _rate(limit.per_second)

    @admin.display(description=gettext_lazy("now, a second"))
    def now(self, limit: SpeedLimit) -> str | None:
        return _rate(limit.effective(timezone.now()))

    @admin.action(description=gettext_lazy("Forget the slow-down"), permissions=["change"])
    def reset(self, request: HttpRequest, rows: QuerySet[SpeedLimit]) -> None:
        chosen = each(rows)
        for limit in chosen:
            limit.reset()
        tell(request, chosen, said=_("reset"), refused="", total=len(chosen))


def _rate(per_second: float | None) -> str | None:
    """``5``, ``0.25``: without decimals that say nothing."""
    return None if per_second is None else number_format(f"{per_second:.2f}".rstrip("0").rstrip("."))
