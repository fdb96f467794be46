"""What the archive of the ledger knows, as rows of the ledger that no table has. See archiving.py for what is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from newsletter.delivery.archived import ArchivedSend
from newsletter.delivery.models import ArchivedSends, Campaign, Send
from newsletter.subscribers.models import Subscriber

RELATED = "campaign__issue__newsletter"


def of_reader(subscriber: Subscriber, *, issues: Collection[int] | None = None) -> list[Send]:
    """Their archived sends, the newest first: of these issues or of all. One query, one row for each campaign."""
    pages = ArchivedSends.objects.that_may_have_reader(subscriber.pk).select_related(RELATED)
    if issues is not None:
        pages = pages.filter(campaign__issue__in=issues)
    found = [
        _send(page, each, subscriber) for page in pages for each in page.sends if each.subscriber_id == subscriber.pk
    ]
    return sorted(found, key=lambda send: -send.pk)


def find(pk: int) -> Send | None:
    """The archived send with this key, if its reader is still there. Two queries."""
    for page in ArchivedSends.objects.that_may_have_send(pk).select_related(RELATED):
        for each in page.sends:
            if each.pk == pk:
                reader = Subscriber.objects.filter(pk=each.subscriber_id).first()
                return _send(page, each, reader) if reader else None
    return None


def of_campaign(campaign: Campaign) -> Iterator[list[ArchivedSend]]:
    """All that is archived of it, in the ledger's order, in parts that fit into memory."""
    for page in campaign.archived_sends.order_by("first_send", "pk").iterator(chunk_size=10):
        yield page.sends


def counts(campaigns: Collection[int]) -> dict[int, Counter[str]]:
    """Archived sends by campaign and status. One query; it unpacks nothing."""
    found: dict[int, Counter[str]] = {pk: Counter() for pk in campaigns}
    for campaign, rows in _counts(campaigns):
        for _edition, status, count in rows:
            found[campaign][status] += count
    return found


def accepted(campaigns: Collection[int]) -> Counter[int]:
    """How many archived sends of these campaigns were accepted, by edition. One query; it unpacks nothing."""
    found: Counter[int] = Counter()
    for _campaign, rows in _counts(campaigns):
        for edition, status, count in rows:
            if status == Send.Status.SENT:
                found[edition] += count
    return found


def _counts(campaigns: Collection[int]) -> list[tuple[int, list[tuple[int, str, int]]]]:
    return list(ArchivedSends.objects.filter(campaign__in=campaigns).order_by().values_list("campaign", "counts"))


def _send(page: ArchivedSends, each: ArchivedSend, reader: Subscriber) -> Send:
    send = Send(
        pk=each.pk, campaign=page.campaign, subscriber=reader, edition_id=each.edition_id or None, status=each.status,
        reason=each.reason, attempt_count=each.attempt_count, settled_at=each.settled_at,
    )  # fmt: skip
    send.is_archived = True
    return send
