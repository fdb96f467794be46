"""Forms as a browser sends them back."""

from __future__ import annotations

from typing import Any

from django.test import Client


def form_of(desk: Client, address: str) -> dict[str, Any]:
    """What a browser would send back from the page's form, unchanged."""
    context = desk.get(address).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, Any] = {}
    for form in forms:
        for bound in form:
            data.update(_values(bound))
    return {name: value for name, value in data.items() if value is not None}


def _values(bound: Any) -> dict[str, Any]:
    data = _shown(bound)
    if bound.field.show_hidden_initial:
        data |= {f"initial-{name}": value for name, value in data.items()}
    return data


def _shown(bound: Any) -> dict[str, Any]:
    widget, value = bound.field.widget, bound.value()
    if hasattr(widget, "decompress") and hasattr(widget, "widgets"):
        parts = value if isinstance(value, list) else widget.decompress(value)  # a list: as it was typed
        return {f"{bound.html_name}_{n}": widget.widgets[n].format_value(part) for n, part in enumerate(parts)}
    if widget.needs_multipart_form:
        return {}
    if isinstance(value, bool):
        return {bound.html_name: "on"} if value else {}
    if isinstance(value, list):
        return {bound.html_name: [getattr(each, "pk", each) for each in value]}
    return {} if value is None else {bound.html_name: value}
