"""The desk's page for what a feed's categories mean."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from articles.desk import DeskAdmin, display, each, tell
from articles.models import Article, CategoryRule

COLORS = {
    CategoryRule.Status.PROPOSED: "warning",
    CategoryRule.Status.ACTIVE: "success",
    CategoryRule.Status.OFF: "default",
}


@admin.register(CategoryRule)
class CategoryRuleAdmin(DeskAdmin[CategoryRule]):
    list_display = ["meaning", "feed", "shown_status", "origin"]
    list_filter = [("status", ChoicesDropdownFilter), "is_learned", ("feed", RelatedDropdownFilter)]
    list_select_related = ["feed", "topic"]
    search_fields = ["category", "topic__name"]
    autocomplete_fields = ["feed", "topic"]
    fields = ["feed", "category", "topic", "is_exclusion", "status", "origin"]
    readonly_fields = ["origin"]
    actions = ["accept_selected", "switch_off_selected"]

    @display(description=gettext_lazy("rule"), ordering="category_key")
    def meaning(self, rule: CategoryRule) -> str:
        form = _("“%(category)s” never means %(topic)s") if rule.is_exclusion else _("“%(category)s” means %(topic)s")
        return form % {"category": rule.category, "topic": rule.topic}

    @display(description=gettext_lazy("status"), ordering="status", label=COLORS)
    def shown_status(self, rule: CategoryRule) -> tuple[str, str]:
        return rule.status, rule.get_status_display()

    @display(description=gettext_lazy("where it comes from"))
    def origin(self, rule: CategoryRule) -> str:
        if not rule.is_learned:
            return _("made by an editor")
        titles = Article.objects.filter(pk__in=rule.learned_from).values_list("title", flat=True)[:3]
        return _("learned from: %(articles)s") % {"articles": "; ".join(titles) or "–"}

    def save_model(self, request: HttpRequest, obj: CategoryRule, form: Any, change: bool) -> None:  # noqa: FBT001
        obj.is_learned = False  # whoever edits a rule has made it theirs
        obj.changed_at = timezone.now()
        obj.save()

    @admin.action(description=gettext_lazy("Accept"), permissions=["change"])
    def accept_selected(self, request: HttpRequest, rows: QuerySet[CategoryRule]) -> None:
        self._decide(request, rows, CategoryRule.Status.ACTIVE, said=_("active from the next poll on"))

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off_selected(self, request: HttpRequest, rows: QuerySet[CategoryRule]) -> None:
        self._decide(request, rows, CategoryRule.Status.OFF, said=_("switched off"))

    def _decide(self, request: HttpRequest, rows: QuerySet[CategoryRule], status: str, *, said: str) -> None:
        selected, now = each(rows), timezone.now()
        done = [rule for rule in selected if rule.decide(status, now)]
        tell(request, done, said=said, refused=_("%(count)d were so already."), total=len(selected))


def tell_of_learned(request: HttpRequest, rules: list[CategoryRule]) -> None:
    """Say what was learned from a correction just saved."""
    for rule in rules:
        if rule.status == CategoryRule.Status.ACTIVE:
            said = _("From now on: %(rule)s (%(feed)s). It can be switched off under “Category rules”.")
        else:
            said = _("Noted: %(rule)s (%(feed)s)? One more correction like this makes it a rule.")
        messages.info(request, said % {"rule": rule, "feed": rule.feed})
