"""Mails that nobody gets: of the newest articles, or of made-up ones, to see a look or to try the templates with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from articles.models import Publication
from newsletter.digests import stories
from newsletter.digests.models import Appearance, Issue
from newsletter.digests.rendering import IssueRenderer, RenderedMail
from newsletter.digests.stories import Picture, Story
from newsletter.lib import slots
from newsletter.lib.dates import full_date
from newsletter.lib.slots import Slot
from newsletter.subscribers.models import Newsletter

STORIES, HEADLINES = 7, 4
NOWHERE = "of-a-sample-and-leads-nowhere"


def sample_mail(appearance: Appearance, *, now: datetime) -> RenderedMail:
    """The next issue as it would look, with the newest articles. At most 5 queries. Raises RenderingError."""
    newsletter = appearance.newsletter
    with translation.override(newsletter.language):
        found = stories.latest(newsletter.language, count=STORIES + HEADLINES, now=now) or made_up()
        intro = _("This is where your own words stand: two sentences on what matters today.")
    issue = Issue(newsletter=newsletter, number=1, send_at=now, intro=intro)
    return IssueRenderer(issue, appearance=appearance).render_stories(found[:STORIES], found[STORIES:])


@dataclass(frozen=True)
class Trial:
    """A mail that is made to see whether it can be: ``run`` raises RenderingError if it cannot."""

    name: str
    run: Callable[[], RenderedMail]


def trials(*, now: datetime) -> Iterator[Trial]:
    """A digest and an announcement of every layout, in a script of either direction. They ask no database."""
    for layout in Appearance.Layout.values:
        yield trial_of(layout=layout, now=now)
        yield trial_of(layout=layout, now=now, kind=Newsletter.Kind.ANNOUNCEMENTS, language="ar")


def trial_of(
    *, layout: str, now: datetime, kind: str = Newsletter.Kind.DIGEST, language: str = "en", **look: str
) -> Trial:
    """One mail with everything that it may show, in this look."""
    newsletter = Newsletter(
        pk=1, name="Latest news", slug="sample", kind=kind, language=language, postal_address="1 Quay Street"
    )
    appearance = Appearance(
        newsletter=newsletter, layout=layout, greeting="Good morning.", shows_authors=True, groups_by_topic=True,
        read_more="Read on", closing="Write to us.", asks_rating=True, **look,
    )  # fmt: skip
    issue = Issue(newsletter=newsletter, number=1, send_at=now, subject="Sample", intro="Words.", body="More.")
    renderer = IssueRenderer(issue, appearance=appearance, publication=Publication())
    return Trial(f"{layout}, {kind}", partial(_run, renderer))


def _run(renderer: IssueRenderer) -> RenderedMail:
    found = made_up()
    return renderer.render_stories(found[:STORIES], found[STORIES:])


def made_up() -> list[Story]:
    """Stories with all that a story can have: long and short, with and without picture, paid for, right to left."""
    url = f"{settings.SITE_URL}/media/sample-0a1b2c3d-1200x800.jpg"
    picture = Picture(url, 1200, 800, "The ferry at dawn", "A. Hill")
    return [
        Story(
            pk=-number, headline=f"Ferry “{number}” & the old slipway", summary="It sails again. " * number,
            url=f"{settings.SITE_URL}/articles/sample-{number}/", label="Harbor" if number % 3 else "", topic="Harbor",
            byline="By Ada Merrin", is_sponsored=number == 5, language="ar" if number == 6 else "",
            direction="rtl" if number == 6 else "", picture=picture if number % 4 < 2 else None,
            thumbnail=picture if number % 4 < 2 else None,
        )
        for number in range(1, STORIES + HEADLINES + 1)
    ]  # fmt: skip


def html_for(mail: RenderedMail, *, now: datetime, is_dark: bool = False) -> str:
    """The mail as a reader called Ada would see it, to be shown within this site; ``is_dark`` as on a dark screen."""
    html = slots.fill(mail.html, {name: escape(value) for name, value in values_for(mail, now=now).items()})
    scheme = "dark" if is_dark else "light"
    html = html.replace("@media (prefers-color-scheme: dark)", "@media all" if is_dark else "@media not all")
    html = html.replace("color-scheme: light dark", f"color-scheme: {scheme}")
    return html.replace(f'="{settings.SITE_URL}/', '="/')


def text_for(mail: RenderedMail, *, now: datetime) -> str:
    """The text part as a reader called Ada would get it."""
    return slots.fill(mail.text, values_for(mail, now=now))


def values_for(mail: RenderedMail, *, now: datetime) -> dict[str, str]:
    """A made-up reader's values, by slot name, not escaped."""
    name = "Ada"
    with translation.override(mail.language or settings.LANGUAGE_CODE):
        signed_up_on = full_date(now)
    return {
        Slot.NAME: name,
        Slot.EMAIL: "ada@example.org",
        Slot.GREETING: mail.greeting.to(name),
        Slot.SIGNED_UP_ON: signed_up_on,
        Slot.UNSUBSCRIBE_URL: f"{settings.SITE_URL}/unsubscribe/{NOWHERE}/",
        Slot.PREFERENCES_URL: f"{settings.SITE_URL}/preferences/{NOWHERE}/",
        Slot.RATING_URL: f"{settings.SITE_URL}/rate/{NOWHERE}/",
    }
