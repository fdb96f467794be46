"""A campaign's ledger as CSV: everybody, with outcome, reason and the server's words."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.delivery import archive
from newsletter.delivery.models import Campaign, Send
from newsletter.lib.bulk import among
from newsletter.subscribers.models import Subscriber

COLUMNS = ("address", "outcome", "reason", "words", "attempts", "at", "next_attempt")
CHUNK = 2_000


def rows(campaign: Campaign) -> Iterator[dict[str, str]]:
    """Under ``COLUMNS``, in the ledger's order, then what is archived; memory does not grow with how many there are."""
    sends = campaign.sends.order_by("pk").values_list(
        "subscriber__email", "status", "reason", "response", "attempt_count", "settled_at", "next_attempt_at"
    )
    for address, status, reason, response, attempts, settled_at, next_at in sends.iterator(chunk_size=CHUNK):
        yield {
            "address": address or "",  # whoever was erased has none any more
            "outcome": Send.Status(status).value,
            "reason": reason,
            "words": response,
            "attempts": str(attempts),
            "at": settled_at.isoformat() if settled_at else "",
            "next_attempt": next_at.isoformat() if next_at else "",
        }
    for page in archive.of_campaign(campaign):
        addresses = dict(
            Subscriber.objects.filter(pk__in=among([send.subscriber_id for send in page])).values_list("pk", "email")
        )
        for send in page:
            yield {
                "address": addresses.get(send.subscriber_id, ""),
                "outcome": send.status,
                "reason": send.reason,
                "words": "",
                "attempts": str(send.attempt_count),
                "at": send.settled_at.isoformat() if send.settled_at else "",
                "next_attempt": "",
            }
