"""Helpers for tests about database queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db.models.fetch_modes import FETCH_RAISE


@contextmanager
def lazy_loading_forbidden() -> Iterator[None]:
    """What a query did not bring along cannot be had: touching it raises FieldFetchBlocked. Shows every N+1."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.db.models.query.DEFAULT_FETCH_MODE", FETCH_RAISE)
        yield
