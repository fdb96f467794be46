"""The desk's page "Sign-up protection": what robots met in the last day, and the switch of attack mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from articles.desk import ReadOnlyAdmin
from newsletter.subscribers.models import Attack
from newsletter.subscribers.protection import SLOWEST
from newsletter.subscribers.shield import attack, budget, rates, tally
from newsletter.subscribers.shield.tally import Layer

SHOWN_ATTACKS = 20


@dataclass(frozen=True)
class LayerRow:
    """One layer as the page shows it: how it is set, by which variable, and what it did in twenty-four hours."""

    name: str
    rule: str
    setting: str
    count: int
    noun: str

    @property
    def setting_parts(self) -> list[str]:
        """Where a narrow screen may break its name."""
        return self.setting.split("_")


@admin.register(Attack)
class AttackAdmin(ReadOnlyAdmin[Attack]):
    """Not a list of rows but a page; the rows are its history."""

    def get_urls(self) -> list[URLPattern]:
        switch = self.admin_site.admin_view(self.switch)
        return [path("switch/", switch, name="subscribers_attack_switch"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        counts = tally.last_day()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Sign-up protection"),
            "opts": self.opts,
            "current": attack.current(),
            "attacks": Attack.objects.all()[:SHOWN_ATTACKS],
            "attempts": counts[Layer.ATTEMPT],
            "recent": tally.recent_attempts(),
            "layers": list(_layers(counts)),
            "may_switch": self._may_switch(request),
            "has_operator": bool(settings.OPERATOR_EMAIL),
        }
        return TemplateResponse(request, "admin/sign_up_protection.html", context)

    def switch(self, request: HttpRequest) -> HttpResponse:
        """Asks first; the POST switches attack mode on, or off if it is on."""
        if not self._may_switch(request):
            raise PermissionDenied
        is_on, back = attack.is_on(), reverse("admin:subscribers_attack_changelist")
        if request.method != "POST":
            question = _("Switch attack mode off?") if is_on else _("Switch attack mode on?")
            verb = _("Switch it off") if is_on else _("Switch it on")
            return self.ask(request, None, question=question, details=_consequences(is_on=is_on), verb=verb, back=back)
        now = timezone.now()
        done = attack.end(now) if is_on else attack.begin(now, is_manual=True)
        if done:
            messages.success(request, _("Attack mode is off.") if is_on else _("Attack mode is on."))
        return HttpResponseRedirect(back)

    def _may_switch(self, request: HttpRequest) -> bool:
        return request.user.has_perm("subscribers.change_attack")


def _consequences(*, is_on: bool) -> list[str]:
    if is_on:
        return [_("It comes back by itself if there are still far more sign-ups than usual.")]
    mails = settings.CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK
    asked = [_("Browsers then work for a second before they send a sign-up form.")]
    return [
        *(asked if settings.PROOF_OF_WORK != "off" else []),
        _("At most %(count)d confirmation mails go out in an hour; what is over waits.") % {"count": mails},
        _("Switched on by hand it ends after a day, or when you switch it off."),
    ]


def _layers(counts: dict[Layer, int]) -> Iterator[LayerRow]:
    caught, slowed = _("turned away"), _("made to wait")
    trap = _("always") if settings.SIGN_UP_HONEYPOT else _("off")
    yield LayerRow(_("A field that people do not see"), trap, "SIGN_UP_HONEYPOT", counts[Layer.HONEYPOT], _("caught"))
    times = {"fast": settings.SIGN_UP_MIN_SECONDS, "slow": round(SLOWEST.total_seconds() / 3600)}
    rule = _("%(fast)d seconds to %(slow)d hours") % times
    yield LayerRow(
        _("Time to fill the form in"), rule, "SIGN_UP_MIN_SECONDS", counts[Layer.TIME], _("asked to send it again")
    )
    yield _limit(_("Limit for a network"), "SIGN_UPS_PER_NETWORK_AND_HOUR", counts[Layer.NETWORK], caught)
    yield _limit(_("Limit for a mail domain"), "SIGN_UPS_PER_DOMAIN_AND_HOUR", counts[Layer.DOMAIN], slowed)
    total = {"count": settings.SIGN_UPS_PER_HOUR, "most": rates.CEILING * settings.SIGN_UPS_PER_HOUR}
    rule = _("%(count)d an hour without a proof, %(most)d at most") % total
    yield LayerRow(_("Limit for the site"), rule, "SIGN_UPS_PER_HOUR", counts[Layer.TOTAL], caught)
    modes = {"off": _("off"), "attack": _("under attack only"), "always": _("always")}
    mode = modes[settings.PROOF_OF_WORK]
    yield LayerRow(_("Proof of work"), mode, "PROOF_OF_WORK", counts[Layer.PROOF_GOOD], _("brought one"))
    yield LayerRow(_("Wrong or used proofs"), mode, "PROOF_OF_WORK", counts[Layer.PROOF_BAD], _("not counted"))
    yield _limit(_("Without the proof that was needed"), "UNPROVEN_MAILS_PER_HOUR", counts[Layer.UNPROVEN], slowed)
    mails = _("%(count)d mails an hour now") % {"count": budget.per_hour()}
    yield LayerRow(
        _("Budget of confirmation mails"), mails, "CONFIRMATION_MAILS_PER_HOUR", counts[Layer.BUDGET], slowed
    )


def _limit(name: str, setting: str, count: int, noun: str) -> LayerRow:
    return LayerRow(name, _("%(count)d an hour") % {"count": getattr(settings, setting)}, setting, count, noun)
