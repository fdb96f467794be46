"""How many mails a day a reader gets at most, of all newsletters together: alerts and announcements count, too.

So do welcomes and the question whether somebody is still interested; a welcome goes all the same, for it was asked for.

A day is one of the calendar in the newsletter's zone. What is too much waits: articles come with the next issue, which
finds them unsent in the ledger; what has no articles is sent at the same hour of the next day, if that day's cap lets
it, or of one of the two days after it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import RawSQL

from newsletter.delivery.models import CAPPED_TODAY, Campaign, Send
from newsletter.digests.models import Issue
from newsletter.subscribers.models import PersonalMail, WelcomeMail

LONGEST_ON_ITS_WAY = timedelta(days=3)
PAUSE = timedelta(days=1)


def fed_up(issue: Issue, *, now: datetime, after: int = 0, to: int | None = None) -> RawSQL | None:
    """For ``subscriber__in``: readers who have had, or are about to get, as many mails today as a day may bring.

    Of those whose id is above ``after`` and at most ``to``. None: there is no cap.
    """
    most = settings.MAILS_PER_READER_AND_DAY
    if not most:
        return None
    local = now.astimezone(ZoneInfo(issue.newsletter.time_zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    mails = (
        (_campaigns_mails(midnight), "subscriber"),
        (_welcomes(midnight), "subscription__subscriber"),
        (_questions(midnight), "subscriber"),
    )
    sql: list[str] = []
    params: list[Any] = []
    for rows, reader in mails:
        within = Q((f"{reader}__gt", after)) if to is None else Q((f"{reader}__gt", after), (f"{reader}__lte", to))
        select, values = rows.filter(within).order_by().values(reader=F(reader)).query.sql_with_params()
        sql.append(select)
        params.extend(values)
    every = " UNION ALL ".join(sql)
    having_many = f"SELECT x.reader FROM ({every}) x GROUP BY x.reader HAVING COUNT(*) >= %s"  # noqa: S608 - the ORM's
    return RawSQL(having_many, [*params, most])  # noqa: S611


def _campaigns_mails(midnight: datetime) -> models.QuerySet[Any]:
    """Accepted today, and what is on its way: but not of a campaign that was stopped days ago and may never go on."""
    is_over = Q(status__in=[Campaign.Status.FINISHED, Campaign.Status.CANCELLED], finished_at__lt=midnight)
    alive = Campaign.objects.exclude(is_over).exclude(status=Campaign.Status.TAKEN_BACK).order_by()
    moving = alive.filter(Q(status=Campaign.Status.SENDING) | Q(started_at__gt=midnight - LONGEST_ON_ITS_WAY))
    sent = Q(status=Send.Status.SENT, settled_at__gte=midnight)
    on_its_way = Q(status__in=Send.OPEN, campaign__in=moving) & ~CAPPED_TODAY
    return Send.objects.filter(sent | on_its_way, campaign__in=alive)


def _welcomes(midnight: datetime) -> models.QuerySet[Any]:
    today = Q(status=WelcomeMail.Status.SENT, sent_at__gte=midnight) | Q(status=WelcomeMail.Status.WAITING)
    return WelcomeMail.objects.filter(today)


def _questions(midnight: datetime) -> models.QuerySet[Any]:
    today = Q(status=PersonalMail.Status.MAILED, settled_at__gte=midnight) | Q(status=PersonalMail.Status.WAITING)
    return PersonalMail.objects.filter(today, kind=PersonalMail.Kind.STILL_INTERESTED)


def waits_as_it_is(issue: Issue) -> bool:
    """Whether what is capped must be sent itself later on, because no later issue would carry it."""
    return not issue.items.exists()
