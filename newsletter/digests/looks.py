"""The look of one issue's mails: what every piece of them has to know, in one value by which pieces are kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from django.utils.safestring import SafeString
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext as _

from articles import mail_look
from articles.mail_look import Palette
from articles.models import Publication
from newsletter.digests.models import Appearance
from newsletter.digests.prose import one_line
from newsletter.digests.stories import Picture, Story

UPRIGHT = {"ar", "fa", "he", "ja", "ko", "th", "ug", "ur", "zh"}  # languages whose scripts have no italics
SHORT_SUMMARY = 140  # characters
WHOLE_SENTENCES = re.compile(r".{40,}[.!?。؟](?=\s)|.{20,}。", re.DOTALL)

SMALL_PICTURE = 176  # CSS pixels: as wide as a thumbnail can be shown without becoming blurred

type Box = tuple[int, int]  # CSS pixels
# How large a picture is shown, by layout and place. Some mail programs ignore CSS, so it is written into the element.
BOXES: dict[tuple[str, str], Box] = {
    ("classic", "lead"): (552, 400),
    ("classic", "story"): (176, 176),
    ("magazine", "lead"): (552, 450),
    ("magazine", "story"): (264, 264),
    ("magazine", "card"): (264, 198),
    ("headlines", "lead"): (132, 132),
    ("headlines", "story"): (88, 88),
}


@dataclass(frozen=True)
class Look:
    """What every piece of an issue's mail needs to know. Made within the newsletter's language."""

    language: str
    direction: str
    palette: Palette
    accent: str
    accent_dark: str
    face: SafeString
    face_outlook: SafeString
    sans: SafeString
    layout: str
    pictures: str
    summaries: str
    groups_by_topic: bool
    shows_topics: bool
    shows_authors: bool
    read_more: str
    more_title: str
    rest_title: str

    @classmethod
    def of(cls, appearance: Appearance, publication: Publication) -> Look:
        """The look that the desk chose for a newsletter, in its language, which must be the active one."""
        newsletter = appearance.newsletter
        typeface = appearance.typeface or publication.typeface
        shared = mail_look.mail_look(accent=newsletter.accent_color, tone=appearance.tone, typeface=typeface)
        return cls(
            language=newsletter.language,
            direction="rtl" if get_language_bidi() else "ltr",
            **vars(shared),
            layout=appearance.layout,
            pictures=appearance.pictures,
            summaries=appearance.summaries,
            groups_by_topic=appearance.groups_by_topic,
            shows_topics=appearance.shows_topics,
            shows_authors=appearance.shows_authors,
            read_more=one_line(appearance.read_more),
            more_title=one_line(appearance.more_title) or _("More headlines"),
            rest_title=rest_title(appearance),
        )

    def turned(self, direction: str) -> Look:
        """The same look for a story that is written in the other direction; ``""`` is the mail's own."""
        return replace(self, direction=direction) if direction and direction != self.direction else self

    def summary_of(self, story: Story) -> str:
        """As much of the story's summary as this look shows."""
        if self.summaries == Appearance.Summaries.NONE:
            return ""
        return story.summary if self.summaries == Appearance.Summaries.FULL else shortened(story.summary)

    def shows_picture(self, *, is_lead: bool) -> bool:
        return self.pictures == Appearance.Pictures.ALL or (is_lead and self.pictures == Appearance.Pictures.LEAD)

    def picture_of(self, story: Story, place: str) -> Picture | None:
        """The story's picture at the size that it has at a place: ``lead``, ``story`` or ``card``."""
        if not self.shows_picture(is_lead=place == "lead"):
            return None
        box = BOXES[self.layout, place]
        large, small = story.picture, story.thumbnail
        chosen = large if box[0] > SMALL_PICTURE else small or large
        return chosen.within(box) if chosen else None

    def context(self) -> dict[str, object]:
        """For templates."""
        is_rtl = self.direction == "rtl"
        return {
            **vars(self),
            "folder": f"email/digest/{self.layout}",
            "slant": "normal" if self.language.partition("-")[0] in UPRIGHT else "italic",
            "start": "right" if is_rtl else "left",
            "end": "left" if is_rtl else "right",
        }


def rest_title(appearance: Appearance) -> str:
    """Of the stories without a topic, in the language that is active."""
    return one_line(appearance.rest_title) or _("More news")


def shortened(summary: str) -> str:
    """The whole sentences of a summary that stand in about two lines, or as many of its words."""
    if len(summary) <= SHORT_SUMMARY:
        return summary
    kept = summary[: SHORT_SUMMARY - 1]
    if sentences := WHOLE_SENTENCES.match(kept):
        return sentences[0]
    words = kept.rpartition(" ")[0] or kept
    return f"{words.rstrip(' ,;:-–')}…"
