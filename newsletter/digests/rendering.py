"""What a mail of an issue says and looks like: subject, HTML and text, with marks for a reader's own values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from html import unescape
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from articles.mail_look import logo_of
from articles.models import Publication
from newsletter.digests import ads, blocks, fitting, phrases, prose, stories, written
from newsletter.digests.ads import Ad
from newsletter.digests.archive import shown_items
from newsletter.digests.blocks import RenderingError
from newsletter.digests.greetings import Greeting
from newsletter.digests.layouts import Arrangement
from newsletter.digests.links import HREF, LONGEST
from newsletter.digests.looks import Look
from newsletter.digests.models import Appearance, Correction, Edition, EditionItem, Issue, Offer
from newsletter.digests.stories import Story
from newsletter.digests.web_version import WebLayout, WebVersion
from newsletter.lib.dates import folio_date
from newsletter.subscribers.models import Newsletter

__all__ = ["IssueRenderer", "RenderedMail", "RenderingError", "render_edition", "render_web"]

INTRO_CHARACTERS = 2_000
PREHEADER_CHARACTERS = 140
BLANK_LINES = re.compile(r"\n{3,}")


@dataclass(frozen=True)
class RenderedMail:
    """One edition's content. ``html`` and ``text`` carry the marks of newsletter.lib.slots, ``subject`` never does."""

    subject: str
    html: str
    text: str
    greeting: Greeting = field(default_factory=Greeting)
    links: Mapping[str, int | None] = field(default_factory=dict)  # that may be measured, each with the id of its story
    language: str = ""  # of the newsletter; empty: the site's


def render_edition(*, edition: Edition, withdrawn: Collection[int] = ()) -> RenderedMail | None:
    """The edition's mail without withdrawn articles; None if nothing is left to say. Raises RenderingError.

    At most 8 queries, whatever the number of articles. Who renders many editions of an issue keeps an IssueRenderer.
    """
    issue = Issue.objects.select_related("newsletter").get(pk=edition.issue_id)
    items = edition.items.order_by("position", "pk")
    carried = edition.offer_items.filter(offer__is_stopped=False).select_related("offer").order_by("pk")
    offers = [row.offer for row in carried]
    return IssueRenderer(issue).render(items, withdrawn=withdrawn, offers=offers, is_short=edition.is_short)


