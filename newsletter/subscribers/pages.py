"""What the templates of this part need to know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.forms import Form
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from articles.models import Topic
from newsletter.lib.languages import translated_languages
from newsletter.subscribers import measuring
from newsletter.subscribers.forms import SubscribeForm
from newsletter.subscribers.lowering import lowered
from newsletter.subscribers.models import Cadence, Farewell, Newsletter, Silence, Subscriber, Subscription, Weekday
from newsletter.subscribers.preferences import offered_newsletters
from newsletter.subscribers.protection import HONEYPOT, TIME_FIELD, form_time, is_timely
from newsletter.subscribers.suppression import is_suppressed
from newsletter.subscribers.unsubscribing import left_just_now

AREAS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip


DIGEST, UPDATES, OFFERS = Newsletter.Kind.DIGEST, Newsletter.Kind.ANNOUNCEMENTS, Newsletter.Kind.OFFERS
# Whole sentences, as words are put in another order elsewhere. None promises what no tick below it would agree to.
INVITATIONS = {
    frozenset({DIGEST}): _("Sign up to get the latest news."),
    frozenset({UPDATES}): _("Sign up to get updates."),
    frozenset({OFFERS}): _("Sign up to get special offers."),
    frozenset({DIGEST, UPDATES}): _("Sign up to get the latest news and updates."),
    frozenset({DIGEST, OFFERS}): _("Sign up to get the latest news and special offers."),
    frozenset({UPDATES, OFFERS}): _("Sign up to get updates and special offers."),
    frozenset({DIGEST, UPDATES, OFFERS}): _("Sign up to get the latest news, updates and special offers."),
}


def sign_up_page(
    *,
    form: SubscribeForm | None = None,
    newsletter: Newsletter | None = None,
    page_url: str = "",
    topics: Sequence[Topic] | None = None,
) -> dict[str, Any]:
    """A sign-up form: for all open newsletters, or for one. A form that was refused keeps what was entered.

    ``topics`` are all that there are, where they are known already.
    """
    newsletters = [newsletter] if newsletter else list(Newsletter.objects.open())
    sent = form.sent if form else None
    digests = [each for each in newsletters if each.kind == Newsletter.Kind.DIGEST]
    return {
        "newsletters": [each for each in newsletters if each.is_open],
        "only_newsletter": newsletter,
        "invitation": INVITATIONS.get(frozenset(Newsletter.Kind(each.kind) for each in newsletters), ""),
        "topics": _all_topics(topics) if digests else [],
        "cadences": _cadences(digests),
        "form": form,
        "chosen_newsletters": sent.getlist("newsletters") if sent else [],
        "chosen_topics": sent.getlist("topics") if sent else [],
        "chosen_cadence": sent.get("cadence") if sent else (digests[0].default_cadence if digests else ""),
        "asks_measuring": measuring.is_offered(newsletters),
        "is_measuring_ticked": measuring.FIELD in sent if sent else False,
        "measuring_words": measuring.words(),
        "honeypot": HONEYPOT,
        "form_time": _time_of(form),
        "page_url": form.page_url if form else page_url,
    }


def address_form(form: Form) -> dict[str, Any]:
    """A form with one address, which mails whoever has it."""
    return {"form": form, "honeypot": HONEYPOT, "form_time": _time_of(form)}


def _all_topics(known: Sequence[Topic] | None) -> list[Topic]:
    return list(Topic.objects.all() if known is None else known)


def _time_of(form: Form | None) -> str:
    """A form that is shown again keeps its time: whoever only clicks once more is no robot for being quick."""
    sent = form.data.get(TIME_FIELD, "") if form else ""
    return sent if sent and is_timely(sent) else form_time()


def preferences_page(subscriber: Subscriber, *, now: datetime) -> dict[str, Any]:
    """Everything that a reader can change, as it is now."""
    subscriptions = {
        each.newsletter_id: each for each in subscriber.subscriptions.select_related("topic_set").order_by("pk")
    }
    entries = [_entry(each, subscriptions.get(each.pk)) for each in offered_newsletters(subscriber)]
    paused = [each.paused_until for each in subscriptions.values() if each.status == Subscription.Status.PAUSED]
    left = left_just_now(subscriber, now)
    return {
        "subscriber": subscriber,
        "is_suppressed": is_suppressed(subscriber.email),
        "left": left,
        "reasons": Farewell.Reason.choices,
        "has_said_why": Farewell.objects.filter(subscription__in=left).exists(),
        "entries": entries,
        "has_any": any(entry["is_wanted"] for entry in entries),
        "topics": list(Topic.objects.all()),
        "is_paused": bool(paused),
        "silent": _asleep(subscriber) if paused else [],
        "paused_until": max((each for each in paused if each), default=None),
        "languages": _languages(),
        "time_zones": _zones(subscriber.time_zone),
        "formats": Subscriber.Format.choices,
        "asks_measuring": subscriber.allows_measuring or measuring.is_offered(entry["newsletter"] for entry in entries),
        "is_measuring_ticked": subscriber.allows_measuring,
        "measuring_words": measuring.words(),
        "lowered": [each for each in lowered(subscriber) if each.may_be_kept],
        "first_day": now.date() + timedelta(days=1),
    }


def _asleep(subscriber: Subscriber) -> list[str]:
    """The names of the newsletters that pause because nothing was heard of the reader for long."""
    asleep = Silence.objects.filter(subscription__subscriber=subscriber, stage=Silence.Stage.PAUSED)
    still = asleep.filter(subscription__status=Subscription.Status.PAUSED).order_by("pk")
    return list(still.values_list("subscription__newsletter__name", flat=True))


def _entry(newsletter: Newsletter, subscription: Subscription | None) -> dict[str, Any]:
    joined = {Subscription.Status.ACTIVE, Subscription.Status.PAUSED}
    topic_set = subscription.topic_set if subscription else None
    return {
        "newsletter": newsletter,
        "is_wanted": bool(subscription and subscription.status in joined),
        "cadence": newsletter.cadence_near(subscription.cadence) if subscription else newsletter.default_cadence,
        "cadences": newsletter.cadence_choices(),
        "hour": subscription.hour if subscription else None,
        "weekday": subscription.weekday if subscription else None,
        "hours": [(hour, time(hour)) for hour in newsletter.offered_hours()],
        "weekdays": _weekdays(newsletter),
        "topic_pks": topic_set.topic_pks if topic_set else frozenset(),
        "has_topics": newsletter.kind == Newsletter.Kind.DIGEST,
    }


def _weekdays(newsletter: Newsletter) -> list[tuple[int, str]]:
    """The days that weekly readers may choose from; none if there is no weekly issue."""
    offered = newsletter.offered_weekdays if Cadence.WEEKLY in newsletter.cadences else []
    return [(value, str(label)) for value, label in Weekday.choices if value in offered]


def _zones(own: str) -> list[str]:
    """Places by name, without the aliases that the database keeps for old systems; the reader's own always."""
    areas = tuple(f"{area}/" for area in AREAS)
    return sorted({"UTC", *(zone for zone in available_timezones() if zone.startswith(areas)), *filter(None, [own])})


def _cadences(newsletters: list[Newsletter]) -> list[tuple[str, str]]:
    offered = {value for newsletter in newsletters for value in newsletter.cadences}
    return [(value, str(label)) for value, label in Cadence.choices if value in offered]


def _languages() -> list[tuple[str, str]]:
    """The site's own language, those that it is translated into and those of its newsletters, by their own names."""
    spoken = Newsletter.objects.order_by().values_list("language", flat=True).distinct()
    codes = sorted({*translated_languages(), *spoken} & set(dict(settings.LANGUAGES)))
    return [(code, get_language_info(code)["name_local"]) for code in codes]
