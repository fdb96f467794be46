"""Pieces of the desk's pages that are worked out in a request of their own, because they take their time."""

from __future__ import annotations

from django.db.models import Model
from django.forms import Media, Script
from django.template.loader import render_to_string
from django.urls import reverse

PIECES = Media(js=[Script("js/pieces.js", defer=True)])  # type: ignore[list-item]


def answers_place(row: Model) -> str:
    """Where what readers answered is shown; without JavaScript a link to it."""
    return render_to_string("admin/readers/answers_place.html", {"url": reverse("desk:answers_to", args=[row.pk])})


def forecast_place(view: str, row: Model) -> str:
    """Where what the next run will be is shown; without JavaScript a link to it."""
    return render_to_string("admin/forecast/place.html", {"url": reverse(view, args=[row.pk]) if row.pk else ""})
