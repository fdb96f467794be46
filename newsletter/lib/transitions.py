"""State machines without races: a transition is a conditional UPDATE that says whether it happened."""

from __future__ import annotations

from collections.abc import Collection

from django.db import models


def transition(row: models.Model, *, sources: Collection[str], to: str, **values: object) -> bool:
    """Move ``row.status`` from ``sources`` to ``to``, setting ``values`` with it, in the database and in ``row``.

    Of several callers at once exactly one gets True; the others get False and their ``row`` is unchanged.
    """
    values = {"status": to, **values}
    changed = type(row)._default_manager.filter(pk=row.pk, status__in=sources).update(**values)
    if changed:
        for name, value in values.items():
            setattr(row, name, value)
    return bool(changed)
