"""The desk's pages for offers: one of them, and the calendar of all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import PurePosixPath
from secrets import token_hex
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.core.validators import URLValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import get_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter, RelatedDropdownFilter

from articles import pictures
from articles.desk import DeskAdmin, DeskForm, action, display
from newsletter.digests import offer_outlook, slots
from newsletter.digests.models import Offer
from newsletter.lib.numbers import grouped

OFFER_COLORS = {"running": "success", "planned": "info", "used_up": "default", "stopped": "warning", "over": "default"}
A_DAY_IN_A_MONTH, LAST_YEAR = 32, 9998


class OfferForm(DeskForm[Offer]):
    """``rendition`` is a picture that was uploaded just now, decoded and encoded anew."""

    rendition: pictures.Rendition | None = None

    class Meta:
        model = Offer
        fields = [
            "advertiser", "title", "text", "url", "picture", "picture_alt", "newsletters", "starts_on", "ends_on",
            "place", "after_stories", "weight", "ceiling", "is_stopped",
        ]  # fmt: skip

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        URLValidator(schemes=["https", "http"], message=_("Give an address that begins with https://."))(url)
        return url

    def clean_picture(self) -> Any:
        picture = self.cleaned_data["picture"]
        if picture and "picture" in self.changed_data:
            try:
                self.rendition = pictures.render(picture.read(pictures.MAX_BYTES + 1))
            except pictures.PictureError as error:
                raise forms.ValidationError(str(error)) from error
        return picture

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("picture") and not cleaned.get("picture_alt"):
            self.add_error("picture_alt", _("Describe the picture in a few words, for readers who cannot see it."))
        first, last = cleaned.get("starts_on"), cleaned.get("ends_on")
        if first and last and last < first:
            self.add_error("ends_on", _("The last day is before the first."))
        return cleaned


@admin.register(Offer)
class OfferAdmin(DeskAdmin[Offer]):
    form = OfferForm
    list_display = ["title", "advertiser", "shown_state", "starts_on", "ends_on", "place", "weight", "shown_to"]
    list_filter = [
        ("newsletters", RelatedDropdownFilter),
        ("place", ChoicesDropdownFilter),
        ("starts_on", RangeDateFilter),
        ("ends_on", RangeDateFilter),
    ]
    search_fields = ["title", "advertiser"]
    autocomplete_fields = ["newsletters"]
    readonly_fields = ["shown_to", "standing", "preview"]
    actions_list = ["calendar"]
    fieldsets = [
        (
            gettext_lazy("What readers see"),
            {
                "description": gettext_lazy(
                    "It is always labeled as an advertisement, and shown to readers who get a newsletter of offers."
                ),
                "fields": ["advertiser", "title", "text", "url", "picture", "picture_alt"],
            },
        ),
        (
            gettext_lazy("Where and when"),
            {
                "fields": [
                    "newsletters", ("starts_on", "ends_on"), ("place", "after_stories"), ("weight", "ceiling"),
                    "is_stopped",
                ],
            },
        ),
        (gettext_lazy("How it goes"), {"fields": ["shown_to", "standing", "preview"]}),
    ]  # fmt: skip

    def get_fieldsets(self, request: HttpRequest, obj: Offer | None = None) -> Any:
        fieldsets: Any = super().get_fieldsets(request, obj)
        return fieldsets if obj else fieldsets[:-1]

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("calendar/", self.admin_site.admin_view(self.show_calendar), name="digests_offer_calendar"),
            path(
                "<int:pk>/preview/",
                xframe_options_sameorigin(self.admin_site.admin_view(self.preview_frame)),
                name="digests_offer_preview",
            ),
        ]
        return [*own, *super().get_urls()]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        today = timezone.localdate()
        return {"starts_on": today, "ends_on": today, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: Offer, form: Any, change: bool) -> None:  # noqa: FBT001
        """Of an uploaded picture only what we encoded is kept: the file may say where and by whom it was taken."""
        if form.rendition:
            size = f"{form.rendition.width}x{form.rendition.height}"
            stem = slugify(PurePosixPath(str(obj.picture.name)).stem)[: pictures.STEM_LENGTH] or "picture"
            obj.picture.save(f"{stem}-{token_hex(4)}-{size}.jpg", ContentFile(form.rendition.picture), save=False)
        super().save_model(request, obj, form, change)

    def after_saving(self, request: HttpRequest, form: Any) -> None:
        others = slots.rivals(form.instance)
        if others and not form.instance.is_stopped:
            names = ", ".join(f"“{each}”" for each in others[:3])
            told = _("On some days it takes turns with %(others)s: they are booked for the same place.")
            messages.info(request, told % {"others": names})

    @display(description=gettext_lazy("now"), label=OFFER_COLORS)
    def shown_state(self, offer: Offer) -> tuple[str, str]:
        today = timezone.localdate()
        if offer.is_stopped:
            return "stopped", _("stopped")
        if offer.is_used_up:
            return "used_up", _("used up")
        if today < offer.starts_on:
            return "planned", _("planned")
        return ("running", _("running")) if today <= offer.ends_on else ("over", _("over"))

    @display(description=gettext_lazy("shown to"), ordering="shown_count")
    def shown_to(self, offer: Offer) -> str:
        shown = grouped(offer.shown_count)
        if offer.ceiling is None:
            return shown
        return _("%(shown)s of %(ceiling)s") % {
            "shown": shown, "ceiling": grouped(offer.ceiling),
        }  # fmt: skip

    @display(description=gettext_lazy("in newsletters"))
    def standing(self, offer: Offer) -> SafeString:
        now = timezone.now()
        lines = [f"{name}: {text}." for name, text in offer_outlook.standings(offer, now=now)]
        return _lines([*lines, *offer_outlook.carried_in(offer)] or [_("It is booked in no newsletter yet.")])

    @display(description=gettext_lazy("as mails show it"))
    def preview(self, offer: Offer) -> SafeString:
        shown = offer_outlook.preview(offer)
        if shown is None:
            return _lines([_("Choose a newsletter and save it to see it as its mails show it.")])
        return format_html(
            '<iframe class="desk-mail" sandbox src="{}" title="{}" loading="lazy"></iframe>'
            '<details><summary>{}</summary><pre class="desk-mail__text" dir="auto">{}</pre></details>',
            reverse("admin:digests_offer_preview", args=[offer.pk]), _("The offer in a mail"), _("As plain text"),
            shown.text,
        )  # fmt: skip

    def preview_frame(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        shown = offer_outlook.preview(get_object_or_404(Offer, pk=pk))
        if shown is None:
            raise Http404
        return HttpResponse(shown.html)

    @action(description=gettext_lazy("Calendar"), url_path="calendar-link", icon="calendar_month")
    def calendar(self, request: HttpRequest) -> HttpResponse:
        return self.show_calendar(request)

    def show_calendar(self, request: HttpRequest) -> HttpResponse:
        """A month of every newsletter: what is booked, what is free, where offers take turns."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        first = _month(request.GET.get("month", ""))
        before = date.fromordinal(first.toordinal() - 1).replace(day=1)
        after = date.fromordinal(first.toordinal() + A_DAY_IN_A_MONTH).replace(day=1)
        months = slots.months(first)
        context = {
            **self.admin_site.each_context(request), "title": _("Calendar of offers"), "first": first,
            "before": before, "after": after, "today": timezone.localdate(), "months": months,
            "week": months[0].days[_first_of_week(first) : _first_of_week(first) + 7] if months else (),
            "column": (first.weekday() + 1 - get_format("FIRST_DAY_OF_WEEK")) % 7 + 1,
            "may_book": self.has_add_permission(request),
        }  # fmt: skip
        return TemplateResponse(request, "admin/offers/calendar.html", context)


def _month(text: str) -> date:
    """The first day of the month that is asked for, as in ``2026-11``; else of this month."""
    try:
        asked = date.fromisoformat(f"{text}-01")
    except ValueError:
        return timezone.localdate().replace(day=1)
    return asked if date.min.year < asked.year < LAST_YEAR else timezone.localdate().replace(day=1)


def _first_of_week(first: date) -> int:
    """The place in the month of the first day with which a week begins: the names of the week are taken from there."""
    return int(get_format("FIRST_DAY_OF_WEEK") - first.weekday() - 1) % 7


def _lines(lines: Iterable[str]) -> SafeString:
    return format_html_join(SafeString("<br>"), "{}", ((line,) for line in lines))
