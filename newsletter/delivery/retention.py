"""What is forgotten of deliveries: the servers' words after some months, and the mailbox of whoever was erased. What is
old goes into the archive (archiving.py).

That a mail went out, and what became of it, stays: it is what keeps anybody from getting the same article twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from newsletter.delivery import archiving
from newsletter.delivery.models import Campaign, MailboxMessage, Send
from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Suppression

BATCH = 5_000
BATCHES = 4  # of one campaign and one turn: some seconds


def clean_up(now: datetime) -> dict[str, int]:
    """Safe to call at any time; what it does not finish it does the next time. Returns how many of each."""
    counts = {
        "responses_forgotten": _forget_responses(now),
        "sends_archived": archiving.archive(now),
        "mailbox_messages_erased": _empty_mailboxes(),
    }
    return {name: count for name, count in counts.items() if count}


def _forget_responses(now: datetime) -> int:
    cutoff = now - timedelta(days=settings.FORGET_DELIVERY_DETAIL_AFTER_DAYS)
    campaign = Campaign.objects.filter(finished_at__lte=cutoff, forgotten_at=None).order_by("pk").first()
    if campaign is None:
        return 0
    forgotten, done = 0, 0
    for _batch in range(BATCHES):
        worded = Send.objects.filter(campaign=campaign, pk__gt=done).exclude(response="")
        pks = list(worded.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if not pks:
            Campaign.objects.filter(pk=campaign.pk).update(forgotten_at=now)
            break
        forgotten += Send.objects.filter(pk__in=pks).update(response="")
        done = pks[-1]
    return forgotten


def _empty_mailboxes() -> int:
    """The built-in mailbox holds at most 5,000 mails, with their addresses; erasing a person reaches it here."""
    recipients = MailboxMessage.objects.order_by().values_list("recipient", flat=True).distinct()
    hashes = {recipient: address_hash(recipient) for recipient in recipients}
    erased = Suppression.objects.filter(reason=Suppression.Reason.ERASED, address_hash__in=set(hashes.values()))
    erased_hashes = set(erased.values_list("address_hash", flat=True))
    gone = [recipient for recipient, hashed in hashes.items() if hashed in erased_hashes]
    count, _by_model = MailboxMessage.objects.filter(recipient__in=gone).delete() if gone else (0, {})
    return count
