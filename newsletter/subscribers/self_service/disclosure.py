"""Everything that we hold on one person, for that person (GDPR Articles 15 and 20).

The parts above know more than this one: the mails that went out, what came back. They contribute to it without being
known here; config/urls.py says who does.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from newsletter.lib.naming import site_name
from newsletter.subscribers.models import ConsentRecord, Farewell, Subscriber, Subscription
from newsletter.subscribers.suppression import is_suppressed

type Contributor = Callable[[Subscriber], list[dict[str, Any]]]

_contributors: dict[str, Contributor] = {}


def contribute(title: str, contributor: Contributor) -> None:
    """Let what ``contributor`` tells of a person stand under ``title``. Doing it again changes nothing."""
    _contributors[title] = contributor


def everything_about(subscriber: Subscriber, *, now: datetime) -> dict[str, Any]:
    """What we hold, by titles that a person can read, with values that JSON can hold."""
    return {
        "about this file": {
            "publication": site_name(),
            "site": settings.SITE_URL,
            "made at": moment(now),
            "what it is": "Everything that we hold on the person with this e-mail address.",
        },
        "you": _person(subscriber),
        "your subscriptions": [_subscription(each) for each in _subscriptions(subscriber)],
        "your consents": [_consent(each) for each in _consents(subscriber)],
        "forms that were sent with your address": _sign_ups(subscriber),
        "your consents to measuring": _measuring_consents(subscriber),
        "your changes of address": _address_changes(subscriber),
        "changes to your choices": _changes(subscriber),
        "mails about your link and your address": _personal_mails(subscriber),
        "why you left": _farewells(subscriber),
        **{title: contributor(subscriber) for title, contributor in _contributors.items()},
    }


def moment(value: datetime | None) -> str | None:
    return value.isoformat(timespec="seconds") if value else None


def _person(subscriber: Subscriber) -> dict[str, Any]:
    return {
        "e-mail address": subscriber.email,
        "name": subscriber.name,
        "language": subscriber.language,
        "time zone": subscriber.time_zone,
        "format": subscriber.get_format_display(),
        "agreed to measuring opens and clicks": subscriber.allows_measuring,
        "labels of our desk": [str(label) for label in subscriber.labels.order_by("name", "pk")],
        "first signed up": moment(subscriber.created_at),
        "on the suppression list, so never mailed": is_suppressed(subscriber.email),
    }


def _subscriptions(subscriber: Subscriber) -> list[Subscription]:
    return list(subscriber.subscriptions.select_related("newsletter", "topic_set").order_by("pk"))


def _subscription(row: Subscription) -> dict[str, Any]:
    return {
        "newsletter": row.newsletter.name,
        "status": row.get_status_display(),
        "how often": row.get_cadence_display(),
        "topics": [topic.name for topic in row.topic_set.topics.order_by("name", "pk")] if row.topic_set else "all",
        "hour": row.hour,
        "day of the week": row.get_weekday_display() if row.weekday is not None else None,
        "signed up": moment(row.created_at),
        "confirmed": moment(row.confirmed_at),
        "imported": moment(row.imported_at),
        "paused until": row.paused_until.isoformat() if row.paused_until else None,
        "ended": moment(row.ended_at),
        "how it ended": row.ended_reason,
    }


def _consents(subscriber: Subscriber) -> list[ConsentRecord]:
    of_them = Q(subscriber=subscriber) | Q(address_hash=subscriber.address_hash)
    return list(ConsentRecord.objects.filter(of_them).select_related("newsletter", "wording").order_by("at", "pk"))


def _consent(row: ConsentRecord) -> dict[str, Any]:
    return {
        "newsletter": row.newsletter.name,
        "consent": row.get_action_display(),
        "how": row.get_method_display(),
        "at": moment(row.at),
        "words that you agreed to": row.wording.text if row.wording else None,
        "form sent at": moment(row.asked_at),
        "page": row.page_url,
        "IP address of the form": row.ip_address,
        "IP address of the confirmation": row.confirmation_ip,
        "browser": row.user_agent,
    }


def _measuring_consents(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "consent": row.get_action_display(),
            "how": row.get_method_display(),
            "at": moment(row.at),
            "words beside the tick": row.words,
        }
        for row in subscriber.measuring_consents.order_by("at", "pk")
    ]


def _sign_ups(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "at": moment(row.created_at),
            "page": row.page_url,
            "IP address": row.ip_address,
            "browser": row.user_agent,
            "ticked that opens and clicks may be measured": row.asks_measuring,
            "status": row.get_status_display(),
            "confirmation mailed": moment(row.mailed_at),
            "confirmed": moment(row.confirmed_at),
        }
        for row in subscriber.sign_ups.order_by("pk")
    ]


def _address_changes(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "from": row.old_email,
            "to": row.new_email,
            "status": row.get_status_display(),
            "asked for": moment(row.created_at),
            "done": moment(row.changed_at),
            "undone": moment(row.undone_at),
        }
        for row in subscriber.address_changes.order_by("pk")
    ]


def _changes(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "at": moment(row.at),
            "by": row.get_by_display(),
            "newsletter": row.newsletter.name if row.newsletter else None,
            "what": row.field,
            "before": row.before,
            "after": row.after,
        }
        for row in subscriber.changes.select_related("newsletter").order_by("at", "pk")
    ]


def _personal_mails(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [
        {
            "mail": row.get_kind_display(),
            "asked for": moment(row.created_at),
            "outcome": row.get_status_display(),
            "reason": row.get_skipped_reason_display(),
            "settled at": moment(row.settled_at),
        }
        for row in subscriber.personal_mails.order_by("pk")
    ]


def _farewells(subscriber: Subscriber) -> list[dict[str, Any]]:
    rows = Farewell.objects.filter(subscription__subscriber=subscriber).select_related("newsletter").order_by("pk")
    return [
        {
            "newsletter": row.newsletter.name,
            "reason": row.get_reason_display(),
            "in your words": row.words,
            "at": moment(row.at),
        }
        for row in rows
    ]
