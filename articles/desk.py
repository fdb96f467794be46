"""How the pages of the admin behave, in every part: the one module that knows unfold's classes and decorators.

Three rules hold everywhere. A form saves only what was changed in it, because workers change other fields of the same
row meanwhile. What changes something is a POST: a button of the form, an action on selected rows, or a page that asks
first; links never act. What cannot be done says why.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.utils import parse_date_str

__all__ = [
    "BaseAdmin",
    "DaysFilter",
    "DeskAdmin", "DeskForm", "ReadOnlyAdmin", "ReadOnlyInline", "StackedInline", "TabularInline", "action", "display",
    "each", "save_changed", "save_formset", "tell",
]  # fmt: skip

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    class BaseAdmin[Row: Model](admin.ModelAdmin[Row]):
        """What unfold adds, as much of it as is used here."""

        def get_actions_submit_line(self, request: HttpRequest, object_id: object) -> list[Any]: ...
        def _get_base_actions_submit_line(self) -> list[Any]: ...
        def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts: Any, object_id: str) -> HttpResponse: ...
        def _filter_unfold_actions_by_permissions(
            self, request: HttpRequest, actions: list[Any], object_id: object = None
        ) -> list[Any]: ...

    class TabularInline[Row: Model, Parent: Model](admin.TabularInline[Row, Parent]): ...

    class StackedInline[Row: Model, Parent: Model](admin.StackedInline[Row, Parent]): ...

    class DeskForm[Row: Model](forms.ModelForm[Row]): ...

    def display[Shown: Callable[..., Any]](
        *,
        description: StrOrPromise,
        ordering: str | None = None,
        label: bool | Mapping[Any, str] | None = None,
        header: bool | None = None,
    ) -> Callable[[Shown], Shown]: ...

    def action[Done: Callable[..., Any]](
        *,
        description: StrOrPromise,
        url_path: str | None = None,
        permissions: Iterable[str] | None = None,
        icon: str | None = None,
        variant: object = None,
    ) -> Callable[[Done], Done]: ...

else:
    from unfold.admin import ModelAdmin as UnfoldAdmin
    from unfold.admin import StackedInline as UnfoldStackedInline
    from unfold.admin import TabularInline as UnfoldTabularInline
    from unfold.decorators import action, display

    class BaseAdmin[Row](UnfoldAdmin):
        def get_action_choices(
            self, request, default_choices=None, action_location=admin.ActionLocation.CHANGE_LIST
        ):  # fmt: skip
            """As Django's; unfold's own does not know the third argument, which Django 6.1 asks for."""
            first = default_choices or [("", _("Select action"))]
            return admin.ModelAdmin.get_action_choices(self, request, first, action_location)

    class TabularInline[Row, Parent](UnfoldTabularInline): ...

    class StackedInline[Row, Parent](UnfoldStackedInline): ...

    class DeskForm[Row](forms.ModelForm): ...


class DeskAdmin[Row: Model](BaseAdmin[Row]):
    """A page for editors. ``actions_submit_line`` names buttons that save the form and then do what they say.

    ``when_empty`` is what a list without rows says: what would be there, and where it comes from.
    """

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    warn_unsaved_form = True
    when_empty: StrOrPromise = ""
    searches_addresses = False  # the search fields hold address keys, which are in lower case

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        if object_id is not None and not _may_be_a_key(self.model, unquote(object_id)):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def offered(self, row: Row) -> Collection[str]:
        """Which of ``actions_submit_line`` make sense for this row now."""
        return [action.path for action in self._get_base_actions_submit_line()]

    def get_actions_submit_line(self, request: HttpRequest, object_id: object) -> list[Any]:
        row = self.get_queryset(request).filter(pk=object_id).first()
        if row is None or not self.has_change_permission(request, row):
            return []
        offered = self.offered(row)
        return [action for action in super().get_actions_submit_line(request, object_id) if action.path in offered]

    def save_model(self, request: HttpRequest, obj: Row, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        if change:
            save_changed(obj, form.changed_data)
        else:
            obj.save()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:  # noqa: FBT001
        save_formset(formset)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        super().save_related(request, form, formsets, change)
        self.after_saving(request, form)
        self._press_button(request, form.instance)

    def after_saving(self, request: HttpRequest, form: Any) -> None:
        """For what must be known when everything of the form is saved, before a button does what it says."""

    def _press_button(self, request: HttpRequest, row: Row) -> None:
        pressed = [action for action in self._get_base_actions_submit_line() if action.action_name in request.POST]
        possible = (
            {action.action_name for action in self.get_actions_submit_line(request, row.pk)} if pressed else set()
        )
        for action in pressed:
            if action.action_name in possible:
                action.method(request, row)
            else:
                messages.warning(
                    request,
                    _("“%(action)s” was not possible any more: it had changed.") % {"action": action.description},
                )

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        return str(obj.get_absolute_url()) if obj is not None and hasattr(obj, "get_absolute_url") else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        term = search_term.casefold() if self.searches_addresses else search_term
        return super().get_search_results(request, queryset, term)

    def row_or_404(self, request: HttpRequest, object_id: str | int) -> Row:
        """The row that an action's page is about. Raises Http404."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row

    def ask(
        self, request: HttpRequest, row: Model | None, *, question: str, details: Iterable[str] = (), verb: str,
        is_dangerous: bool = False, back: str = "",
    ) -> HttpResponse:  # fmt: skip
        """A page that asks before something happens; its button sends a POST to the same address.

        ``back`` is where "no" leads, by default to the row's own page.
        """
        if row is not None and not back:
            back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        context = {
            **self.admin_site.each_context(request),
            "title": question, "original": row, "opts": self.opts, "details": list(details), "verb": verb,
            "is_dangerous": is_dangerous, "back": back,
        }  # fmt: skip
        return TemplateResponse(request, "admin/ask.html", context)


