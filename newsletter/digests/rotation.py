"""Whose turn it is where several offers are booked for one place: by weight, over the issues, without chance.

A pure function: no database, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


def whose_turn(weights: Mapping[int, int], had: Mapping[int, int]) -> int:
    """The one that is furthest behind its share. ``weights`` by id, at least one; ``had``: the turns since all compete.

    After as many turns as the weights are together each has had exactly its own. Of several equally far behind the
    heaviest is first, then the oldest.
    """
    total, turns = sum(weights.values()), sum(had.get(pk, 0) for pk in weights) + 1

    def behind(pk: int) -> Fraction:
        return Fraction(turns * weights[pk], total) - had.get(pk, 0)

    return max(weights, key=lambda pk: (behind(pk), weights[pk], -pk))
