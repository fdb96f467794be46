"""A campaign's ledger as CSV: everybody, with outcome, reason and the server's words."""

from __future__ import annotations

from collections.abc import Iterator

from newsletter.delivery.models import Campaign, Send

COLUMNS = ("address", "outcome", "reason", "words", "attempts", "at", "next_attempt")
CHUNK = 2_000


def rows(campaign: Campaign) -> Iterator[dict[str, str]]:
    """Under ``COLUMNS``, in the ledger's order; memory use does not depend on how many there are."""
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
