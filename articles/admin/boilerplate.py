"""The desk's pages for boilerplate: own rules, the standard ones, and what they take out of a feed now."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from articles.boilerplate import Effect, Rule
from articles.desk import DeskAdmin, DeskForm, action
from articles.feeds import tidying
from articles.feeds.retrieving import Question, retrieve
from articles.models import BoilerplateRule, Feed
from articles.standard_boilerplate import STANDARD

MOST_STARS = 6


class RuleForm(DeskForm[BoilerplateRule]):
    class Meta:
        model = BoilerplateRule
        fields = ["pattern", "effect", "feed", "is_active"]

    def clean_pattern(self) -> str:
        pattern = " ".join(self.cleaned_data["pattern"].split())
        if len("".join(Rule(pattern).pieces).strip()) < 4:
            raise ValidationError(_("Four letters at least, or it would take far too much."))
        if pattern.count("*") > MOST_STARS:
            raise ValidationError(_("%(count)d stars at most.") % {"count": MOST_STARS})
        return pattern


class PreviewForm(forms.Form):
    feed = forms.ModelChoiceField(
        Feed.objects.all(), label=gettext_lazy("Feed"), widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("It is asked now; nothing is saved."),
    )  # fmt: skip
    pattern = forms.CharField(
        label=gettext_lazy("Words to try"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Beside the rules that there are. The whole paragraph; * stands for anything."),
    )  # fmt: skip


@admin.register(BoilerplateRule)
class BoilerplateRuleAdmin(DeskAdmin[BoilerplateRule]):
    form = RuleForm
    list_display = ["pattern", "effect", "feed", "is_active"]
    list_filter = ["is_active", ("effect", ChoicesDropdownFilter), ("feed", RelatedDropdownFilter)]
    list_select_related = ["feed"]
    search_fields = ["pattern"]
    autocomplete_fields = ["feed"]
    actions_list = ["standard_page", "preview_page"]

    @action(description=gettext_lazy("Standard rules"), url_path="standard", icon="list")
    def standard_page(self, request: HttpRequest) -> HttpResponse:
        """What every feed's texts are tidied by."""
        return self._page(request, "standard", title=_("Standard rules"), groups=STANDARD)

    @action(description=gettext_lazy("Try the rules on a feed"), url_path="preview", icon="preview")
    def preview_page(self, request: HttpRequest) -> HttpResponse:
        """What they would take out of what a feed has now."""
        form = PreviewForm(request.GET if "feed" in request.GET else None)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            context |= _preview(form.cleaned_data["feed"], form.cleaned_data["pattern"])
        return self._page(request, "preview", title=_("Try the rules on a feed"), **context)

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        whole = {**self.admin_site.each_context(request), "opts": self.opts, **context}
        return TemplateResponse(request, f"admin/boilerplate/{name}.html", whole)


def _preview(feed: Feed, pattern: str) -> dict[str, Any]:
    retrieved = retrieve(Question(feed.url))
    if retrieved.parsed is None:
        return {"error": str(retrieved.error or _("It has nothing now."))}
    tried = [Rule(pattern, Effect.LINE)] if pattern.strip(" *") else []
    book = tidying.rules_for(feed, more=tried)
    rows = [(item.title, tidying.tidied_item(item, book).removed) for item in retrieved.parsed.items[:50]]
    return {
        "rows": [row for row in rows if row[1]], "count": len(rows), "feed": feed,
        "is_off": not feed.removes_boilerplate,
    }  # fmt: skip
