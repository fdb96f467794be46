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
from newsletter.delivery.personalization import Letter, Reader
from newsletter.digests import trial_mails
from newsletter.digests.models import Appearance, Issue
from tests.factories import make_newsletter


def main() -> None:
    call_command("migrate", verbosity=0)
    now, newsletter = timezone.now(), make_newsletter(name="Latest news", sender_address="news@gazette.example")
    for layout in Appearance.Layout.values:
        mail = trial_mails.sample_mail(Appearance(newsletter=newsletter, layout=layout), now=now)
        campaign = Campaign(pk=1, issue=Issue(newsletter=newsletter, number=1, send_at=now), started_at=now)
        values = trial_mails.values_for(mail, now=now)
        reader = Reader("Ada Merrin", '"Ada Merrin" <ada@example.org>', "<send.1.1@gazette.example>", values)
        data = Letter(campaign=campaign, mail=mail).fill(reader)
        (Path(sys.argv[1]) / f"{layout}.eml").write_bytes(data)


if __name__ == "__main__":
    main()
