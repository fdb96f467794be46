"""What the demo fills an empty site with. The town of Larkhaven and everybody in it are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

STORIES = Path(__file__).resolve().parent / "stories"

TOPICS = [
    ("town", "Town", "Streets, shops, trains, and what the neighbors are up to."),
    ("harbor", "Harbor", "Boats, fish, tides, and everything along the quay."),
    ("schools", "Schools", "What pupils and teachers do, from the first year to the last."),
    ("culture", "Culture", "Music, books, museums, and old things found under barns."),
    ("sport", "Sport", "Results and stories from the field and the water."),
    ("weather", "Weather", "What is coming, and what came."),
]
AUTHORS = [
    ("ada-merrin", "Ada Merrin"),
    ("ines-corrow", "Ines Corrow"),
    ("jonah-prewett", "Jonah Prewett"),
    ("mira-solund", "Mira Solund"),
    ("tobias-hale", "Tobias Hale"),
]
POSTAL_ADDRESS = "4 Old Quay, Larkhaven"
NEWSLETTERS = [
    {
        "slug": "latest-news",
        "kind": "digest",
        "name": "Latest news",
        "description": "New articles on the topics you choose, once a day or once a week. Never the same story twice.",
        "consent_text": "Yes, e-mail me new articles as often as I chose. I can leave at any time, with one click.",
        "cadences": ["daily", "weekly"],
        "sender": "news",
    },
    {
        "slug": "updates",
        "kind": "announcements",
        "name": "Updates",
        "description": "News about us, and the rare thing that cannot wait until tomorrow. A few mails a month.",
        "consent_text": "Yes, e-mail me announcements and alerts. I can leave at any time, with one click.",
        "cadences": [],
        "sender": "updates",
    },
    {
        "slug": "special-offers",
        "kind": "offers",
        "name": "Special offers",
        "description": "Offers from us and from shops nearby, always labeled as such. One mail a week at most.",
        "consent_text": "Yes, e-mail me offers from you and your sponsors. I can leave at any time, with one click.",
        "cadences": [],
        "sender": "offers",
    },
]
OFFER = {
    "advertiser": "Gull Holm Ferry",
    "title": "Two for one on the evening crossing",
    "text": "Show this mail on any boat after six: two people travel on one ticket, out and back.",
    "picture_alt": "Drawing of a wide calm sea at sunset with a bright path of light and a row of orange buoys.",
}
OFFER_SCENE = "sunset sea"


@dataclass(frozen=True)
class Story:
    """An article of the demo, as its file says it; ``scene`` is empty for one without a picture."""

    title: str
    summary: str
    topics: list[str]
    author: str
    scene: str
    alt: str
    age: timedelta  # released that long before now
    body: str


def stories() -> list[Story]:
    """All stories, as their files are numbered."""
    return [_story(path.read_text(encoding="utf-8")) for path in sorted(STORIES.glob("*.html"))]


def _story(text: str) -> Story:
    head, _blank, body = text.partition("\n\n")
    lines = dict(line.split(": ", 1) for line in head.splitlines())
    return Story(
        title=lines["Title"],
        summary=lines["Summary"],
        topics=lines["Topics"].split(", "),
        author=lines["Author"],
        scene=lines.get("Scene", ""),
        alt=lines.get("Alt", ""),
        age=timedelta(hours=float(lines["Hours"])),
        body=body.strip(),
    )
