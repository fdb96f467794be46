"""A test mail: an issue as its readers will see it, sent to one address, marked as a test, outside the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from email.utils import make_msgid

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Outcome
from newsletter.delivery.personalization import Letter, Outgoing, local_date, on_the_wire, site_domain
from newsletter.delivery.transports.registry import open_transport
from newsletter.digests import carrying
from newsletter.digests.assembly import candidates, limits, placed
from newsletter.digests.models import EditionItem, Issue
from newsletter.digests.rendering import IssueRenderer, RenderedMail
from newsletter.digests.selection import Selection, select
from newsletter.lib.addresses import parse_address
from newsletter.lib.slots import Slot


class NothingToShowError(ValueError):
    """The issue has no article that could be mailed, and no text."""


def send_test(issue: Issue, *, address: str, now: datetime) -> Outcome:
    """Mail the issue, as a reader of every topic and of offers would get it, to ``address``.

    Its links to leave and to change preferences lead to the newsletter's page: nobody is subscribed by a test.
    Raises NothingToShowError, InvalidAddress, RenderingError, TransportDownError and SenderRefusedError.
    """
    address = parse_address(address)
    offers = carrying.offers_of(issue, now=max(issue.send_at, now))
    mail = IssueRenderer(issue).render(_items(issue, now=now), offers=offers)
    if mail is None:
        raise NothingToShowError(_("The issue has nothing to show yet: no article and no text."))
    marked = replace(mail, subject=_("[Test] %(subject)s") % {"subject": mail.subject})
    letter = Letter(campaign=Campaign(pk=0, issue=issue, started_at=now), mail=marked)
    recipient = on_the_wire(address)
    data = letter.data(
        to=f"<{recipient}>", message_id=make_msgid(domain=site_domain()), values=_values(issue, mail, address, now)
    )
    with open_transport() as transport:
        (outcome,) = transport.deliver([Outgoing(0, letter.sender, recipient, data)])
    return outcome


def _items(issue: Issue, *, now: datetime) -> list[EditionItem]:
    offered = candidates(issue, now=now)
    selection = select(offered, replace(limits(issue, offered), minimum=1), topics=None)
    if not isinstance(selection, Selection):
        return []
    return [EditionItem(article_id=pk, position=n, placement=place) for n, (pk, place) in enumerate(placed(selection))]


def _values(issue: Issue, mail: RenderedMail, address: str, now: datetime) -> dict[str, str]:
    page = settings.SITE_URL + reverse("digests:newsletter", kwargs={"slug": issue.newsletter.slug})
    return {
        Slot.NAME: "",
        Slot.EMAIL: address,
        Slot.GREETING: mail.greeting.to(""),
        Slot.SIGNED_UP_ON: local_date(now, issue.newsletter),
        Slot.UNSUBSCRIBE_URL: page,
        Slot.PREFERENCES_URL: page,
    }
