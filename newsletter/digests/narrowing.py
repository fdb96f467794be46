"""Which of a newsletter's readers something written by hand is for: those who follow some topics, have a label, read a
language, opened or clicked something lately or did not. The cadence is the issue's own. It is kept by ids: a label or
topic that is gone narrows to nobody, so that deleting one never mails everybody.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from articles.models import Topic
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Cadence, Label, Newsletter, Subscriber, Subscription, TopicSet

type Readers = QuerySet[Subscription, Any]


class Activity(models.TextChoices):
    """What was seen of readers who agreed to be measured, in the newsletter's own mails."""

    ACTIVE = "active", gettext_lazy("opened or clicked something")
    INACTIVE = "inactive", gettext_lazy("got mails and did neither")


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Empty: everybody.

    Topics are those that somebody follows in any digest; who follows all of them follows these as well. Who named no
    language reads the newsletter's. ``activity`` is that of the ``days`` before the issue leaves; who is not measured
    is neither active nor inactive.
    """

    topics: tuple[int, ...] = ()
    label: int | None = None
    language: str = ""
    activity: str = ""
    days: int = 0

    @classmethod
    def of(cls, issue: Issue) -> Narrowing:
        return cls.from_json(issue.narrowing or {})

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Narrowing:
        topics, label, language = tuple(kept.get("topics", ())), kept.get("label"), kept.get("language", "")
        return cls(topics, label, language, kept.get("activity", ""), kept.get("days", 0))

    def as_json(self) -> dict[str, Any]:
        """What ``Issue.narrowing`` keeps."""
        values = {"topics": list(self.topics), "label": self.label, "language": self.language}
        values |= {"activity": self.activity, "days": self.days if self.activity else 0}
        return {name: value for name, value in values.items() if value}

    def apply(self, readers: Readers, newsletter: Newsletter, *, at: datetime) -> Readers:
        """Those of the readers for whom it is, if the issue leaves ``at``. One select, however many there are."""
        if self.topics:
            readers = readers.filter(Exists(_following(self.topics)))
        if self.label:
            labeled = Subscriber.labels.through.objects.filter(label=self.label, subscriber=OuterRef("subscriber"))
            readers = readers.filter(Exists(labeled))
        if self.language:
            readers = readers.filter(_reads(self.language, newsletter))
        if self.activity:
            readers = readers.filter(_was(self.activity, newsletter, since=at - timedelta(days=self.days), until=at))
        return readers


def in_words(issue: Issue) -> Iterator[str]:
    """What the issue is narrowed to, a phrase for each condition; none if it is for everybody."""
    return conditions(Narrowing.of(issue), issue.cadence)


def conditions(narrowing: Narrowing, cadence: str) -> Iterator[str]:
    """The same for what is not, or no longer, an issue's."""
    if cadence:
        yield _("chose “%(cadence)s”") % {"cadence": Cadence(cadence).label}
    if narrowing.topics:
        names = list(Topic.objects.filter(pk__in=narrowing.topics).values_list("name", flat=True))
        yield _("follow %(topics)s") % {"topics": ", ".join(names) or _("a topic that was deleted")}
    if narrowing.label:
        label = Label.objects.filter(pk=narrowing.label).first()
        yield _("have the label “%(label)s”") % {"label": label or _("deleted")}
    if narrowing.language:
        yield _("read %(language)s") % {"language": name_of(narrowing.language)}
    if narrowing.activity:
        yield _in_words(narrowing)


def _in_words(narrowing: Narrowing) -> str:
    if narrowing.activity == Activity.ACTIVE:
        told = ngettext(
            "agreed to be measured and opened or clicked something in the last %(days)d day",
            "agreed to be measured and opened or clicked something in the last %(days)d days",
            narrowing.days,
        )
    else:
        told = ngettext(
            "agreed to be measured, got mails in the last %(days)d day and neither opened nor clicked one",
            "agreed to be measured, got mails in the last %(days)d days and neither opened nor clicked one",
            narrowing.days,
        )
    return told % {"days": narrowing.days}


def name_of(language: str) -> str:
    """The language's name in the desk's language; its code if nobody knows it."""
    try:
        return str(get_language_info(language)["name_translated"])
    except KeyError:
        return language


def _following(topics: Collection[int]) -> Readers:
    sets = TopicSet.objects.filter(topics__in=topics).order_by().values("pk")
    follows = Q(topic_set__in=sets)
    if Topic.objects.filter(pk__in=topics).exists():
        follows |= Q(topic_set=None)
    digests = Subscription.objects.filter(newsletter__kind=Newsletter.Kind.DIGEST, status=Subscription.Status.ACTIVE)
    return digests.filter(follows, subscriber=OuterRef("subscriber"))


def _was(activity: str, newsletter: Newsletter, *, since: datetime, until: datetime) -> Q:
    """By the ledger and what was reported of it, which the parts above keep."""
    if not newsletter.is_measured:
        return Q(pk__in=[])
    measured = Subscriber.objects.filter(pk=OuterRef("subscriber"), allows_measuring=True)
    of_it = {"sends__campaign__issue__newsletter": newsletter}
    seen = measured.filter(
        sends__events__kind__in=["opened", "clicked"],
        sends__events__at__gt=since,
        sends__events__at__lte=until,
        **of_it,
    )
    if activity == Activity.ACTIVE:
        return Q(Exists(seen))
    mailed = measured.filter(sends__status="sent", sends__settled_at__gt=since, sends__settled_at__lte=until, **of_it)
    return Q(Exists(mailed)) & ~Q(Exists(seen))


def _reads(language: str, newsletter: Newsletter) -> Q:
    """A region is a kind of its language: who reads “pt-br” reads “pt”."""
    theirs = Q(subscriber__language=language) | Q(subscriber__language__startswith=f"{language}-")
    is_usual = newsletter.language == language or newsletter.language.startswith(f"{language}-")
    return theirs | Q(subscriber__language="") if is_usual else theirs
