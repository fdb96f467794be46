"""The desk's pages for what will be said."""

from newsletter.digests.admin import appearances, issues, newsletters, records, schedules

__all__ = ["appearances", "issues", "newsletters", "records", "schedules"]
