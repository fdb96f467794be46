"""What articles still lack: whole texts and the pictures inside them, wherever the articles came from."""

from __future__ import annotations

from datetime import datetime

from articles.feeds import full_text, illustrating


def complete_due(now: datetime) -> None:
    """Fetch what is due, as far as the time of a turn goes; the rest waits for the next."""
    full_text.fetch_due(now=now)
    illustrating.fetch_body_pictures(now=now)
