"""What one reader gets of an issue, or got on a day, and why: for the desk's preview."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import OuterRef
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from articles.writing import merging
from newsletter.delivery import archive, audience, capping, having
from newsletter.delivery.models import Send
from newsletter.digests import carrying, drafting, narrowing
from newsletter.digests.assembly import ANNOUNCEMENT, candidates, limits, placed, shortened, tells_the_silent_apart
from newsletter.digests.models import EditionItem, Issue, IssueItem
from newsletter.digests.rendering import IssueRenderer, RenderedMail, render_edition
from newsletter.digests.selection import Candidate, Offering, Selection
from newsletter.lib.addresses import address_key
from newsletter.subscribers.models import Subscriber, Subscription
from newsletter.subscribers.suppression import is_suppressed

MOST_FOUND = 10
MOST_SENDS = 400  # of a reader that are looked through for what they have had


@dataclass(frozen=True)
class Fate:
    """What becomes of a story for the reader."""

    headline: str
    is_in: bool
    why: str


@dataclass(frozen=True)
class Share:
    """What the reader gets: None if nothing, and ``sentence`` says why. ``issue`` may be an earlier one."""

    issue: Issue
    sentence: str
    mail: RenderedMail | None = None
    fates: Sequence[Fate] = ()


def find(text: str) -> list[Subscriber]:
    """Readers whose address begins with this. One query through an index."""
    key = address_key(text.strip()) if "@" in text else text.strip().casefold()
    return (
        list(Subscriber.objects.filter(address_key__startswith=key).order_by("address_key")[:MOST_FOUND]) if key else []
    )


def share_of(issue: Issue, reader: Subscriber, *, on: date | None, now: datetime) -> Share:
    """What they get of this issue now, or on a day to come, or got on one that is over. Raises RenderingError.

    For a day to come it is rehearsed: what an embargo releases by then is in it, and a pause that ends by then is over.
    """
    zone = ZoneInfo(issue.newsletter.time_zone)
    today = now.astimezone(zone).date()
    if on and on < today:
        return _of_that_day(issue, reader, on, zone)
    launched_on = issue.launched_at.astimezone(zone).date() if issue.launched_at else None
    if launched_on and on in {None, launched_on}:
        return _of_that_day(issue, reader, launched_on, zone, only=issue)
    is_for_later = today < issue.send_at.astimezone(zone).date()
    if on == today and is_for_later and (send := _find_send(issue, reader, today, zone)):
        return _share_in(send, today)
    at = now if on is None else max(now, _moment(issue, on, zone))
    if on is None or at <= now:
        return _at(issue, reader, at=now)
    with transaction.atomic():
        paused = Subscription.objects.filter(subscriber=reader, status=Subscription.Status.PAUSED, paused_until__lte=on)
        paused.update(status=Subscription.Status.ACTIVE, paused_until=None)
        then = Issue.objects.select_related("newsletter", "schedule").get(pk=issue.pk)
        drafting.refresh(then, now=at)
        share = _at(then, reader, at=at)
        transaction.set_rollback(True)
    return share


def _at(issue: Issue, reader: Subscriber, *, at: datetime) -> Share:
    subscription = Subscription.objects.filter(subscriber=reader, newsletter=issue.newsletter_id).first()
    if reason := _not_for(issue, reader, subscription):
        return Share(issue, reason)
    assert subscription
    return _to_come(issue, reader, subscription, at=at)


def _moment(issue: Issue, on: date, zone: ZoneInfo) -> datetime:
    """That day at the issue's time of day."""
    return datetime.combine(on, issue.send_at.astimezone(zone).time(), tzinfo=zone)


def _not_for(issue: Issue, reader: Subscriber, subscription: Subscription | None) -> str:
    if is_suppressed(reader.email):
        return _("They get nothing: their address is on the suppression list.")
    if subscription is None:
        return _("They have never signed up for %(newsletter)s.") % {"newsletter": issue.newsletter}
    if subscription.status != Subscription.Status.ACTIVE:
        state = subscription.get_status_display()
        return _("They get nothing: their subscription is %(state)s.") % {"state": state}
    if issue.cadence and subscription.cadence != issue.cadence:
        values = {"its": issue.get_cadence_display(), "theirs": subscription.get_cadence_display()}
        return _("They get nothing: the issue is for “%(its)s”, and they chose “%(theirs)s”.") % values
    if not audience.readers(issue).filter(pk=subscription.pk).exists():
        if conditions := list(narrowing.in_words(issue)):
            return _("They get nothing: the issue is for readers who %(what)s.") % {"what": ", ".join(conditions)}
        return _("They get nothing: their day of the week is another.")
    return ""


