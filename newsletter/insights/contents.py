"""What became of each article of an issue for one reader: in their mail, had before, not their topic, taken out."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.delivery import archive, having
from newsletter.delivery.models import Send
from newsletter.digests.models import EditionItem, Issue, IssueItem
from newsletter.subscribers.models import Subscriber

MOST_ARTICLES = 40


@dataclass(frozen=True, slots=True)
class Fate:
    """``is_in`` the reader's mail or not, and why in words."""

    title: str
    is_in: bool
    why: str


def contents(*, issue: Issue, subscriber: Subscriber, edition_id: int | None, topics: str) -> tuple[Fate, ...]:
    """``topics`` is a TopicSet's key, empty for all topics. 7 queries; at most MOST_ARTICLES, in the issue's order."""
    items = list(issue.items.select_related("article").order_by("position", "pk")[:MOST_ARTICLES])
    pks = [item.article_id for item in items]
    placed = dict(EditionItem.objects.filter(edition=edition_id).values_list("article_id", "placement"))
    had = _had_before(issue, subscriber, pks)
    older = having.before_they_joined(issue, subscriber, pks)
    chosen = {int(pk) for pk in topics.split(",") if pk.isdecimal()}
    others = _outside(pks, chosen)
    return tuple(
        Fate(item.title or item.article.title, item.article_id in placed, _why(item, placed, had, others, older))
        for item in items
    )


def _why(item: IssueItem, placed: dict[int, str], had: dict[int, str], others: set[int], older: set[int]) -> str:
    pk = item.article_id
    if pk in placed:
        return str(EditionItem.Placement(placed[pk]).label)
    if item.state == IssueItem.State.DROPPED:
        return _("an editor took it out")
    if item.state == IssueItem.State.LATER:
        return _("an editor kept it for the next issue")
    if item.article.status == Article.Status.WITHDRAWN:
        return _("withdrawn")
    if pk in had:
        return _("they had it in %(issue)s") % {"issue": had[pk]}
    if pk in older:
        return _("published before they joined; who gets every article begins with the next")
    if pk in others:
        return _("in none of the topics that they follow")
    return _("no room in their mail, or too little for one; it waits for the next")


def _had_before(issue: Issue, subscriber: Subscriber, pks: list[int]) -> dict[int, str]:
    """The earlier issue in which the reader had, or is getting, each of these articles."""
    sends = Send.objects.holding().filter(subscriber=subscriber, campaign__started_at__lt=issue.launched_at)
    archived = [each.edition_id for each in archive.of_reader(subscriber) if _came_before(each, issue)]
    they_got = Q(edition__in=sends.values("edition")) | Q(edition__in=archived)
    items = EditionItem.objects.filter(they_got, article__in=pks)
    found = items.select_related("edition__issue__newsletter").order_by("-edition__issue__send_at", "-pk")
    welcome = dict.fromkeys(having.welcomed_with(subscriber, pks), _("the welcome mail"))
    return welcome | {item.article_id: str(item.edition.issue) for item in found}


def _came_before(send: Send, issue: Issue) -> bool:
    launched_at = issue.launched_at
    return send.status == Send.Status.SENT and launched_at is not None and send.campaign.started_at < launched_at


def _outside(pks: list[int], chosen: set[int]) -> set[int]:
    """Those of the articles that have topics, but none of the chosen ones."""
    if not chosen:
        return set()
    topics_of: dict[int, set[int]] = {}
    for article, topic in Article.topics.through.objects.filter(article_id__in=pks).values_list(
        "article_id", "topic_id"
    ):
        topics_of.setdefault(article, set()).add(topic)
    return {article for article, topics in topics_of.items() if topics.isdisjoint(chosen)}
