"""A test mail: an issue as its readers will see it, sent to one address, marked as a test, outside the ledger."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from email.utils import make_msgid
from html import escape

from django.conf import settings
from django.urls import reverse
from django.utils.translation import get_language, get_language_bidi
from django.utils.translation import gettext as _

from newsletter.delivery import outlooks
from newsletter.delivery.models import Campaign
from newsletter.delivery.outcomes import Outcome, TransportDownError
from newsletter.delivery.personalization import Letter, Outgoing, Reader, local_date, on_the_wire, site_domain
from newsletter.delivery.transports.registry import open_transport
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.addresses import parse_address
from newsletter.lib.slots import Slot
from newsletter.lib.wrapping import wrap

# Dark on yellow in light and dark alike: a test must never look like the mail itself.
MOST_WAYS = 5  # that a test mail tries, one after the other
BANNER = (
    '<div role="note" dir="{direction}" lang="{language}" style="padding:12px 24px;background-color:#ffd84d;'
    'color:#201a00;font:bold 15px/1.4 sans-serif;text-align:center">{notice}</div>'
)
BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)


class NothingToShowError(ValueError):
    """The issue has no article that could be mailed, and no text."""


def send_test(issue: Issue, *, address: str, now: datetime) -> Outcome:
    """Mail the issue to ``address``, as a reader of every topic and of offers gets it who has had what most have had.

    Its links to leave and to change preferences lead to the newsletter's page: nobody is subscribed by a test.
    Raises NothingToShowError, InvalidAddress, RenderingError, TransportDownError and SenderRefusedError.
    """
    address = parse_address(address)
    had = outlooks.had_by_most(outlooks.forecast_of(issue))
    mail = sample(issue, now=max(now, issue.send_at), received=had).mail()
    if mail is None:
        raise NothingToShowError(_("The issue has nothing to show yet: no article and no text."))
    marked = marked_as_test(mail)
    recipient = on_the_wire(address)
    letter, data = as_message(issue, marked, address=address, now=now)
    message = Outgoing(0, letter.sender, recipient, data)
    with open_transport(newsletter=issue.newsletter.slug) as transport:
        for _try in range(MOST_WAYS):  # of several transports each that is down gives it back, and is left out then
            if outcomes := list(transport.deliver([message])):
                return outcomes[0]
    raise TransportDownError(_("No transport took it."))


def marked_as_test(mail: RenderedMail) -> RenderedMail:
    """The mail with a subject and a banner that say what it is, in the language of whoever sends it."""
    notice = _("This is a test. Readers have not got it, and its links to leave and to change preferences do nothing.")
    direction = "rtl" if get_language_bidi() else "ltr"
    banner = BANNER.format(direction=direction, language=get_language() or "en", notice=escape(notice))
    html = BODY.sub(lambda found: found[0] + banner, mail.html, count=1)
    subject = _("[Test] %(subject)s") % {"subject": mail.subject}
    return replace(mail, subject=subject, html=html, text=f"{wrap(f'*** {notice} ***')}\n\n{mail.text}")


def as_message(issue: Issue, mail: RenderedMail, *, address: str, now: datetime) -> tuple[Letter, bytes]:
    """The mail as it goes over the wire to somebody who is no reader. Raises InvalidAddress."""
    letter = Letter(campaign=Campaign(pk=0, issue=issue, started_at=now), mail=mail)
    values = stand_ins(issue, mail, address, now)
    to, number = f"<{on_the_wire(address)}>", make_msgid(domain=site_domain())
    return letter, letter.fill(Reader("", to, number, values))


def stand_ins(issue: Issue, mail: RenderedMail, address: str, now: datetime) -> dict[str, str]:
    """What stands where a reader's own name and links would."""
    page = settings.SITE_URL + reverse("digests:newsletter", kwargs={"slug": issue.newsletter.slug})
    return {
        Slot.NAME: "",
        Slot.EMAIL: address,
        Slot.GREETING: mail.greeting.to(""),
        Slot.SIGNED_UP_ON: local_date(now, issue.newsletter),
        Slot.UNSUBSCRIBE_URL: page,
        Slot.PREFERENCES_URL: page,
        Slot.RATING_URL: f"{page}#",  # the answers lead nowhere else: nobody votes by a test
    }