def _to_come(issue: Issue, reader: Subscriber, subscription: Subscription, *, at: datetime) -> Share:
    offered = candidates(issue, now=at)
    topics = _topics(subscription)
    offering = Offering(offered, limits(issue, offered))
    received = _received(issue, reader, [each.article_id for each in offered])
    had = sum(1 << n for n, each in enumerate(offered) if each.article_id in received)
    part = ANNOUNCEMENT if issue.is_written else offering.part(offering.interesting_to(topics) & ~had)
    if tells_the_silent_apart(issue) and audience.SILENT.filter(subscription=subscription).exists():
        part = shortened(part, news=offering.news)
    fates = _fates(issue, offered, part if isinstance(part, Selection) else None, topics=topics, received=received)
    if not isinstance(part, Selection):
        few = _("They get nothing: fewer stories are left for them than an issue needs.")
        return Share(issue, few if part.count else _("They get nothing: nothing in it is new for them."), fates=fates)
    if _is_fed_up(issue, reader, at=at):
        return Share(issue, _("They get nothing: they have as many mails that day as a day may bring."), fates=fates)
    rows = [EditionItem(article_id=pk, position=n, placement=to) for n, (pk, to) in enumerate(placed(part))]
    asks = Subscriber.objects.filter(audience.takes_offers(OuterRef("pk")), pk=reader.pk).exists()
    offers = carrying.offers_of(issue, now=at) if asks else []
    mail = IssueRenderer(issue).render(rows, offers=offers, is_short=part.is_short)
    count = len(part.stories)
    told = _("They get it, as things stand.") if issue.is_written else _("They get %(count)d stories, as things stand.")
    return Share(issue, told % {"count": count}, mail, fates)


def _is_fed_up(issue: Issue, reader: Subscriber, *, at: datetime) -> bool:
    fed_up = capping.fed_up(issue, now=at, after=reader.pk - 1, to=reader.pk)
    return fed_up is not None and Subscriber.objects.filter(pk=reader.pk, pk__in=fed_up).exists()


def _topics(subscription: Subscription) -> frozenset[int] | None:
    """What they follow; None is everything."""
    if subscription.topic_set is None:
        return None
    return frozenset(map(int, subscription.topic_set.key.split(",")))


def _received(issue: Issue, reader: Subscriber, articles: Collection[int]) -> set[int]:
    """Those of the articles that they have had, or are about to get; a merged one counts as the story it was."""
    stories = merging.ids_of_stories(articles)
    sends = Send.objects.holding().filter(subscriber=reader).order_by("-pk").values_list("edition_id", flat=True)
    archived = [each.edition_id for each in archive.of_reader(reader) if each.status == Send.Status.SENT]
    rows = EditionItem.objects.filter(edition__in=[*sends[:MOST_SENDS], *archived], article__in=list(stories))
    besides = having.welcomed_with(reader, list(stories)) | having.before_they_joined(issue, reader, articles)
    return {stories[pk] for pk in {*rows.values_list("article_id", flat=True), *besides}}


def _fates(
    issue: Issue, offered: Sequence[Candidate], part: Selection | None, *, topics: frozenset[int] | None,
    received: set[int],
) -> list[Fate]:  # fmt: skip
    items = {item.article_id: item for item in issue.items.select_related("article").defer("article__body")}
    stories, headlines = (part.stories, part.headlines) if part else ((), ())
    found = []
    for each in offered:
        pk = each.article_id
        is_theirs = topics is None or not each.topics or bool(topics & each.topics)
        if pk in stories:
            why = _("story %(place)d") % {"place": stories.index(pk) + 1}
        elif pk in headlines:
            why = _("among the headlines")
        elif pk in received:
            why = _("they have had it")
        else:
            why = _("no room, it waits") if is_theirs else _("in none of the topics that they follow")
        item: IssueItem = items[pk]
        headline = item.title or item.article.newsletter_title or item.article.title
        found.append(Fate(headline, pk in stories or pk in headlines, why))
    return found


def _of_that_day(issue: Issue, reader: Subscriber, on: date, zone: ZoneInfo, *, only: Issue | None = None) -> Share:
    """From the ledger; ``only`` that issue's."""
    send = _find_send(issue, reader, on, zone, only=only)
    if send:
        return _share_in(send, on)
    day = date_format(on, "l j F")
    return Share(issue, _("On %(day)s the ledger has no mail of this newsletter for them.") % {"day": day})


def _find_send(issue: Issue, reader: Subscriber, on: date, zone: ZoneInfo, *, only: Issue | None = None) -> Send | None:
    """The latest of that day."""
    began, ended = (datetime.combine(day, datetime.min.time(), tzinfo=zone) for day in (on, on + timedelta(days=1)))
    rows = Send.objects.filter(
        subscriber=reader, campaign__issue__newsletter=issue.newsletter_id,
        campaign__issue__launched_at__gte=began, campaign__issue__launched_at__lt=ended,
    )  # fmt: skip
    rows = rows.filter(campaign__issue=only) if only else rows
    send = rows.select_related("campaign__issue__newsletter", "edition").order_by("-pk").first()
    if send:
        return send
    there = issue.newsletter.issues.filter(launched_at__gte=began, launched_at__lt=ended).order_by()
    there = there.filter(pk=only.pk) if only else there
    return next(iter(archive.of_reader(reader, issues=list(there.values_list("pk", flat=True)))), None)


def _share_in(send: Send, on: date) -> Share:
    day = date_format(on, "l j F")
    then = send.campaign.issue
    values = {"issue": then, "day": day, "state": send.get_reason_display() or send.get_status_display()}
    mail = render_edition(edition=send.edition) if send.edition else None
    return Share(then, _("%(issue)s on %(day)s: %(state)s.") % values, mail)
