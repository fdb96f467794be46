"""The desk's page for the look of a newsletter: what can be chosen, and beside it the mail as it would be."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldAdminRadioSelectWidget

from articles.colors import HEX
from articles.desk import DeskAdmin, DeskForm
from newsletter.digests import trial_mails
from newsletter.digests.models import Appearance
from newsletter.digests.rendering import RenderingError
from newsletter.subscribers.models import Newsletter


class AppearanceForm(DeskForm[Appearance]):
    accent_color = forms.CharField(
        label=gettext_lazy("Accent color"), widget=UnfoldAdminColorInputWidget, required=False,
        help_text=gettext_lazy("For topics and links. Where it would be hard to read, a darker or lighter shade of it "
                               "is used."),
    )  # fmt: skip

    class Meta:
        model = Appearance
        exclude = ["newsletter"]
        widgets = {"layout": UnfoldAdminRadioSelectWidget}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["accent_color"] = self.instance.newsletter.accent_color

    def _post_clean(self) -> None:
        """Nothing is kept that no mail can be made with, be it that a site's own template fails in this look."""
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        try:
            trial_mails.sample_mail(self.instance, now=timezone.now())
        except RenderingError as error:
            self.add_error(None, _("No mail can be made with this look: %(error)s") % {"error": error})

    def clean_accent_color(self) -> str:
        color = str(self.cleaned_data["accent_color"]) or self.instance.newsletter.accent_color
        if not HEX.fullmatch(color):
            raise forms.ValidationError(_("Write it as in #8a2f1d."))
        self.instance.newsletter.accent_color = color.lower()
        return color.lower()


@admin.register(Appearance)
class AppearanceAdmin(DeskAdmin[Appearance]):
    form = AppearanceForm
    change_form_template = "admin/appearances/appearance.html"
    fieldsets = [
        (gettext_lazy("Look"), {"fields": ["layout", ("tone", "typeface"), ("accent_color", "shows_logo")]}),
        (
            gettext_lazy("Stories"),
            {
                "fields": [
                    ("pictures", "summaries"),
                    ("groups_by_topic", "shows_topics"),
                    ("shows_authors", "shows_headlines"),
                    "asks_rating",
                ]
            },
        ),
        (
            gettext_lazy("Your own words"),
            {
                "fields": [
                    "subject_pattern",
                    ("greeting", "nameless_greeting"),
                    ("read_more", "more_title"),
                    ("rest_title", "closing"),
                    "rating_question",
                ]
            },
        ),
        (gettext_lazy("Archive"), {"fields": ["is_indexed"]}),
    ]

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(xframe_options_sameorigin(self.preview))
        return [path("<int:pk>/preview/", preview, name="digests_appearance_preview"), *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Appearance | None:
        """What was set for the newsletter of this id, or what is as it comes."""
        newsletter = Newsletter.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        return Appearance.of(newsletter) if newsletter else None

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:subscribers_newsletter_changelist"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Appearance | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Appearance, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.save()
        if "accent_color" in form.changed_data:
            Newsletter.objects.filter(pk=obj.pk).update(accent_color=obj.newsletter.accent_color)

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The mail as it would be. What is chosen comes as parameters; nothing is saved."""
        appearance = Appearance.of(get_object_or_404(Newsletter, pk=pk))
        if not self.has_view_permission(request, appearance):
            return HttpResponse(status=403)
        form = AppearanceForm(request.GET if "layout" in request.GET else None, instance=appearance)
        if form.is_bound and not form.is_valid():
            return self._problem(request, [str(error) for errors in form.errors.values() for error in errors])
        now = timezone.now()
        try:
            mail = trial_mails.sample_mail(form.instance, now=now)
        except RenderingError as error:
            return self._problem(request, [str(error)])
        shown = request.GET.get("as", "")
        if shown == "text":
            return HttpResponse(trial_mails.text_for(mail, now=now), content_type="text/plain; charset=utf-8")
        return HttpResponse(trial_mails.html_for(mail, now=now, is_dark=shown == "dark"))

    def _problem(self, request: HttpRequest, sentences: list[str]) -> HttpResponse:
        return TemplateResponse(request, "admin/appearances/problem.html", {"sentences": sentences})
