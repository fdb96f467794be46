"""Time zones come from the `tzdata` package: the operating system's may be years old (Debian 12's is of 2025)."""

from __future__ import annotations

import zoneinfo


def use_packaged_database() -> None:
    """Make zoneinfo ignore the operating system's time-zone files."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()