class DaysFilter(RangeDateFilter):  # type: ignore[misc]
    """From one day to another, both included, in the site's time zone, of a field that holds moments."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = (self._day(end) for end in ("from", "to"))
        if first:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": _midnight(first)})
        if last:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": _midnight(last + timedelta(days=1))})
        return queryset

    def _day(self, end: str) -> date | None:
        value = parse_date_str(self.used_parameters.get(f"{self.parameter_name}_{end}", ""))
        return value if isinstance(value, date) else None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


class ReadOnlyAdmin[Row: Model](DeskAdmin[Row]):
    """A record: it can be looked at and searched, never changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


class ReadOnlyInline[Row: Model, Parent: Model](TabularInline[Row, Parent]):
    """Rows of a record on the page of what they belong to."""

    extra = 0
    can_delete = False
    tab = True

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return list(self.get_fields(request, obj))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def save_changed(row: Model, names: Iterable[str]) -> None:
    """Write these fields of the row, and those that note the time of a change; no other."""
    columns = {field.name: field for field in row._meta.concrete_fields}
    changed = [name for name in names if name in columns]
    if changed:
        stamps = [name for name, field in columns.items() if getattr(field, "auto_now", False)]
        row.save(update_fields=[*changed, *stamps])


def save_formset(formset: Any) -> None:
    """Save the rows of an inline, of those that exist only what was changed."""
    formset.save(commit=False)
    for row in formset.deleted_objects:
        row.delete()
    for row, names in formset.changed_objects:
        save_changed(row, names)
    for row in formset.new_objects:
        row.save()
    formset.save_m2m()


def tell(request: HttpRequest, done: Iterable[Model], *, said: str, refused: str, total: int) -> None:
    """Say of an action on several rows which it happened to and how many it could not happen to."""
    names = [str(row) for row in done]
    if names:
        shown = ", ".join(names[:5]) + ("…" if len(names) > 5 else "")
        messages.success(request, f"{capfirst(said)}: {shown}")
    if left := total - len(names):
        messages.warning(request, refused % {"count": left})


def each(rows: QuerySet[Any]) -> list[Any]:
    """The selected rows, in their order, as many as a page can hold."""
    return list(rows[:1000])


def _may_be_a_key(model: type[Model], text: str) -> bool:
    try:
        model._meta.pk.to_python(text)
    except ValidationError:
        return False
    return True
