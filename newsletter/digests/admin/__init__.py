"""The desk's pages for what will be said."""

from newsletter.digests.admin import issues, newsletters, records, schedules

__all__ = ["issues", "newsletters", "records", "schedules"]
