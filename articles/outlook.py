"""What the parts above know of an article: where it stands in each newsletter, how it looks in a mail.

Nothing here knows of newsletters. The parts that do contribute what they can tell; config/urls.py says who does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from articles.models import Article


@dataclass(frozen=True)
class Standing:
    """Where an article stands in one newsletter, in a sentence. ``tone``: good, plain, warning or danger."""

    newsletter: str
    text: str
    tone: str = "plain"
    url: str = ""


@dataclass(frozen=True)
class MailPreview:
    """The article as mails of one newsletter show it: a whole HTML document, and the text part's words."""

    key: str
    newsletter: str
    html: str
    text: str


type StandingTeller = Callable[[Article, datetime], list[Standing]]
type ListTeller = Callable[[Sequence[Article], datetime], dict[int, list[Standing]]]
type EffectTeller = Callable[[Article, datetime], list[str]]
type PreviewMaker = Callable[[Article], list[MailPreview]]

_standings: list[StandingTeller] = []
_in_lists: list[ListTeller] = []
_effects: list[EffectTeller] = []
_previews: list[PreviewMaker] = []


def contribute(
    *,
    standings: StandingTeller | None = None,
    in_lists: ListTeller | None = None,
    effects: EffectTeller | None = None,
    previews: PreviewMaker | None = None,
) -> None:
    """Let a part above tell: standings, those of a list, effects of a withdrawal, previews. Again changes nothing."""
    told = ((_standings, standings), (_in_lists, in_lists), (_effects, effects), (_previews, previews))
    for known, teller in told:
        if teller is not None and teller not in known:
            known.append(teller)  # type: ignore[arg-type]


def standings(article: Article, *, now: datetime) -> list[Standing]:
    """One for each newsletter that could carry it."""
    return [standing for tell in _standings for standing in tell(article, now)]


def standings_in_list(articles: Sequence[Article], *, now: datetime) -> dict[int, list[Standing]]:
    """By article, shorter than on its page; as many queries for fifty as for one."""
    found: dict[int, list[Standing]] = {article.pk: [] for article in articles}
    for tell in _in_lists:
        for pk, standings in tell(articles, now).items():
            found[pk] += standings
    return found


def effects_of_withdrawing(article: Article, *, now: datetime) -> list[str]:
    """What withdrawing it now would do to mails, in sentences."""
    return [effect for tell in _effects for effect in tell(article, now)]


def mail_previews(article: Article) -> list[MailPreview]:
    """The article may be one that is not saved; its topics are asked for through ``article.topics.all()``."""
    return [preview for make in _previews for preview in make(article)]
