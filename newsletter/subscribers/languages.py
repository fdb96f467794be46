"""The language in which we speak to one reader: theirs, or else that of what they read."""

from __future__ import annotations

from newsletter.lib.languages import is_translated
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription


def language_of(subscriber: Subscriber, *, newsletter: Newsletter | None = None) -> str:
    """The reader's own if they chose one that we are translated into, or the newsletter's.

    Where it is about no newsletter in particular: that of the first that they get, or got; "" (the site's) if there is
    none. 1 query then.
    """
    own = subscriber.language
    if own and (is_translated(own) or (newsletter and own == newsletter.language)):
        return own
    return newsletter.language if newsletter else _of_what_they_read(subscriber)


def _of_what_they_read(subscriber: Subscriber) -> str:
    rows = subscriber.subscriptions.order_by("newsletter__position", "pk").values_list("status", "newsletter__language")
    languages = {status != Subscription.Status.ENDED: language for status, language in reversed(rows)}
    return languages.get(True) or languages.get(False, "")