class IssueRenderer:
    """Renders the editions of one issue. It reads the issue's articles once (5 queries), editions cost none after that.

    An edition of known articles costs about 0.5 ms, a template render only what no edition before it had.
    """

    def __init__(
        self, issue: Issue, *, appearance: Appearance | None = None, publication: Publication | None = None
    ) -> None:
        """``appearance`` and ``publication`` are what the database has, unless they are given."""
        self.issue = issue
        self.newsletter: Newsletter = issue.newsletter
        self.appearance = appearance or Appearance.of(issue.newsletter)
        self._given_publication = publication
        self._stories: dict[int, Story] = {}
        self._asked: set[int] | None = None

    def render(
        self, items: Iterable[EditionItem], *, withdrawn: Collection[int] = (), offers: Iterable[Offer] = (),
        is_short: bool = False,
    ) -> RenderedMail | None:  # fmt: skip
        """The mail of these items, in their order, with these offers at their places; ``is_short``: and how many
        stories more are on the web.

        None if nothing is left to say: offers and advertisements alone are never sent. Raises RenderingError.
        """
        items = [item for item in items if item.article_id not in withdrawn]
        language = translation.override(self.newsletter.language)
        with language, timezone.override(self.newsletter.time_zone):
            full, headlines = self._placed(items)
            frame = self._frame
            if not frame.body and (not full or all(story.is_sponsored for story in (*full, *headlines))):
                return None
            left_out = max(self._told_count - len(full) - len(headlines), 0) if is_short else 0
            return self._mail(frame, full, headlines, ads.ads_of(offers), left_out=left_out)

    def render_stories(self, full: Sequence[Story], headlines: Sequence[Story] = ()) -> RenderedMail:
        """The mail with these stories, whatever the issue has. Raises RenderingError."""
        with translation.override(self.newsletter.language), timezone.override(self.newsletter.time_zone):
            return self._mail(self._frame, list(full), list(headlines))

    def render_web(self, *, now: datetime) -> WebVersion:
        """The issue as the archive shows it, whole: readers who chose topics may have got less."""
        pks = list(shown_items(now=now).filter(issue=self.issue).values_list("article_id", flat=True))
        with translation.override(self.newsletter.language), timezone.override(self.newsletter.time_zone):
            known = self._load(pks)
            told = [known[pk] for pk in pks if pk in known]
            count = self.issue.max_articles
            shown = self._ads_on_the_web(now) if told or self._frame.body else ()
            whole = Arrangement(self._frame.look, "", tuple(told[:count]), tuple(told[count:]), ads=shown)
            corrections = list(Correction.objects.of_issue(self.issue))
            context = {
                "frame": self._frame,
                "look": self._frame.look,
                "corrections": corrections,
                "newsletter_url": self.newsletter.get_absolute_url(),
                "layout": WebLayout(whole),
                "headlines": whole.headlines,
                "ads": whole.ads_at_end(),
                "reply_address": self.newsletter.reply_address,
            }
            html = render_to_string("digests/_issue.html", context)
        shown_html = mark_safe(html.replace(f'="{settings.SITE_URL}/', '="/'))  # noqa: S308 (the template escaped it)
        return WebVersion(shown_html, whole.stories, whole.headlines, corrections)

    @cached_property
    def _told_count(self) -> int:
        """How many stories its page on the web has."""
        return shown_items(now=self.issue.launched_at or self.issue.send_at).filter(issue=self.issue).count()

    def _ads_on_the_web(self, now: datetime) -> tuple[Ad, ...]:
        """Those that are not over: an issue is read for years, an offer is for so many days."""
        today = now.astimezone(ZoneInfo(self.newsletter.time_zone)).date()
        carried = self.issue.carried_offers.filter(offer__is_stopped=False, offer__ends_on__gte=today)
        return ads.ads_of(row.offer for row in carried.select_related("offer").order_by("pk"))

    def _placed(self, items: list[EditionItem]) -> tuple[list[Story], list[Story]]:
        known = self._load([item.article_id for item in items])
        told = [(item.placement, known[item.article_id]) for item in items if item.article_id in known]
        full = [story for placement, story in told if placement == EditionItem.Placement.STORY]
        headlines = [story for placement, story in told if placement != EditionItem.Placement.STORY]
        if headlines and not full:
            full = [headlines.pop(0)]
        return full, headlines

    def _load(self, pks: list[int]) -> dict[int, Story]:
        if self._asked is None or not self._asked.issuperset(pks):
            self._stories |= stories.load(self.issue, pks)
            self._asked = {*(self._asked or ()), *pks, *self._stories}
        return self._stories

    def _mail(
        self, frame: blocks.Frame, full: list[Story], headlines: list[Story], shown: tuple[Ad, ...] = (), *,
        left_out: int = 0,
    ) -> RenderedMail:  # fmt: skip
        html_frame, text_frame = blocks.frame(frame)
        wanted = Arrangement(frame.look, frame.web_url, stories=tuple(full), headlines=tuple(headlines), ads=shown)
        wanted = replace(wanted, left_out=left_out)
        longer = fitting.MEASURED_BYTES if self.newsletter.is_measured else 0
        arrangement, articles = fitting.fit(wanted, room=fitting.MOST_BYTES - longer - len(html_frame.encode()))
        subject = self._subject(frame, arrangement.lead)
        pieces = {
            "subject": blocks.in_html(subject),
            "preheader": blocks.in_html(self._preheader(frame, arrangement)),
            "articles": articles,
            "past_issues": self._past_issues(frame, html_frame + articles),
        }
        html = blocks.put_together(html_frame, pieces)
        if len(html.encode()) > fitting.MOST_BYTES + 2_000:
            raise RenderingError(_("The mail is too long: %(bytes)d bytes.") % {"bytes": len(html.encode())})
        text = blocks.put_together(text_frame, {"subject": subject, "preheader": "", "articles": arrangement.text()})
        text = BLANK_LINES.sub("\n\n", text).strip() + "\n"
        greeting, links = Greeting.of(self.appearance, self._names), _links(frame, arrangement)
        return RenderedMail(subject, html, text, greeting, links, self.newsletter.language)

    def _past_issues(self, frame: blocks.Frame, html: str) -> str:
        """A link to the archive, if the mail would have an odd number of addresses without it.

        rspamd takes that for a sign of a machine (URI_COUNT_ODD), and every second digest would carry it.
        """
        if (html.count("<a ") + html.count("<img ")) % 2 == 0:
            return ""
        return blocks.html_part("past_issues", frame.look, url=stories.absolute(self.newsletter.get_absolute_url()))

    def _subject(self, frame: blocks.Frame, lead: Story | None) -> str:
        own, headline = prose.one_line(self.issue.subject), lead.headline if lead else ""
        if headline and self.appearance.subject_pattern:
            values = {**self._names, "headline": headline, "date": frame.date, "number": str(frame.number)}
            headline = prose.one_line(phrases.filled(self.appearance.subject_pattern, values))
        return blocks.subject(frame.template, own, headline, prose.one_line(self.newsletter.name))

    def _preheader(self, frame: blocks.Frame, arrangement: Arrangement) -> str:
        """The editor's preview line, or what the subject does not say yet."""
        own = prose.one_line(self.issue.preheader)
        others = " · ".join(story.headline for story in (*arrangement.stories[1:], *arrangement.headlines)[:4])
        lead = arrangement.lead
        text = own or others or (lead.summary if lead else prose.one_line(frame.body_text))
        return Truncator(text).chars(PREHEADER_CHARACTERS)

    @cached_property
    def _publication(self) -> Publication:
        return self._given_publication or Publication.current()

    @cached_property
    def _names(self) -> dict[str, str]:
        """What a publisher's phrases may name besides a story."""
        return {"newsletter": self.newsletter.name, "publication": self._publication.title}

    def _question(self) -> str:
        """What readers are asked; an alert, a correction and an advertisement ask nothing."""
        is_asked = self.appearance.asks_rating and not self.issue.is_alert and self.issue.correction_id is None
        if not is_asked or self.newsletter.kind == Newsletter.Kind.OFFERS:
            return ""
        return question_of(self.appearance)

    @cached_property
    def _frame(self) -> blocks.Frame:
        issue, newsletter = self.issue, self.newsletter
        has_body = newsletter.kind != Newsletter.Kind.DIGEST or issue.correction_id is not None
        intro = prose.to_html(issue.intro, max_characters=INTRO_CHARACTERS)
        body = written.html_of(issue.body if has_body else "")
        return blocks.Frame(
            template="announcement" if has_body else "digest",
            look=Look.of(self.appearance, self._publication),
            site_name=prose.one_line(self._publication.title),
            site_url=settings.SITE_URL,
            name=prose.one_line(newsletter.name),
            logo=logo_of(self._publication) if self.appearance.shows_logo else None,
            date=folio_date(issue.launched_at or issue.send_at),
            number=issue.number,
            heading=prose.one_line(issue.subject),
            greets=bool(self.appearance.greeting) and not issue.is_alert,
            intro=intro,
            intro_text=prose.to_text(intro),
            body=body,
            body_text=prose.to_text(body),
            web_url=stories.absolute(issue.get_absolute_url()),
            postal_address=prose.one_line(newsletter.postal_address),
            closing=prose.one_line(phrases.filled(self.appearance.closing, self._names)),
            question=self._question(),
            is_advertisement=newsletter.kind == Newsletter.Kind.OFFERS,
            is_alert=issue.is_alert,
        )


def _links(frame: blocks.Frame, arrangement: Arrangement) -> dict[str, int | None]:
    """Where the mail leads but for what is the reader's own, and where it can be read on the web."""
    written_in = HREF.findall(frame.intro + frame.body)
    found: dict[str, int | None] = {unescape(url): None for url in written_in}
    found |= {ad.url: None for ad in arrangement.ads}
    found |= {story.url: story.pk for story in (*arrangement.stories, *arrangement.headlines)}
    return {url: pk for url, pk in found.items() if url != frame.web_url and len(url) <= LONGEST}


def question_of(appearance: Appearance) -> str:
    """The newsletter's own question to its readers, or ours in the active language."""
    return prose.one_line(appearance.rating_question) or _("Was this issue worth your time?")


def render_web(*, issue: Issue, now: datetime) -> WebVersion:
    """The issue's content for its page in the archive, without anybody's own links. 8 queries."""
    return IssueRenderer(issue).render_web(now=now)
