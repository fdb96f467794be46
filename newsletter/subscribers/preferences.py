"""What a reader changes behind the signed link: what they get, how often, about what, and who they are to us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from articles.models import Topic
from newsletter.lib.transitions import transition
from newsletter.subscribers import changes, limits, measuring
from newsletter.subscribers.consent import record_given
from newsletter.subscribers.models import Cadence, ConsentRecord, Newsletter, Subscriber, Subscription, TopicSet
from newsletter.subscribers.unsubscribing import unsubscribe
from newsletter.subscribers.welcoming import owe_welcome

METHOD = ConsentRecord.Method.PREFERENCES


@dataclass(frozen=True, slots=True)
class Choice:
    """One newsletter of the page: wanted or not, how often, which topics (slugs; none means all)."""

    newsletter: Newsletter
    is_wanted: bool
    cadence: str = ""
    topics: tuple[str, ...] = ()
    hour: int | None = None
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """The whole page as the reader left it."""

    choices: tuple[Choice, ...]
    name: str = ""
    language: str = ""
    time_zone: str = ""
    format: str = Subscriber.Format.HTML
    paused_until: date | None = None
    allows_measuring: bool | None = None  # None: the page did not ask


@transaction.atomic
def save_preferences(*, subscriber: Subscriber, preferences: Preferences, now: datetime) -> list[Subscription]:
    """Make it so, at once. Whoever holds the link owns the address, so joining here needs no further confirmation.

    Returns what was joined; its welcome mails are owed.
    """
    with changes.recorded(subscriber, author=changes.READER, now=now):
        _save_profile(subscriber, preferences)
        if preferences.allows_measuring is not None:
            measuring.allow(subscriber, allows=preferences.allows_measuring, method=METHOD, now=now)
        joined = [each for choice in preferences.choices for each in _choose(subscriber, choice, preferences, now)]
        owe_welcome(joined, now=now)
    return joined


def _save_profile(subscriber: Subscriber, preferences: Preferences) -> None:
    subscriber.name = preferences.name
    subscriber.language = preferences.language
    subscriber.time_zone = preferences.time_zone
    subscriber.format = preferences.format
    subscriber.save(update_fields=["name", "language", "time_zone", "format"])


def _choose(subscriber: Subscriber, choice: Choice, preferences: Preferences, now: datetime) -> list[Subscription]:
    """Join, keep or leave one newsletter. Returns the subscription if it was joined just now."""
    if not choice.is_wanted:
        _leave(subscriber, choice, now)
        return []
    subscription, has_joined = _keep(subscriber, choice, preferences.paused_until, now)
    return [subscription] if has_joined else []


@transaction.atomic
def resume(*, subscriber: Subscriber, now: datetime) -> int:
    """End every pause now. Returns how many subscriptions go on."""
    with changes.recorded(subscriber, author=changes.READER, now=now):
        return sum(each.resume() for each in subscriber.subscriptions.filter(status=Subscription.Status.PAUSED))


def offered_newsletters(subscriber: Subscriber) -> list[Newsletter]:
    """What the page lists: everything open, and what this person has although it is closed to others."""
    everything = Newsletter.objects.order_by("position", "pk")
    has = set(subscriber.subscriptions.exclude(status="ended").values_list("newsletter_id", flat=True))
    return [newsletter for newsletter in everything if newsletter.is_open or newsletter.pk in has]


def _keep(
    subscriber: Subscriber, choice: Choice, paused_until: date | None, now: datetime
) -> tuple[Subscription, bool]:
    subscription, _created = Subscription.objects.get_or_create(subscriber=subscriber, newsletter=choice.newsletter)
    has_joined = _join(subscription, now)
    if has_joined:
        record_given(subscription, method=METHOD, now=now)
        limits.start_anew(subscriber.address_hash)
    subscription.cadence = _cadence(choice)
    subscription.topic_set = _topic_set(choice.topics)
    newsletter = choice.newsletter
    if newsletter.offers_delivery_time:
        subscription.hour = choice.hour if choice.hour in newsletter.offered_hours() else None
        subscription.weekday = choice.weekday if choice.weekday in newsletter.offered_weekdays else None
    subscription.save(update_fields=["cadence", "topic_set", "hour", "weekday"])
    _pause_or_resume(subscription, paused_until)
    return subscription, has_joined


def _cadence(choice: Choice) -> str:
    """As chosen; what is offered no longer becomes the next rarer, what was never a cadence the usual one."""
    newsletter = choice.newsletter
    is_one = choice.cadence in Cadence.values
    return newsletter.cadence_near(choice.cadence) if is_one else newsletter.cadence_or_default("")


def _join(subscription: Subscription, now: datetime) -> bool:
    values = {"confirmed_at": now, "ended_at": None, "ended_reason": ""}
    return transition(subscription, sources=["pending", "ended"], to=Subscription.Status.ACTIVE, **values)


def _leave(subscriber: Subscriber, choice: Choice, now: datetime) -> None:
    """Not what waits to be confirmed: the page shows it unticked, and its mail may be on the way."""
    decided = Subscription.objects.exclude(status=Subscription.Status.PENDING)
    subscription = decided.filter(subscriber=subscriber, newsletter=choice.newsletter).first()
    if subscription:
        unsubscribe(subscription=subscription, method=METHOD, now=now)


def _pause_or_resume(subscription: Subscription, until: date | None) -> None:
    if until is None:
        subscription.resume()
    elif not subscription.pause(until=until):
        subscription.paused_until = until
        subscription.save(update_fields=["paused_until"])


def _topic_set(slugs: tuple[str, ...]) -> TopicSet | None:
    return TopicSet.objects.of(Topic.objects.filter(slug__in=slugs)) if slugs else None
