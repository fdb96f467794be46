"""A publisher's accent color, made readable on light and on dark paper (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from functools import lru_cache

type Channels = tuple[float, float, float]

MINIMUM_CONTRAST = 4.5
HEX = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
STEPS = 100


@lru_cache(maxsize=256)
def readable(color: str, *, paper: str, fallback: str = "#8a2f1d") -> str:
    """``color``, mixed with as little black or white as makes it readable on ``paper``. All are ``#rrggbb``.

    What is no such color counts as ``fallback``.
    """
    wanted = _channels(color if HEX.fullmatch(color) else fallback)
    background = _channels(paper)
    pole = 0.0 if _luminance(background) > 0.18 else 1.0
    for step in range(STEPS + 1):
        mixed = _hex(_mix(wanted, pole, step / STEPS))
        if contrast(mixed, paper) >= MINIMUM_CONTRAST:
            return mixed
    return _hex((pole, pole, pole))


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.2: 1 (none) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(_channels(first)), _luminance(_channels(second))))
    return (lighter + 0.05) / (darker + 0.05)


def _channels(color: str) -> Channels:
    return int(color[1:3], 16) / 255, int(color[3:5], 16) / 255, int(color[5:7], 16) / 255


def _hex(channels: Channels) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in channels)


def _mix(color: Channels, pole: float, share: float) -> Channels:
    red, green, blue = (channel + (pole - channel) * share for channel in color)
    return red, green, blue


def _luminance(color: Channels) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
