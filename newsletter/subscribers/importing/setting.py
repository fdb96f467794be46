"""What is the same for all rows of a run, and looked up once."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from articles.models import Topic
from newsletter.subscribers.models import ConsentWording, ImportRun, Newsletter, TopicSet


class Setting:
    """Newsletters, topics and wordings, by what rows call them. Nothing is made of a dry run (``writes`` is False)."""

    def __init__(self, run: ImportRun, *, writes: bool) -> None:
        self.run_id, self.writes, self.asks = run.pk, writes, run.confirms_missing_consent
        self.brings_labels = run.brings_labels
        self.newsletters = {each.slug: each for each in Newsletter.objects.all()}
        self.newsletter_ids = {slug: each.pk for slug, each in self.newsletters.items()}
        names = {each.name.lower(): slug for slug, each in self.newsletters.items()}
        self.newsletter_names = names | {slug: slug for slug in self.newsletters}
        self.default = run.newsletter.slug if run.newsletter else ""
        self.note = _("import: %(file)s") % {"file": run.file_name}
        self.ground = run.ground or _("imported: %(file)s") % {"file": run.file_name}
        self._offers: dict[tuple[str, str], tuple[int, str]] = {}
        self._topics = dict(Topic.objects.values_list("slug", "pk"))
        self.look_up_anew(run)

    def look_up_anew(self, run: ImportRun) -> None:
        """A chunk was rolled back, and with it perhaps what was made for it."""
        self._topic_sets: dict[str, int | None] = {"": None}
        self._wordings: dict[tuple[str, str, str], Any] = {}
        self._asked_count = run.counts.get("asked", 0) if self.writes else 0

    def offer(self, slug: str, wanted: str) -> tuple[int, str]:
        """The newsletter's primary key, and the cadence that it has for somebody who wants this one."""
        if (offer := self._offers.get((slug, wanted))) is None:
            newsletter = self.newsletters[slug]
            offer = self._offers[slug, wanted] = self.newsletter_ids[slug], newsletter.cadence_or_default(wanted)
        return offer

    def topic_set_id(self, slugs: str) -> int | None:
        if slugs not in self._topic_sets:
            topics = Topic.objects.filter(slug__in=[slug for slug in slugs.split() if slug in self._topics])
            topic_set = TopicSet.objects.of(topics) if self.writes else None
            self._topic_sets[slugs] = topic_set.pk if topic_set else None
        return self._topic_sets[slugs]

    def wording_id(self, slug: str, *, text: str = "", language: str = "") -> int | None:
        """The wording that people agreed to, or else how they are said to have agreed."""
        key = (slug, text, language)
        if key not in self._wordings and self.writes:
            newsletter = self.newsletters[slug]
            wording = ConsentWording.objects.stated(newsletter, text or self.ground, language=language)
            self._wordings[key] = wording.pk
        return self._wordings.get(key)

    def next_asked(self) -> int:
        """How many confirmation mails were planned before this one."""
        self._asked_count += 1
        return self._asked_count - 1
