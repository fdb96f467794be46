"""Numbers as people of the active language write them."""

from __future__ import annotations

from django.utils.formats import number_format


def grouped(count: int) -> str:
    """``4,210``, ``4.210``, ``4 210``."""
    return number_format(count, force_grouping=True)


def grouped_up_to(count: int, most: int) -> str:
    """The same of something that is counted no further than ``most``: from there on ``1,000+``."""
    return f"{grouped(most)}+" if count >= most else grouped(count)
