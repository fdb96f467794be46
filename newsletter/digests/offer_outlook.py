"""What an offer's page at the desk tells: how mails show it, which issues carried it, why it is (not) in the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from articles.models import Publication
from newsletter.digests import blocks, carrying
from newsletter.digests.ads import ad_of
from newsletter.digests.looks import Look
from newsletter.digests.models import Appearance, Issue, IssueOffer, Offer
from newsletter.lib.numbers import grouped
from newsletter.subscribers.models import Newsletter

MOST_ISSUES = 10


@dataclass(frozen=True)
class Shown:
    """An offer as a newsletter's mails show it: a page for a frame, and plain text."""

    html: str
    text: str


def preview(offer: Offer) -> Shown | None:
    """In the language and look of the first newsletter that it is booked in. None if it is booked in none."""
    newsletter = offer.newsletters.order_by("position", "pk").first()
    if newsletter is None:
        return None
    with translation.override(newsletter.language):
        look, ad = Look.of(Appearance.of(newsletter), Publication.current()), ad_of(offer)
        shown = [SafeString(blocks.html_offer(ad, look))]
        html = render_to_string("digests/article_preview.html", {"blocks": shown, "look": look})
        return Shown(html, blocks.text_offer(ad, look))


def standings(offer: Offer, *, now: datetime) -> Iterator[tuple[str, str]]:
    """newsletter -> whether its next issue carries the offer, and why (not). Some queries for each newsletter."""
    for newsletter in offer.newsletters.order_by("position", "pk"):
        yield str(newsletter), _standing(offer, newsletter, now)


def carried_in(offer: Offer) -> Iterator[str]:
    """The latest issues with it, each with the count of mails."""
    rows = IssueOffer.objects.filter(offer=offer).select_related("issue__newsletter").order_by("-pk")[:MOST_ISSUES]
    for row in rows:
        values = {"issue": row.issue, "count": grouped(row.shown_count)}
        yield _("%(issue)s: in %(count)s mails") % values


def _standing(offer: Offer, newsletter: Newsletter, now: datetime) -> str:
    at = _next_run(newsletter) or now
    day = at.astimezone(ZoneInfo(newsletter.time_zone)).date()
    if why := _own_reason(offer, day):
        return why
    if not Newsletter.objects.filter(kind=Newsletter.Kind.OFFERS).exists():
        return _("not in: nobody can ask for offers, because there is no newsletter of offers")
    issue = Issue(newsletter=newsletter, send_at=at)
    coming = carrying.offers_of(issue, now=at)
    if offer.pk in {each.pk for each in coming}:
        return _("in the next issue, for readers who get a newsletter of offers")
    winner = next((each for each in coming if each.place == offer.place), None)
    return _("not in the next issue: it is the turn of “%(offer)s”") % {"offer": winner}


def _own_reason(offer: Offer, day: date) -> str:
    """What keeps it out of every newsletter on that day."""
    if offer.is_stopped:
        return _("not in: it was stopped")
    if offer.is_used_up:
        count = grouped(offer.ceiling or 0)
        return _("not in: as many mails as agreed carry it, %(count)s") % {"count": count}
    if offer.starts_on > day:
        return _("not in yet: it begins on %(day)s") % {"day": date_format(offer.starts_on, "j F")}
    if offer.ends_on < day:
        return _("not in: its last day was %(day)s") % {"day": date_format(offer.ends_on, "j F")}
    return ""


def _next_run(newsletter: Newsletter) -> datetime | None:
    planned = newsletter.schedules.filter(is_active=True, next_run_at__isnull=False).order_by("next_run_at", "pk")
    schedule = planned.first()
    return schedule.next_run_at if schedule else None
