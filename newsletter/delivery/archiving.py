"""Old rows of the ledger go into an archive, a page at a time, and come back where the ledger itself must know them.

A campaign that ended ``ARCHIVE_SENDS_AFTER_DAYS`` ago leaves in the ledger what was refused, and what a provider has
reported something about; all other sends go into pages of ``ArchivedSends``. Each page is one short transaction that
writes it and deletes its rows, so that whoever is killed in between leaves nothing half done, and nobody waits.

No article may come twice, however old: whoever freezes an audience first brings back the campaigns that had one of the
articles (``bring_back``), and holds them until its own rows are written. A campaign that came back stays as long again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from newsletter.delivery.archived import ArchivedSend, pack
from newsletter.delivery.models import ArchivedSends, Campaign, Send
from newsletter.digests.models import Correction, Edition
from newsletter.lib import bulk
from newsletter.lib.bulk import among
from newsletter.subscribers.models import Subscriber

logger = logging.getLogger(__name__)

PAGE = 2_000  # sends of one page and one transaction: a tenth of a second or two
PAGES = 50  # in one turn
SETTLED = (Send.Status.SENT, Send.Status.SKIPPED)
FIELDS = (
    "id", "campaign_id", "subscriber_id", "edition_id", "status", "reason", "response", "attempt_count", "settled_at",
)  # fmt: skip


def archive(now: datetime, *, pages: int = PAGES) -> int:
    """Go on for one turn, the oldest campaign first; what it does not finish it does the next time.

    Returns how many sends went into the archive.
    """
    archived = 0
    for _page in range(pages):
        campaign = _due(now).order_by("pk").first()
        if campaign is None:
            break
        archived += _archive_page(campaign.pk, now=now)
    if archived:
        logger.info("%s sends of old campaigns went into the archive", archived)
    return archived


def bring_back(articles: Collection[int]) -> int:
    """Inside a transaction: put back into the ledger whatever is archived of campaigns that had one of these articles.

    None of them is archived until the transaction ends. One query where there are none. Returns how many sends.
    """
    had = Edition.objects.filter(items__article__in=list(articles))
    return _bring_back(Q(issue__in=had.order_by().values("issue")))


def bring_back_corrected(correction: Correction) -> int:
    """The same for the campaigns that carried what is corrected."""
    had = Q(issue=correction.issue_id)
    if correction.article_id is not None:
        is_story = Q(items__article=correction.article_id) | Q(items__article__merged_into=correction.article_id)
        had |= Q(issue__in=Edition.objects.filter(is_story).order_by().values("issue"))
    return _bring_back(had)


def _due(now: datetime) -> QuerySet[Campaign]:
    """Ended long ago, the servers' words forgotten, and not archived yet."""
    cutoff = now - timedelta(days=settings.ARCHIVE_SENDS_AFTER_DAYS)
    came_back = Q(brought_back_at=None) | Q(brought_back_at__lte=cutoff)
    return Campaign.objects.filter(came_back, finished_at__lte=cutoff, forgotten_at__isnull=False, archived_at=None)


@transaction.atomic
def _archive_page(campaign_pk: int, *, now: datetime) -> int:
    """The next rows of this campaign, unless somebody needs it just now. Returns how many."""
    campaign = _due(now).select_for_update(skip_locked=True).filter(pk=campaign_pk).first()
    if campaign is None:
        return 0
    seen = list(campaign.sends.filter(pk__gt=campaign.archived_to).order_by("pk").values_list("pk", flat=True)[:PAGE])
    if not seen:
        Campaign.objects.filter(pk=campaign.pk).update(archived_at=now)
        return 0
    rows = _rows(campaign, seen)
    if rows:
        ArchivedSends.objects.bulk_create([_page(campaign, rows)])
        _delete([row.pk for row in rows])
    Campaign.objects.filter(pk=campaign.pk).update(archived_to=seen[-1])
    return len(rows)


def _rows(campaign: Campaign, pks: list[int]) -> list[ArchivedSend]:
    """Those of them that nothing will ask for by a key, locked against whoever is about to.

    What somebody reports about at this moment stays; once they are locked, whether there are events cannot change.
    """
    settled = campaign.sends.filter(pk__in=among(pks), status__in=SETTLED, response="").order_by("pk")
    locked = list(settled.select_for_update(skip_locked=True).values_list("pk", flat=True))
    sends = campaign.sends.filter(pk__in=among(locked), events=None).order_by("pk")
    values = sends.values_list("pk", "subscriber_id", "edition_id", "status", "reason", "attempt_count", "settled_at")
    return [
        ArchivedSend(pk, reader or 0, edition or 0, status, reason, attempts, settled_at)
        for pk, reader, edition, status, reason, attempts, settled_at in values
    ]


def _page(campaign: Campaign, rows: list[ArchivedSend]) -> ArchivedSends:
    readers = [row.subscriber_id for row in rows]
    counts = Counter((row.edition_id, row.status) for row in rows)
    return ArchivedSends(
        campaign=campaign, first_send=rows[0].pk, last_send=rows[-1].pk, first_subscriber=min(readers),
        last_subscriber=max(readers), packed=pack(rows),
        counts=[[edition, status, count] for (edition, status), count in sorted(counts.items())],
    )  # fmt: skip


def _delete(pks: list[int]) -> None:
    """Without asking what refers to them: nothing does."""
    sends = Send.objects.filter(pk__in=among(pks))
    sends._raw_delete(sends.db)


def _bring_back(had: Q) -> int:
    campaigns = Campaign.objects.filter(had, forgotten_at__isnull=False).order_by("pk")
    count = 0
    for campaign in campaigns.select_for_update(of=("self",)):
        if campaign.archived_to:
            count += _unpack(campaign)
    return count


def _unpack(campaign: Campaign) -> int:
    count = 0
    for page in campaign.archived_sends.order_by("pk").iterator(chunk_size=10):
        sends = page.sends
        alive = _still_there([send.subscriber_id for send in sends])
        bulk.insert_rows(Send, FIELDS, [
            (each.pk, campaign.pk, each.subscriber_id if each.subscriber_id in alive else None, each.edition_id or None,
             each.status, each.reason, "", each.attempt_count, each.settled_at)
            for each in sends
        ])  # fmt: skip
        count += len(sends)
    campaign.archived_sends.all().delete()
    Campaign.objects.filter(pk=campaign.pk).update(archived_to=0, archived_at=None, brought_back_at=Now())
    return count


def _still_there(readers: list[int]) -> set[int]:
    """Those of the readers who were not erased since."""
    return set(Subscriber.objects.filter(pk__in=among(readers)).values_list("pk", flat=True))
