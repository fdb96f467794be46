"""What will come and how often, in a sentence: from what a newsletter really did, where that is known.

The figures are facts that the digests part writes down in ``Newsletter.rhythm`` (see newsletter/digests/rhythms.py);
without them only what is offered is promised.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.subscribers.models import Newsletter, Subscription

WEEKS_PER_MONTH = 4.35


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many mails a week a reader of one cadence gets, and how many articles are in each. 0 articles: unknown."""

    mails_per_week: float
    articles_per_mail: int = 0

    def as_fact(self) -> list[float]:
        """For ``Newsletter.rhythm``."""
        return [round(self.mails_per_week, 2), self.articles_per_mail]


def rhythm_of(newsletter: Newsletter, cadence: str) -> Rhythm | None:
    """The noted rhythm for readers of this cadence ("" for newsletters without one); None if none is known."""
    fact = newsletter.rhythm.get(cadence)
    return Rhythm(float(fact[0]), int(fact[1])) if fact and fact[0] > 0 else None


def promise(newsletter: Newsletter) -> str:
    """What a form says before anybody signs up: about how many mails, and which other choices there are."""
    if newsletter.kind != Newsletter.Kind.DIGEST:
        known = rhythm_of(newsletter, "")
        if known is None:
            return _("It comes when there is something to say.")
        return _("It comes when there is something to say, lately %(often)s.") % {"often": _how_often(known)}
    known = rhythm_of(newsletter, newsletter.default_cadence)
    if known is None:
        return _offered(newsletter)
    others = [label for value, label in newsletter.cadence_choices() if value != newsletter.default_cadence]
    told = _how_many(known)
    if not others:
        return _("%(mails)s, and none when there is no news.") % {"mails": told}
    return _("%(mails)s, and none when there is no news; %(cadences)s if you like that better.") % {
        "mails": told, "cadences": get_text_list(others, _("or")),
    }  # fmt: skip


def expectation(subscription: Subscription) -> str:
    """What this one reader will get: about how many mails at the cadence that they chose."""
    newsletter = subscription.newsletter
    if newsletter.kind != Newsletter.Kind.DIGEST:
        return promise(newsletter)
    known = rhythm_of(newsletter, subscription.cadence)
    if known is None:
        return _("It comes %(cadence)s, if there is news.") % {"cadence": subscription.get_cadence_display()}
    return _("%(mails)s, and none when there is no news.") % {"mails": _how_many(known)}


def _offered(newsletter: Newsletter) -> str:
    labels = [label for _value, label in newsletter.cadence_choices()]
    if len(labels) == 1:
        return _("It comes %(cadence)s, if there is news.") % {"cadence": labels[0]}
    choice = get_text_list(labels, _("or"))
    return _("It comes as often as you choose, %(cadences)s, and only if there is news.") % {"cadences": choice}


def _how_many(rhythm: Rhythm) -> str:
    """``About 5 mails a week with about 6 articles each``."""
    often = _how_often(rhythm)
    often = often[:1].upper() + often[1:]
    if not rhythm.articles_per_mail:
        return often
    articles = rhythm.articles_per_mail
    counted = ngettext("about %(count)d article", "about %(count)d articles", articles) % {"count": articles}
    return _("%(often)s with %(articles)s each") % {"often": often, "articles": counted}


def _how_often(rhythm: Rhythm) -> str:
    a_week, a_month = round(rhythm.mails_per_week), round(rhythm.mails_per_week * WEEKS_PER_MONTH)
    if rhythm.mails_per_week >= 1.5:
        return ngettext("about %(count)d mail a week", "about %(count)d mails a week", a_week) % {"count": a_week}
    if rhythm.mails_per_week >= 0.85:
        return _("about one mail a week")
    if a_month >= 2:
        return ngettext("about %(count)d mail a month", "about %(count)d mails a month", a_month) % {"count": a_month}
    return _("about one mail a month") if a_month else _("less than one mail a month")
