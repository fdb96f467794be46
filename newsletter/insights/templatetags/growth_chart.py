"""A bar chart of a newsletter's growth, as SVG: who came stands above the line, who went below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template

from newsletter.insights.growth import Growth, Period

register = template.Library()
BAR, GAP, HEIGHT = 20, 4, 60  # in units of the drawing; the height is that of each half


@dataclass(frozen=True, slots=True)
class Bar:
    """Two bars over each other, in units of the drawing."""

    x: int
    up: float
    down: float
    top: float
    period: Period


@register.inclusion_tag("admin/readers/_growth_chart.html")
def growth_chart(growth: Growth) -> dict[str, Any]:
    highest = max((max(each.joined, each.lost) for each in growth.periods), default=0) or 1
    bars = [_bar(number, period, highest) for number, period in enumerate(growth.periods)]
    width = max(len(bars) * (BAR + GAP) - GAP, 1)
    return {"growth": growth, "bars": bars, "width": width, "bar": BAR, "middle": HEIGHT, "height": 2 * HEIGHT}


def _bar(number: int, period: Period, highest: int) -> Bar:
    up, down = (round(HEIGHT * count / highest, 1) for count in (period.joined, period.lost))
    return Bar(number * (BAR + GAP), up, down, round(HEIGHT - up, 1), period)
