"""What becomes of readers who are silent: they are asked once, pause, and come back with the first sign of life.

Who is silent, engagement knows (engagement/silence.py); here is what follows for a subscription.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from newsletter.lib import mail
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.languages import language_of
from newsletter.subscribers.models import Change, PersonalMail, Silence, Subscription
from newsletter.subscribers.welcoming import leaving_headers

ANSWERS = ("keep", "less", "leave")
Status = Subscription.Status


def ask(silences: Iterable[Silence], *, now: datetime) -> int:
    """Owe each reader the question, once. Returns how many. The rows are held by the caller's transaction."""
    rows = list(silences)
    for row in rows:
        person = row.subscription.subscriber
        row.mail = PersonalMail(
            kind=PersonalMail.Kind.STILL_INTERESTED, subscriber=person, email=person.email, created_at=now,
            next_attempt_at=now,
        )  # fmt: skip
        row.stage, row.stage_at = Silence.Stage.ASKED, now
    PersonalMail.objects.bulk_create([row.mail for row in rows if row.mail])
    for row in rows:
        row.mail = row.mail  # now that it has its key
    Silence.objects.bulk_update(rows, ["mail", "stage", "stage_at"], batch_size=500)
    return len(rows)


def pause(silences: Iterable[Silence], *, now: datetime) -> int:
    """Mail stops until they say something. Returns for how many. The rows are held by the caller's transaction."""
    rows = list(silences)
    active = Subscription.objects.filter(pk__in=[row.subscription_id for row in rows], status=Status.ACTIVE)
    active.update(status=Status.PAUSED, paused_until=None, import_run=None)
    Silence.objects.filter(pk__in=[row.pk for row in rows]).update(stage=Silence.Stage.PAUSED, stage_at=now)
    _note(rows, Change.By.SILENT, before=Status.ACTIVE, after=Status.PAUSED, now=now)
    return len(rows)


@transaction.atomic
def revive(subscriptions: Collection[int], *, now: datetime) -> int:
    """There is a sign of life: these are silent no longer, and who paused for it gets mail again. Returns how many.

    A pause until a day is one that the reader chose meanwhile, and stays.
    """
    found = Silence.objects.filter(subscription__in=subscriptions).order_by("pk").select_related("subscription")
    rows = list(found.select_for_update(of=("self",)))
    asleep = [row for row in rows if row.stage == Silence.Stage.PAUSED and _is_only_silent(row.subscription)]
    paused = Subscription.objects.filter(pk__in=[row.subscription_id for row in asleep])
    paused.filter(status=Status.PAUSED, paused_until=None).update(status=Status.ACTIVE)
    _note(asleep, Change.By.READER, before=Status.PAUSED, after=Status.ACTIVE, now=now)
    Silence.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def _is_only_silent(subscription: Subscription) -> bool:
    return subscription.status == Status.PAUSED and subscription.paused_until is None


def asked_by(row: PersonalMail) -> Subscription | None:
    """The subscription that the mail asks about; None if nobody is silent there any more."""
    found = Silence.objects.filter(mail=row, subscription__status=Status.ACTIVE)
    silence = found.select_related("subscription__subscriber", "subscription__newsletter").first()
    return silence.subscription if silence else None


def send_question(row: PersonalMail) -> None:
    """Three links to one page; nothing changes before its button is pressed."""
    subscription = asked_by(row)
    if subscription is None:
        return
    newsletter, reader = subscription.newsletter, subscription.subscriber
    token = make_token(Purpose.STAY, subscription.pk)
    urls = {answer: settings.SITE_URL + reverse("subscribers:stay_with", args=[token, answer]) for answer in ANSWERS}
    mail.send(
        template="still_interested", to=reader.email, language=language_of(reader, newsletter=newsletter),
        sender=mail.sender_line(newsletter.sender_name, newsletter.sender_address),
        headers=leaving_headers(subscription),
        context={"newsletter": newsletter, **{f"{answer}_url": url for answer, url in urls.items()}},
    )  # fmt: skip


def _note(rows: Iterable[Silence], by: Change.By, *, before: str, after: str, now: datetime) -> None:
    """In the reader's timeline."""
    Change.objects.bulk_create(
        Change(
            subscriber_id=row.subscription.subscriber_id, newsletter_id=row.subscription.newsletter_id, by=by, at=now,
            field="status", before=before, after=after,
        )
        for row in rows
    )  # fmt: skip
