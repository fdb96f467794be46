"""Opens and clicks, of readers who agreed and newsletters that measure: asked again at the moment that it happens.

A click counts once a day for a reader and link, an open once a day for a reader and issue, whatever is loaded again.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F

from newsletter.delivery.models import Send
from newsletter.digests.models import Link
from newsletter.engagement.models import Event
from newsletter.engagement.silence import revive_reader
from newsletter.lib.tokens import Purpose, verify_token

LINK, PICTURE = "link", "picture"  # sources of events


def follow(token: str, number: int) -> tuple[int, Link | None]:
    """The id of the send that the token speaks of, and the destination with this number; None: there is none.

    Raises BadToken.
    """
    send_pk = verify_token(Purpose.CLICK, token)
    return send_pk, Link.objects.filter(pk=number).first()


def note_click(send_pk: int, link: Link, *, now: datetime) -> bool:
    """Keep that the reader clicked. False if nothing is to be kept, or it was already."""
    send = _measured_send(send_pk)
    if send is None or not send.campaign.issue.newsletter.measures_clicks or send.campaign.issue_id != link.issue_id:
        return False
    try:
        return _note_click(send, link, now=now)
    except IntegrityError:  # the send went into the archive at this very moment, of which nothing is measured
        return False


@transaction.atomic
def _note_click(send: Send, link: Link, *, now: datetime) -> bool:
    is_first = not Event.objects.filter(send=send, link=link, kind=Event.Kind.CLICKED).exists()
    key = f"{send.pk}.{link.pk}.{now:%Y%m%d}"
    if not _keep(send, key, kind=Event.Kind.CLICKED, source=LINK, link=link, now=now):
        return False
    if is_first:
        Link.objects.filter(pk=link.pk).update(click_count=F("click_count") + 1)
    return True


def note_open(token: str, *, now: datetime) -> bool:
    """Keep that the mail was opened, or its pictures were loaded. As ``note_click``. Raises BadToken."""
    send_pk = verify_token(Purpose.OPEN, token)
    send = _measured_send(send_pk)
    if send is None or not send.campaign.issue.newsletter.measures_opens:
        return False
    try:
        return _keep(send, f"{send_pk}.{now:%Y%m%d}", kind=Event.Kind.OPENED, source=PICTURE, link=None, now=now)
    except IntegrityError:  # as above
        return False


def _measured_send(pk: int) -> Send | None:
    """None if the reader does not agree any more, or is gone."""
    agreed = Send.objects.filter(pk=pk, subscriber__allows_measuring=True)
    return agreed.select_related("campaign__issue__newsletter").first()


def _keep(send: Send, key: str, *, kind: Event.Kind, source: str, link: Link | None, now: datetime) -> bool:
    _event, is_new = Event.objects.get_or_create(
        source=source, source_id=key, defaults={"send": send, "link": link, "kind": kind, "at": now}
    )
    if is_new and send.subscriber_id:
        revive_reader(send.subscriber_id, now=now)
    return is_new
