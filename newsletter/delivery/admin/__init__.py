"""The desk's pages for what is on its way."""

from newsletter.delivery.admin import campaigns, transports, warm_ups

__all__ = ["campaigns", "transports", "warm_ups"]
