"""What the page of one campaign is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from newsletter.delivery import archive, taking_back
from newsletter.delivery.desk.campaign.figures import figures
from newsletter.delivery.desk.campaign.wording import told
from newsletter.delivery.models import Campaign, Send
from newsletter.lib.addresses import address_key
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import Subscriber

MAY_EXPORT = "subscribers.view_subscriber"


def context(request: HttpRequest, campaign: Campaign, *, may_change: bool, now: datetime) -> dict[str, Any]:
    """Of the whole page; with ``?address=`` also what became of this reader's mail."""
    address = request.GET.get("address", "").strip()
    return {
        **shown(campaign, now=now),
        "title": str(campaign),
        "address": address,
        "found": _find(campaign, address) if address else None,
        "may_change": may_change,
        "may_take_back": may_change and taking_back.is_possible(campaign),
        "archived": grouped(_archived(campaign)),
        "may_export": request.user.has_perm(MAY_EXPORT),
        "opts": Campaign._meta,
        "original": campaign,
    }


def shown(campaign: Campaign, *, now: datetime) -> dict[str, Any]:
    """Of its living part."""
    numbers = figures(campaign, now=now)
    ledger = f"{reverse('admin:delivery_send_changelist')}?campaign__id__exact={campaign.pk}"
    return {"campaign": campaign, "figures": numbers, "told": told(numbers), "ledger": ledger}


def _archived(campaign: Campaign) -> int:
    return archive.counts([campaign.pk])[campaign.pk].total() if campaign.archived_to else 0


def _find(campaign: Campaign, address: str) -> Send | str:
    """This reader's send, or why there is none."""
    reader = Subscriber.objects.filter(address_key=address_key(address)).first()
    send = campaign.sends.select_related("subscriber").filter(subscriber=reader).first() if reader else None
    if send is None and reader and campaign.archived_to:
        send = next(iter(archive.of_reader(reader, issues=[campaign.issue_id])), None)
    return send or _("Nobody with this address is in this campaign. The reader’s page tells why, run by run.")
