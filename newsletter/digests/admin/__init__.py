"""The desk's pages for what will be said."""

from newsletter.digests.admin import appearances, issues, newsletters, offers, records, schedules

__all__ = ["appearances", "issues", "newsletters", "offers", "records", "schedules"]
