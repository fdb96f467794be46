"""The desk's page for the publication: its name and its look, with what a reader would see beside it."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.files.base import ContentFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import UnfoldAdminTextInputWidget

from articles import colors, logos
from articles.desk import DeskAdmin, DeskForm
from articles.front_page import lay_out
from articles.models import Article, Publication
from articles.models.publication import ACCENT, DARK_WASH, LIGHT_WASH
from articles.pictures import MAX_BYTES, PictureError

STORIES = 12


class PublicationForm(DeskForm[Publication]):
    class Meta:
        model = Publication
        fields = ["name", "description", "accent_color", "typeface", "logo"]
        widgets = {"accent_color": UnfoldAdminTextInputWidget(attrs={"type": "color"})}
        help_texts = {
            "name": gettext_lazy("Empty: the one in the setting SITE_NAME."),
            "accent_color": gettext_lazy(
                "For links and small marks. Where it would be hard to read, a darker or lighter shade of it is used."
            ),
            "typeface": gettext_lazy("From those that readers' devices have; nothing is loaded from anywhere."),
            "logo": gettext_lazy("Stands in place of the name. PNG or WebP, wide rather than tall."),
        }

    def clean_logo(self) -> Any:
        logo = self.cleaned_data["logo"]
        if logo and "logo" in self.changed_data:
            try:
                data, (width, height) = logos.render(logo.read(MAX_BYTES + 1))
            except PictureError as error:
                raise forms.ValidationError(str(error)) from error
            self.instance.logo_width, self.instance.logo_height = width, height
            return ContentFile(data, f"logo-{secrets.token_hex(4)}.png")
        return logo


@admin.register(Publication)
class PublicationAdmin(DeskAdmin[Publication]):
    form = PublicationForm
    fields = ["name", "description", "accent_color", "typeface", "logo"]
    change_form_template = "admin/publication.html"

    def get_urls(self) -> list[Any]:
        preview = self.admin_site.admin_view(xframe_options_sameorigin(self.preview))
        return [path("preview/", preview, name="articles_publication_preview"), *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Publication | None:
        """The one there is, or the one as it comes: the page is there before anything was set."""
        return Publication.objects.order_by("pk").first() or Publication(pk=1)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:articles_publication_change", args=[1]))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Publication | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Publication, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.pk = 1
        obj.save()
        for sentence in _adjustments(obj):
            messages.info(request, sentence)

    def preview(self, request: HttpRequest) -> HttpResponse:
        """The front page as it would be. What is typed comes as parameters; nothing is saved."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        publication = Publication.current()
        publication.name = request.GET.get("name", "")[:80]
        color = request.GET.get("accent_color", "")
        publication.accent_color = color if colors.HEX.fullmatch(color) else ACCENT
        typeface = request.GET.get("typeface", "")
        publication.typeface = typeface if typeface in Publication.Typeface.values else Publication.Typeface.BOOK
        published = Article.objects.published(timezone.now()).defer("body").prefetch_related("topics", "authors")
        context = {
            "page": lay_out(list(published[:STORIES])), "publication": publication, "site_name": publication.title,
        }  # fmt: skip
        return TemplateResponse(request, "articles/front.html", context)


def _adjustments(publication: Publication) -> list[str]:
    """What was done to the accent color so that everybody can read it."""
    chosen = publication.accent_color
    papers = [
        (LIGHT_WASH, publication.accent, _("On light pages %(chosen)s has a contrast of %(ratio).1f to 1, and text "
         "needs 4.5: readers see %(shown)s there.")),
        (DARK_WASH, publication.accent_on_dark, _("On dark pages %(chosen)s has a contrast of %(ratio).1f to 1, and "
         "text needs 4.5: readers see %(shown)s there.")),
    ]  # fmt: skip
    return [
        sentence % {"chosen": chosen, "ratio": colors.contrast(chosen, paper), "shown": shown}
        for paper, shown, sentence in papers
        if shown.lower() != chosen.lower()
    ]
