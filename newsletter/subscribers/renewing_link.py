"""A link that got out, in a mail that was passed on: those of earlier mails are made useless, and a new one is mailed.

The link to a person's page carries their ``link_version`` in its signature, which begins at 0 and rises here. Links
that leave a newsletter carry none: they must work in old mails for years, and can do no more than leave.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from newsletter.subscribers import changes, personal_mail
from newsletter.subscribers.models import AddressChange, PersonalMail, Subscriber


@transaction.atomic
def renew(*, subscriber: Subscriber, author: changes.Author, now: datetime) -> PersonalMail:
    """Make every earlier link to this person's page useless. Returns the mail with a new one, which is owed to them.

    Whoever has the old one may have asked for another address with it: that is dropped, too.
    """
    make_old_links_useless(subscriber=subscriber, author=author, now=now)
    for change in AddressChange.objects.filter(subscriber=subscriber, status=AddressChange.Status.ASKED):
        change.drop()
    return personal_mail.owe_new_link(subscriber=subscriber, now=now)


def make_old_links_useless(*, subscriber: Subscriber, author: changes.Author, now: datetime) -> None:
    """With a line in the timeline."""
    with changes.recorded(subscriber, author=author, now=now):
        Subscriber.objects.filter(pk=subscriber.pk).update(link_version=F("link_version") + 1)
    subscriber.refresh_from_db(fields=["link_version"])
