"""The desk's pages for warm-up plans: what today may bring, what came of the days before, and when it will be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from articles.desk import DeskAdmin, DeskForm, display, each, tell
from newsletter.delivery.models import WarmUp
from newsletter.delivery.throttle.rations import today_of
from newsletter.delivery.throttle.warm_up_wording import progress, so_far, while_it_lasts

SHOWN_DAYS = 30


class WarmUpForm(DeskForm[WarmUp]):
    def __init__(self, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        if field := self.fields.get("transport"):
            taken = set(WarmUp.objects.values_list("transport", flat=True))
            names = [name for name in transports() if name not in taken]
            field.widget = UnfoldAdminSelectWidget(choices=[(name, name) for name in names])
            field.help_text = _(
                "As it is called in the settings; “campaigns” is the only one where TRANSPORTS is not set."
            ) if names else _("Every transport has a plan already.")  # fmt: skip

    def clean_transport(self) -> str:
        name: str = self.cleaned_data["transport"]
        if name not in transports():
            raise ValidationError(_("There is no transport “%s”.") % name)
        return name


def transports() -> list[str]:
    """The names of those by which campaigns may go."""
    return [name for name in settings.MAILERS if name != "default"]


@admin.register(WarmUp)
class WarmUpAdmin(DeskAdmin[WarmUp]):
    form = WarmUpForm
    when_empty = gettext_lazy(
        "A server that is new to the world is trusted little. A plan lets so many mails a day go by it, and more each "
        "day that went well."
    )
    list_display = ["transport", "today", "prospect"]
    fieldsets = [
        (None, {"fields": ["outlook"]}),
        (None, {"fields": ["transport", ("first_ceiling", "growth_percent", "last_ceiling")]}),
    ]
    actions = ["finish"]

    def get_fieldsets(self, request: HttpRequest, obj: WarmUp | None = None) -> Any:
        """Before it is saved there is nothing to tell."""
        return self.fieldsets if obj else self.fieldsets[1:]

    def get_readonly_fields(self, request: HttpRequest, obj: WarmUp | None = None) -> list[str]:
        return ["outlook", "transport"] if obj else ["outlook"]

    @display(description=gettext_lazy("today"))
    def today(self, plan: WarmUp) -> str:
        return progress(self._as_it_is(plan, timezone.now()))

    @display(description=gettext_lazy("prospect"))
    def prospect(self, plan: WarmUp) -> str:
        now = timezone.now()
        return while_it_lasts(self._as_it_is(plan, now), today=today_of(now))

    @display(description=gettext_lazy("how it goes"))
    def outlook(self, plan: WarmUp) -> str:
        now = timezone.now()
        plan = self._as_it_is(plan, now)
        today = today_of(now)
        coming = [] if plan.finished_on else list(plan.days_after(today))
        return render_to_string(
            "admin/warm_up/outlook.html",
            {
                "plan": plan,
                "so_far": so_far(plan),
                "prospect": while_it_lasts(plan, today=today),
                "coming": coming[:SHOWN_DAYS],
                "has_more": len(coming) > SHOWN_DAYS,
                "today": today,
                "over": plan.days.all()[:SHOWN_DAYS],
            },
        )

    @admin.action(description=gettext_lazy("Full speed from now on"), permissions=["change"])
    def finish(self, request: HttpRequest, rows: QuerySet[WarmUp]) -> None:
        """Campaigns that wait for tomorrow are left to whoever resumes them."""
        chosen = each(rows)
        done = [plan for plan in chosen if plan.finish(today_of(timezone.now()))]
        tell(request, done, said=_("done"), refused=_("done before"), total=len(chosen))

    def _as_it_is(self, plan: WarmUp, now: datetime) -> WarmUp:
        """With the day turned over if nothing was handed over today; nothing is saved here."""
        if plan.finished_on is None:
            plan.turn_over(today_of(now))
        return plan
