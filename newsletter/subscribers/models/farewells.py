"""Why readers leave, as far as they want to say."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models.newsletters import Newsletter
from newsletter.subscribers.models.people import Subscription


class Farewell(models.Model):
    """The reason somebody gave after leaving a newsletter. When they are erased it counts on, without their words."""

    class Reason(models.TextChoices):
        TOO_MUCH = "too_much", _("It was too much mail")
        NOT_FOR_ME = "not_for_me", _("It was not what I am interested in")
        NOT_ASKED = "not_asked", _("I do not remember asking for it")
        ELSEWHERE = "elsewhere", _("I read the news elsewhere")
        LOOKS = "looks", _("It was hard to read or did not display well")
        OTHER = "other", _("Something else")

    newsletter = models.ForeignKey(
        Newsletter, on_delete=models.CASCADE, related_name="farewells", verbose_name=_("newsletter")
    )
    subscription = models.OneToOneField(
        Subscription, on_delete=models.SET_NULL, null=True, blank=True, related_name="farewell", editable=False
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason)
    words = models.CharField(_("in their own words"), max_length=500, blank=True)
    at = models.DateTimeField(_("at"))

    objects: ClassVar[models.Manager[Farewell]] = models.Manager()

    class Meta:
        verbose_name = _("reason for leaving")
        verbose_name_plural = _("reasons for leaving")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return str(self.get_reason_display())
