"""The desk's pages for readers: who wants what, with whose consent, and who must never be mailed."""

from newsletter.subscribers.admin import (
    domains,
    imports,
    leaving,
    people,
    protection,
    records,
    subscriptions,
    suppressions,
)

__all__ = ["domains", "imports", "leaving", "people", "protection", "records", "subscriptions", "suppressions"]
