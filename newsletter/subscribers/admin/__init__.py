"""The desk's pages for readers: who wants what, with whose consent, and who must never be mailed."""

from newsletter.subscribers.admin import (
    bulk_actions,
    domains,
    imports,
    leaving,
    live_site,
    people,
    protection,
    records,
    subscriptions,
    suppressions,
)

__all__ = [
    "bulk_actions",
    "domains",
    "imports",
    "leaving",
    "live_site",
    "people",
    "protection",
    "records",
    "subscriptions",
    "suppressions",
]
