"""Take a launched issue back to the desk, for as long as no mail of it was handed over."""

from __future__ import annotations

from django.db import transaction

from newsletter.delivery import offers
from newsletter.delivery.models import Campaign, Send


def is_possible(campaign: Campaign) -> bool:
    """Whether no mail has left, and no worker holds, or held when it died, one that may have left. Three queries."""
    if campaign.status not in {Campaign.Status.SENDING, Campaign.Status.PAUSED}:
        return False
    if campaign.tallies.exists() or campaign.batches.held().exists():
        return False
    return not campaign.sends.filter(reason=Send.Reason.UNKNOWN).exists()


@transaction.atomic
def take_back(campaign: Campaign, *, reason: str) -> bool:
    """The issue is held then, as if it had never been launched; nobody has had its articles. False: it is too late.

    What its launch made is deleted afterwards (``ending.py``), however much that is; until then it is not launched
    again. Whoever claims its mails, or makes more of them, asks the campaign's row, which is locked here: either they
    were faster, or they get none.
    """
    row = Campaign.objects.select_for_update(of=("self",)).select_related("issue").filter(pk=campaign.pk).first()
    if row is None or not is_possible(row) or not row.take_back():
        return False
    offers.forget(row.issue)
    row.issue.take_back(reason=reason)
    return True
