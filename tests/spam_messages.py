"""Writes a digest of every layout as it goes over the wire: ``python -m tests.spam_messages FOLDER``; see spam.py."""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import sys
from pathlib import Path

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone

from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Letter
from newsletter.digests import samples
from newsletter.digests.models import Appearance, Issue
from tests.factories import make_newsletter


def main() -> None:
    call_command("migrate", verbosity=0)
    now, newsletter = timezone.now(), make_newsletter(name="Latest news", sender_address="news@gazette.example")
    for layout in Appearance.Layout.values:
        mail = samples.sample_mail(Appearance(newsletter=newsletter, layout=layout), now=now)
        campaign = Campaign(pk=1, issue=Issue(newsletter=newsletter, number=1, send_at=now), started_at=now)
        data = Letter(campaign=campaign, mail=mail).data(
            to='"Ada Merrin" <ada@example.org>',
            message_id="<send.1.1@gazette.example>",
            values=samples.values_for(mail, now=now),
        )
        (Path(sys.argv[1]) / f"{layout}.eml").write_bytes(data.replace(b"\r\n..", b"\r\n."))


if __name__ == "__main__":
    main()
