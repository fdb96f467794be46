"""What only a person can settle. Nothing else is ever red: who sees no red may close the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import redis
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from articles.models import Feed
from newsletter.delivery.books import books_of
from newsletter.delivery.models import Campaign, Send, TransportOutage
from newsletter.digests import senders, telling
from newsletter.digests.models import Issue, Schedule, SenderDomain
from newsletter.engagement.models import Event
from newsletter.insights import health
from newsletter.subscribers import live_site
from newsletter.subscribers.models import Attack, Newsletter

NEARLY = timedelta(minutes=20)  # before its run, an issue that nobody has approved is worth a red card
LATELY = timedelta(days=2)
NEXT_DAYS = timedelta(days=3)  # whose runs are near enough to see to their sender now
LONG_DOWN = timedelta(minutes=15)  # what is down for less comes back by itself, as a rule
SHOWN = 3  # of a kind by name; more are told as a number
MOST_REFUSED, MOST_COMPLAINTS = 0.02, 0.001  # of the mails of a run: from here on providers begin to refuse the rest
FEWEST_MAILS = 50  # below, one reader's full mailbox would already be two per cent
BAD = [Event.Kind.BOUNCED, Event.Kind.REJECTED, Event.Kind.COMPLAINED]


class User(Protocol):
    def has_perm(self, perm: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Need:
    """``text`` says what is wrong and ``detail`` why, ``action`` what the link leads to; only for who may do it."""

    text: str
    detail: str
    action: str
    url: str
    permission: str = ""


def needs(user: User, *, now: datetime) -> list[Need]:
    """What this person can settle, the most urgent first. A bounded number of queries, none that counts far."""
    found = [
        *_site(),
        *_service(now),
        *_issues(now),
        *_campaigns(now),
        *_transports(now),
        *_senders(now),
        *_readers(),
        *_feeds(now),
    ]
    return [need for need in found if not need.permission or user.has_perm(need.permission)]


def _site() -> Iterator[Need]:
    if doubt := live_site.doubt():
        url = reverse("admin:subscribers_livesite_changelist")
        yield Need(doubt.title, doubt.detail, _("Decide"), url, "subscribers.change_livesite")


def _service(now: datetime) -> Iterator[Need]:
    try:
        check = health.check_heartbeat(now=now, uptime=health.uptime())
        age = check.seconds
    except redis.RedisError:
        yield Need(
            _("The message broker does not answer."), _("Nothing is sent and no feed is read until it is back."),
            _("Look at the service's health"), reverse("insights:healthz"),
        )  # fmt: skip
        return
    if not check.is_ok:
        since = now - timedelta(seconds=age) if age is not None else None
        detail = _("Since %(time)s nothing is sent and no feed is read.") % {"time": _time(since)} if since else _(
            "Nothing has been sent since the service was started."
        )  # fmt: skip
        text = _("The scheduler, or every worker, is away or busy.")
        yield Need(text, detail, _("Look at the service's health"), reverse("insights:healthz"))


def _issues(now: datetime) -> Iterator[Need]:
    waiting = Issue.objects.waiting().select_related("newsletter", "schedule").order_by("send_at", "pk")
    held = list(waiting.filter(status=Issue.Status.HELD).order_by("-send_at", "-pk")[: SHOWN + 1])
    for issue in held[:SHOWN]:
        text = _("%(issue)s is held.") % {"issue": issue}
        yield Need(text, issue.reason, _("Open its desk"), desk_of(issue), "digests.change_issue")
    if len(held) > SHOWN:
        url = f"{reverse('admin:digests_issue_changelist')}?status__exact=held"
        yield Need(_("More issues are held."), "", _("Show all"), url, "digests.change_issue")
    undecided = waiting.filter(
        status__in=[Issue.Status.DRAFT, Issue.Status.IN_REVIEW], send_at__lte=now + NEARLY,
        schedule__approval=Schedule.Approval.REQUIRED,
    )  # fmt: skip
    for issue in undecided[:SHOWN]:
        if telling.shortfall(issue, now=issue.send_at):  # then it is skipped
            continue
        text = _("Nobody has approved %(issue)s yet.") % {"issue": issue}
        detail = _("At %(time)s it is held instead of sent.") % {"time": _time(issue.send_at)}
        yield Need(text, detail, _("Open its desk"), desk_of(issue), "digests.change_issue")


def _campaigns(now: datetime) -> Iterator[Need]:
    for campaign in Campaign.objects.stuck(now).select_related("issue__newsletter")[:SHOWN]:
        minutes = int((now - campaign.failing_since) / timedelta(minutes=1)) if campaign.failing_since else 0
        text = _("%(issue)s has not handed over a mail for %(minutes)d minutes.")
        told = text % {"issue": campaign.issue, "minutes": minutes}
        yield Need(told, campaign.reason, _("Open the campaign"), campaign_page(campaign), "delivery.view_campaign")
    for idle in Campaign.objects.idle(now).select_related("issue__newsletter")[:SHOWN]:
        minutes = int((now - idle.last_sign_at) / timedelta(minutes=1))
        text = _("Nobody has taken up %(issue)s for %(minutes)d minutes.") % {"issue": idle.issue, "minutes": minutes}
        detail = _("It has mails to hand over. The workers of the queue “campaigns” are away, or their log says why.")
        yield Need(text, detail, _("Open the campaign"), campaign_page(idle), "delivery.view_campaign")
    paused = Campaign.objects.waiting_for_a_person().select_related("issue__newsletter")
    for campaign in paused.order_by("-pk")[:SHOWN]:
        text = _("%(issue)s is paused on its way.") % {"issue": campaign.issue}
        yield Need(text, campaign.reason, _("Open the campaign"), campaign_page(campaign), "delivery.change_campaign")
    recent = list(Campaign.objects.filter(started_at__gt=now - LATELY).select_related("issue__newsletter")[:20])
    books = books_of(recent)
    for campaign in recent:
        accepted, refused = (books[campaign.pk].of(status) for status in (Send.Status.SENT, Send.Status.FAILED))
        yield from _reputation(campaign, accepted=accepted, refused=refused)


def _transports(now: datetime) -> Iterator[Need]:
    """Of several ways out, those that do not come back by themselves."""
    for outage in TransportOutage.objects.lasting(now).filter(Q(until=None) | Q(since__lt=now - LONG_DOWN))[:SHOWN]:
        text = _("The transport %(name)s is left out.") % {"name": outage.name}
        detail = _("It refuses to send for us: %(reason)s") if outage.until is None else _("It is down: %(reason)s")
        url = reverse("admin:delivery_transportoutage_changelist")
        told = detail % {"reason": outage.reason}
        yield Need(text, told, _("See what is left out"), url, "delivery.view_transportoutage")


def _senders(now: datetime) -> Iterator[Need]:
    """Domains that the DNS does not vouch for, of newsletters that are about to be sent."""
    soon = now + NEXT_DAYS
    is_next = Q(schedules__is_active=True, schedules__next_run_at__lte=soon) | Q(
        issues__in=Issue.objects.waiting().filter(send_at__lte=soon)
    )
    domains = {senders.domain_of(each) for each in Newsletter.objects.filter(is_next).distinct().only("sender_address")}
    asked = SenderDomain.objects.filter(domain__in=domains, answered_at__isnull=False).order_by("domain")
    wrong = [(row, found) for row in asked if (found := senders.problems(row))]
    for row, found in wrong[:SHOWN]:
        text = _("The DNS does not vouch for %(domain)s.") % {"domain": row.domain}
        url = reverse("admin:subscribers_newsletter_changelist")
        yield Need(text, " ".join(found), _("See the newsletters"), url, "subscribers.change_newsletter")


def _reputation(campaign: Campaign, *, accepted: int, refused: int) -> Iterator[Need]:
    mails = accepted + refused
    if mails < FEWEST_MAILS:
        return
    limit = int(mails * MOST_REFUSED) + 1
    came_back = refused + reported(campaign, Event.Kind.BOUNCED, Event.Kind.REJECTED, most=limit)
    page = campaign_page(campaign)
    if came_back > mails * MOST_REFUSED:
        percent = number_format(100 * came_back / mails, decimal_pos=1)
        text = _("%(percent)s %% of %(issue)s came back.") % {"percent": percent, "issue": campaign.issue}
        detail = _("Above 2 % providers begin to refuse what you send. Look at the servers' words.")
        yield Need(text, detail, _("Open the campaign"), page, "delivery.view_campaign")
    complaints = reported(campaign, Event.Kind.COMPLAINED, most=int(mails * MOST_COMPLAINTS) + 1)
    if complaints > mails * MOST_COMPLAINTS:
        told = ngettext(
            "%(count)d reader called %(issue)s spam.", "%(count)d readers called %(issue)s spam.", complaints
        )
        text = told % {"count": complaints, "issue": campaign.issue}
        detail = _("Above 1 in 1,000 providers begin to put your mail aside.")
        yield Need(text, detail, _("Open the campaign"), page, "delivery.view_campaign")


def reported(campaign: Campaign, *kinds: Event.Kind, most: int) -> int:
    """How many events of these kinds came back for a campaign, counted up to ``most``."""
    events = Event.objects.filter(kind__in=kinds, at__gte=campaign.started_at, send__campaign=campaign)
    return events.order_by()[:most].count()


def _readers() -> Iterator[Need]:
    if Attack.objects.open().exists():
        yield Need(
            _("Robots fill in the sign-up forms."), _("Attack mode is on: visitors prove that they are people."),
            _("See what was turned away"), reverse("admin:subscribers_attack_changelist"), "subscribers.view_attack",
        )  # fmt: skip


def _feeds(now: datetime) -> Iterator[Need]:
    changelist = reverse("admin:articles_feed_changelist")
    active = Feed.objects.filter(status=Feed.Status.ACTIVE)
    yield from _each_feed(
        active.filter(failure_count__gt=2), _("%(feed)s cannot be read."), f"{changelist}?health=failing", "last_error"
    )
    yield from _each_feed(
        Feed.objects.silent(now), _("%(feed)s is silent for longer than usual."), f"{changelist}?health=silent"
    )
    yield from _each_feed(
        Feed.objects.filter(status=Feed.Status.GONE),
        _("%(feed)s is gone for good."),
        f"{changelist}?status__exact=gone",
    )


def _each_feed(feeds: QuerySet[Feed, Any], text: str, all_of_them: str, detail: str = "") -> Iterator[Need]:
    found = list(feeds.order_by("title", "pk")[: SHOWN + 1])
    for feed in found[:SHOWN]:
        why = str(getattr(feed, detail)) if detail else ""
        page = reverse("admin:articles_feed_change", args=[feed.pk])
        yield Need(text % {"feed": feed}, why, _("Open the feed"), page, "articles.change_feed")
    if len(found) > SHOWN:
        yield Need(_("And more feeds like that."), "", _("Show all"), all_of_them, "articles.change_feed")


def desk_of(issue: Issue) -> str:
    return reverse("issue_desk:desk", args=[issue.pk])


def campaign_page(campaign: Campaign) -> str:
    return reverse("admin:delivery_campaign_change", args=[campaign.pk])


def _time(at: datetime) -> str:
    return date_format(localtime(at), "H:i")
