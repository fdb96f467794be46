"""The desk as a whole: its sidebar, its first page, and the people who work at it."""

from config.admin import people

__all__ = ["people"]
