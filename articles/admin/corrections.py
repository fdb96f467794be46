"""What an editor's changes to an article teach, and what articles still lack."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles import body_pictures
from articles.admin.category_rules import tell_of_learned
from articles.desk import BaseAdmin
from articles.feeds import mapping
from articles.models import Article


class LearnsFromCorrections(BaseAdmin[Article]):
    """Changed topics teach the feed's category rules; pictures that a text names elsewhere are fetched."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        article, now = form.instance, timezone.now()
        if change and "topics" in form.changed_data:
            before = [topic.pk for topic in form.initial.get("topics", [])]
            after = [topic.pk for topic in form.cleaned_data["topics"]]
            tell_of_learned(request, mapping.learn(article, before=before, after=after, now=now))
        if "body" in form.changed_data:
            body_pictures.note(article, now=now)


class LackingDescriptionFilter(admin.SimpleListFilter):
    """Articles whose picture nobody has described for those who cannot see it."""

    title = gettext_lazy("picture description")
    parameter_name = "described"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("missing"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Article]) -> QuerySet[Article]:
        return queryset.exclude(picture="").filter(picture_alt="") if self.value() == "no" else queryset
