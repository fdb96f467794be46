"""Landmarks, by which screen readers jump over what every page of the admin has around it."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

CONTENT = '<div id="content"'

register = template.Library()


@register.filter
def with_main(page: SafeString) -> SafeString:
    """The frame of an admin page with its content as the ``main`` landmark: the theme's own names none."""
    return mark_safe(page.replace(CONTENT, f'{CONTENT} role="main"', 1))  # noqa: S308
