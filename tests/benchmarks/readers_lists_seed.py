"""A million readers with all that is theirs and two issues' sends, written by the database itself."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import connection, models
from django.utils import timezone

from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Edition, Issue
from newsletter.engagement.models import Event
from newsletter.subscribers.models import (
    ConsentRecord,
    ConsentWording,
    Label,
    Newsletter,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
)

STATUSES = ("active", "pending", "paused", "ended")
AGO = "now() - (({count} - n) * interval '1 minute')"
# Most are active; one in 50 has left, one in 2,000 has paused, one in 5,000 has not confirmed.
STATUS = """CASE WHEN n % 5000 = 0 THEN 'pending' WHEN n % 2000 = 1 THEN 'paused' WHEN n % 50 = 2 THEN 'ended'
            ELSE 'active' END"""


OLD_FRIEND = 1_000  # the reader who got FEW_SENDS small issues
FEW_SENDS = 10_000


def fill(count: int) -> None:
    """Newsletters: everybody's, one that a third has, one with 300 readers, one with none; and one that the oldest
    fifth had and left, because what lies together in a table misleads the database's estimates.
    """
    ago = AGO.format(count=count)
    newsletters = [_newsletter(name) for name in ("Everybody", "A third", "Few", "Nobody", "Former")]
    insert(Subscriber, count, {
        "id": "n", "email": "'reader' || n || '@example.org'", "address_key": "'reader' || n || '@example.org'",
        "address_hash": "md5('reader' || n)", "created_at": ago,
    })  # fmt: skip
    for number, newsletter in enumerate(newsletters[:3]):
        every = (1, 3, max(count // 300, 1))[number]
        insert(Subscription, count, {
            "subscriber_id": "n", "newsletter_id": str(newsletter.pk), "status": STATUS, "confirmed_at": ago,
            "cadence": "CASE WHEN n % 10000 = 3 THEN 'monthly' WHEN n % 4 = 1 THEN 'weekly' ELSE 'daily' END",
            "ended_at": f"CASE WHEN n % 50 = 2 THEN {ago} END", "created_at": ago,
        }, where=f"n % {every} = 0")  # fmt: skip
    insert(Subscription, count // 5, {
        "subscriber_id": "n", "newsletter_id": str(newsletters[4].pk), "status": "'ended'", "confirmed_at": ago,
        "cadence": "'weekly'", "ended_at": ago, "created_at": ago,
    })  # fmt: skip
    _records(newsletters[0], count)
    for number in range(2):
        _campaign(newsletters[0], number, count)
    _old_friend(newsletters[2])
    run("ANALYZE")


def _records(newsletter: Newsletter, count: int) -> None:
    """Consents, sign-ups, suppressions and labels."""
    ago = AGO.format(count=count)
    wording = ConsentWording.objects.current(newsletter)
    insert(ConsentRecord, count, {
        "subscriber_id": "n", "address_hash": "md5('reader' || n)", "newsletter_id": str(newsletter.pk),
        "action": "CASE WHEN n % 50 = 2 THEN 'withdrawn' ELSE 'given' END",
        "method": "CASE WHEN n % 20000 = 7 THEN 'editor' WHEN n % 50 = 2 THEN 'page' ELSE 'confirmed' END",
        "wording_id": str(wording.pk), "at": ago, "user_agent": "'Browser'",
        "ip_address": "('192.0.2.' || n % 250)::inet",
    })  # fmt: skip
    insert(SignUp, count, {
        "subscriber_id": "n", "created_at": ago, "expires_at": ago, "confirmed_at": ago, "user_agent": "'Browser'",
        "ip_address": "('192.0.2.' || n % 250)::inet",
        "status": "CASE WHEN n % 1000 = 9 THEN 'skipped' ELSE 'confirmed' END",
        "skipped_reason": "CASE WHEN n % 1000 = 9 THEN 'too_soon' ELSE '' END",
    })  # fmt: skip
    insert(Suppression, count // 10, {
        "address_hash": "md5('reader' || (n * 10))", "created_at": AGO.format(count=count // 10),
        "reason": "CASE WHEN n % 40 = 0 THEN 'complaint' ELSE 'hard_bounce' END",
        "email": "'reader' || n * 10 || '@example.org'",
    })  # fmt: skip
    label = Label.objects.create(name="press")
    insert(Subscriber.labels.through, count, {"subscriber_id": "n", "label_id": str(label.pk)}, where="n % 2500 = 1")
    old = Label.objects.create(name="from the old list")
    insert(Subscriber.labels.through, count // 10, {"subscriber_id": "n", "label_id": str(old.pk)})


def _newsletter(name: str) -> Newsletter:
    return Newsletter.objects.create(
        name=name, slug=name.lower().replace(" ", "-"), consent_text="I want it.", sender_name="The Harbor Gazette",
        sender_address="news@example.org", postal_address="1 Quay Street",
    )  # fmt: skip


def _campaign(newsletter: Newsletter, number: int, count: int) -> None:
    now = timezone.now()
    issue = Issue.objects.create(
        newsletter=newsletter, number=number + 1, send_at=now, status="approved", approved_at=now, launched_at=now
    )
    edition = Edition.objects.create(issue=issue, content_key=str(number))
    finished_at = now - timedelta(days=200 if number == 0 else 0)
    campaign = Campaign.objects.create(issue=issue, started_at=finished_at, status="finished", finished_at=finished_at)
    insert(Send, count, {
        "campaign_id": str(campaign.pk), "subscriber_id": "n", "edition_id": str(edition.pk), "settled_at": "now()",
        "response": "'250 2.0.0 taken'",
        "status": "CASE WHEN n % 3 = 0 THEN 'skipped' WHEN n % 2000 = 1 THEN 'failed' ELSE 'sent' END",
        "reason": "CASE WHEN n % 3 = 0 THEN 'nothing_new' WHEN n % 2000 = 1 THEN 'bad_address' ELSE '' END",
    })  # fmt: skip


def _old_friend(newsletter: Newsletter) -> None:
    """One reader of FEW_SENDS issues, each reported as delivered and, a year later, with its detail still there."""
    first = {model: (model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) for model in (
        Issue, Edition, Campaign, Send
    )}  # fmt: skip
    at = AGO.format(count=FEW_SENDS).replace("minute", "hour")
    insert(Issue, FEW_SENDS, {
        "id": f"{first[Issue]} + n", "newsletter_id": str(newsletter.pk), "number": "n", "send_at": at,
        "status": "'approved'", "approved_at": at, "launched_at": at,
    })  # fmt: skip
    insert(Edition, FEW_SENDS, {
        "id": f"{first[Edition]} + n", "issue_id": f"{first[Issue]} + n", "content_key": "n::text",
    })  # fmt: skip
    insert(Campaign, FEW_SENDS, {
        "id": f"{first[Campaign]} + n", "issue_id": f"{first[Issue]} + n", "status": "'finished'", "started_at": at,
        "finished_at": at, "forgotten_at": at,
    })  # fmt: skip
    insert(Send, FEW_SENDS, {
        "id": f"{first[Send]} + n", "campaign_id": f"{first[Campaign]} + n", "subscriber_id": str(OLD_FRIEND),
        "edition_id": f"{first[Edition]} + n", "settled_at": at, "status": "'sent'",
    })  # fmt: skip
    insert(Event, FEW_SENDS, {
        "send_id": f"{first[Send]} + n", "kind": "'delivered'", "source": "'postmark'", "source_id": "n::text",
        "at": at, "detail": "'250 2.0.0 taken'",
    })  # fmt: skip


def insert(model: type[models.Model], count: int, values: dict[str, str], where: str = "true") -> None:
    """Rows for n = 1 .. count; columns that are not named get their field's default."""
    defaults: dict[str, str] = {str(field.column): _default(field) for field in model._meta.concrete_fields}
    columns = {column: value for column, value in (defaults | values).items() if value}
    sql = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(columns.values())} "
    run(sql + f"FROM generate_series(1, {count}) n WHERE {where}")


def _default(field: Any) -> str:
    if field.primary_key or field.null or field.has_db_default():
        return ""
    if field.has_default():
        value = field.get_default()
        if isinstance(value, (list, dict)):
            return f"'{json.dumps(value)}'"
        return str(value).lower() if isinstance(value, bool) else f"'{value}'" if isinstance(value, str) else str(value)
    return "''" if field.empty_strings_allowed else ""


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@cache
def sizes() -> dict[str, int]:
    """Rows by table, as the database estimates them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname, reltuples::bigint FROM pg_class WHERE relkind = 'r'")
        return {str(name): int(rows) for name, rows in cursor.fetchall()}
