"""Which tests run on one worker: those of one file, and those that share a running product.

A scheduler of our own because pytest-xdist's ``--dist=loadgroup`` does not group under pytest 9.2 (pytest-xdist 3.8).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_JOURNEYS = ("alert", "desk_of_readers", "editor", "other_sites", "own_data", "pages", "reader", "writing")
_FAULTS = ("archiving", "killed", "killed_import", "old_messages", "urgent")
SHARED_PRODUCTS = {
    **{f"tests/journeys/test_{name}.py": "site" for name in _JOURNEYS},
    **{f"tests/faults/test_{name}.py": "site that suffers" for name in _FAULTS},
}
# The slowest first, so that at the end no worker waits for another.
SLOW = ("tests/faults/", "tests/journeys/")


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc, unused-ignore] # no types
    """Hands out whole files, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Any = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


def scope(nodeid: str) -> str:
    path = nodeid.partition("::")[0]
    return SHARED_PRODUCTS.get(path, path)


def slowest_first(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    return sorted(items, key=lambda item: not item.nodeid.startswith(SLOW))
