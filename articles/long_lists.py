"""Lists of a million rows at the desk: every page of them is found by an index, and nothing is counted to the end.

What a long list gives up for it: it is ordered by age and by nothing else, it ends after MOST_ROWS (who wants more
searches or filters), and it says "more than a thousand" or shows a count that was stored some minutes ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import get_fields_from_path
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.paginator import InfinitePaginator

from articles.desk import DeskAdmin

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
else:
    from unfold.views import ChangeList

MOST_ROWS = 10_000
MOST_COUNTED = 1_000
MOST_PEOPLE = 200  # whose rows a search by address looks for
BY_ADDRESS_HELP = gettext_lazy("Search by the beginning of the address.")


@dataclass(frozen=True, slots=True)
class Total:
    """How many there were at some moment."""

    count: int
    counted_at: datetime

    def __str__(self) -> str:
        at = timezone.localtime(self.counted_at)
        return _("About %(count)s, counted at %(time)s.") % {
            "count": number_format(self.count, force_grouping=True), "time": date_format(at, "H:i"),
        }  # fmt: skip


def count_up_to(rows: QuerySet[Any], most: int = MOST_COUNTED) -> int:
    """How many there are, or ``most`` + 1 if there are more: the database looks at no more than that."""
    return rows[: most + 1].count()


class LongPaginator(InfinitePaginator):  # type: ignore[misc]
    """Pages without a count, as far as anybody turns them."""

    count = MOST_ROWS


LongPaginator.__name__ = InfinitePaginator.__name__  # by which unfold's header knows that it has no count to show


class LongList(ChangeList):
    """In the order of a filter, else of the admin class, whatever the address asks for; says how many there are."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        return list(queryset.query.order_by or self.model_admin.get_ordering(request))

    def get_filters(self, request: HttpRequest) -> Any:
        """No filter of a long list shows a row twice; Django would guess so, and ask for each row in a subquery."""
        specs, has_filters, left, _may_have_duplicates, has_active = super().get_filters(request)
        return specs, has_filters, left, False, has_active

    def how_many(self) -> str:
        """In words, for above the list."""
        shown = len(self.result_list)
        is_whole = self.page_num == 1 and shown < self.list_per_page
        count = shown if is_whole else count_up_to(self.queryset)
        if count <= MOST_COUNTED:
            return ngettext("%(count)d in this list.", "%(count)d in this list.", count) % {"count": count}
        total = None if self.query or self.has_active_filters else self._total()
        most = number_format(MOST_COUNTED, force_grouping=True)
        return str(total) if total else _("More than %(most)s in this list.") % {"most": most}

    def _total(self) -> Total | None:
        return self.model_admin.total() if isinstance(self.model_admin, LongListAdmin) else None


class LongListAdmin[Row: Model](DeskAdmin[Row]):
    """``searches_addresses`` with fields that hold address keys makes the search one by an address's beginning."""

    paginator = LongPaginator
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    ordering = ["-pk"]
    list_disable_select_all = True
    list_before_template = "admin/how_many.html"

    def total(self) -> Total | None:
        """How many rows there are altogether, if somebody counts them."""
        return None

    def get_changelist(self, request: HttpRequest, **_options: Any) -> type[Any]:
        return LongList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Row], search_term: str
    ) -> tuple[QuerySet[Row], bool]:
        if not self.searches_addresses:
            return super().get_search_results(request, queryset, search_term)
        term = search_term.strip().casefold()
        if not term:
            return queryset, False
        paths = [str(name).removesuffix("__startswith") for name in self.get_search_fields(request)]
        own = [path for path in paths if "__" not in path]
        found = Q()
        for path in paths:
            found |= self._beginning(path, term)
        queryset = queryset.filter(found)
        return queryset.order_by(*own) if own else queryset, False  # by address: in the order of the index

    def _beginning(self, path: str, term: str) -> Q:
        relation, _separator, name = path.rpartition("__")
        if not relation:
            return begins(path, term)
        person = get_fields_from_path(self.model, relation)[-1].related_model
        people = person._default_manager.filter(begins(name, term)).order_by(name)  # type: ignore[union-attr]
        return Q(**{f"{relation}__in": list(people.values_list("pk", flat=True)[:MOST_PEOPLE])})


def exactly(name: str, value: object) -> Q:
    """The field has this value, said as a range.

    To PostgreSQL a column that equals a constant is no part of an order any more; so it might read a list through
    another index that has the rest of the order, from end to end if the rows lie together. In an order that begins
    with the range's column only the index with that column serves.
    """
    return Q(**{f"{name}__gte": value, f"{name}__lte": value})


def begins(name: str, term: str) -> Q:
    """The field begins with these letters, as the database can look up in its index.

    SQLite's LIKE uses none where letter case counts; there, what is sorted by code point lies between two bounds.
    """
    if connection.vendor == "sqlite":
        return Q(**{f"{name}__gte": term, f"{name}__lt": term + chr(0x10FFFF)})
    return Q(**{f"{name}__startswith": term})


class LongRecordAdmin[Row: Model](LongListAdmin[Row]):
    """A record: it can be looked at and searched, never changed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False
