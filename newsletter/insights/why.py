"""Why did, or didn't, this reader get this issue? One sentence, and what it rests on.

The ledger answers first, with what was planned for the reader's group. Where it has no line for the reader, their state
when the issue left is put together from the consent records, the subscription and the changes kept since. What nothing
explains is said to be unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef
from django.utils.translation import gettext as _

from newsletter.delivery import archive, audience, filling, waves
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import narrowing
from newsletter.digests.models import EditionOffer, Issue, IssueOffer, Offer
from newsletter.engagement.models import Event
from newsletter.insights.contents import Fate, contents
from newsletter.insights.entries import Tone
from newsletter.insights.planning import decided
from newsletter.insights.wording import moment
from newsletter.subscribers.models import Cadence, Change, ConsentRecord, Subscriber, Subscription, Suppression

MOST_EVENTS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """``sentence`` says it, ``because`` lists the facts, ``articles`` what became of each article of the issue."""

    sentence: str
    because: tuple[str, ...] = ()
    articles: tuple[Fate, ...] = ()
    tone: Tone = Tone.PLAIN


def explain(*, subscriber: Subscriber, issue: Issue) -> Answer:
    """At most 18 queries, each through an index of one reader or one issue."""
    if issue.launched_at is None:
        return _not_out(issue)
    sends = Send.objects.filter(campaign__issue=issue, subscriber=subscriber).select_related("campaign")
    row = sends.first() or next(iter(archive.of_reader(subscriber, issues=[issue.pk])), None)
    subscription = Subscription.objects.filter(subscriber=subscriber, newsletter=issue.newsletter_id).first()
    if row is None:
        return _not_planned(subscriber, issue, subscription, issue.launched_at)
    return _planned(subscriber, issue, row, subscription)


def _not_out(issue: Issue) -> Answer:
    values = {"issue": issue, "reason": issue.reason, "at": moment(issue.send_at)}
    sentence = {
        Issue.Status.APPROVED: _("Nobody has got %(issue)s yet: it goes out on %(at)s."),
        Issue.Status.HELD: _("Nobody got %(issue)s: it is held. %(reason)s"),
        Issue.Status.SKIPPED: _("Nobody got %(issue)s: it was skipped. %(reason)s"),
        Issue.Status.EXPIRED: _("Nobody got %(issue)s: it was held until its time was over. %(reason)s"),
        Issue.Status.CANCELLED: _("Nobody got %(issue)s: an editor cancelled it."),
    }.get(Issue.Status(issue.status), _("Nobody has got %(issue)s yet: it is not approved. It is planned for %(at)s."))
    return Answer(sentence % values, tone=Tone.INFO)


def _planned(subscriber: Subscriber, issue: Issue, row: Send, subscription: Subscription | None) -> Answer:
    topics = _value_then(subscriber, issue, "topic_set", _topics_now(subscription))
    articles = contents(issue=issue, subscriber=subscriber, edition_id=row.edition_id, topics=topics)
    decision = decided(row, topics=topics)
    because = [*([decision.in_words] if decision else []), *_about_offers(row), *_reported(row)]
    because += _about_suppression(subscriber)
    if row.response:
        because.insert(0, _("The server said: %(words)s") % {"words": row.response})
    values = {
        "issue": issue, "at": moment(row.settled_at or row.campaign.started_at), "reason": row.get_reason_display(),
        "next": moment(row.next_attempt_at) if row.next_attempt_at else "",
    }  # fmt: skip
    sentence, tone = _sentence(row)
    return Answer(sentence % values, tuple(because), articles, tone)


def _sentence(row: Send) -> tuple[str, Tone]:
    if row.status == Send.Status.SKIPPED:
        return _skipped(row.reason), Tone.WARNING
    if row.status == Send.Status.FAILED:
        return _("They did not get %(issue)s: it failed on %(at)s. %(reason)s."), Tone.DANGER
    if row.status == Send.Status.SENT:
        return _("They got %(issue)s: the mail server accepted it on %(at)s."), Tone.SUCCESS
    if row.status == Send.Status.DEFERRED:
        return _("Not yet: the server could not take %(issue)s; the next attempt is on %(next)s."), Tone.INFO
    return _("Not yet: %(issue)s is on its way to them."), Tone.INFO


def _skipped(reason: str) -> str:
    return {
        Send.Reason.NOTHING_NEW: _("They did not get %(issue)s: nothing in it was new for them."),
        Send.Reason.TOO_FEW: _("They did not get %(issue)s: fewer of its articles were left for them than it needs."),
        Send.Reason.SUPPRESSED: _("They did not get %(issue)s: their address is on the suppression list."),
        Send.Reason.CAPPED: _(
            "They did not get %(issue)s: they had had as many mails as one day may bring. Its articles wait for them."
        ),
        Send.Reason.LEFT: _("They did not get %(issue)s: they left or paused after it began, before it reached them."),
        Send.Reason.WITHDRAWN: _("They did not get %(issue)s: every article that was in it for them was withdrawn."),
        Send.Reason.CANCELLED: _("They did not get %(issue)s: an editor cancelled the campaign before their turn."),
    }.get(Send.Reason(reason), _("They did not get %(issue)s: %(reason)s."))


def _about_offers(row: Send) -> list[str]:
    """Which offers of the issue were in their mail, and why not the others. Two queries where it carried any."""
    rows = IssueOffer.objects.filter(issue=row.campaign.issue_id).select_related("offer").order_by("pk")
    carried = [each.offer for each in rows]
    if not carried or row.edition_id is None:
        return []
    shown = set(EditionOffer.objects.filter(edition=row.edition_id).values_list("offer_id", flat=True))
    told = [_without_offer(offer) for offer in carried if offer.pk not in shown] if shown else []
    if not shown:
        asks = Subscriber.objects.filter(audience.takes_offers(OuterRef("pk")), pk__in=[row.subscriber_id]).exists()
        told = [_without_offer(each) for each in carried] if asks else [_("No offer was in it: they get no offers.")]
    return [*(_("The offer “%(offer)s” was in it.") % {"offer": each} for each in carried if each.pk in shown), *told]


def _without_offer(offer: Offer) -> str:
    if offer.ceiling is not None:
        told = _("The offer “%(offer)s” was not in it: others made up the readers it was booked for.")
        return told % {"offer": offer}
    return _("The offer “%(offer)s” was not in it: they did not get offers then.") % {"offer": offer}


def _reported(row: Send) -> list[str]:
    events = Event.objects.filter(send=row.pk).order_by("at", "pk")[:MOST_EVENTS]
    return [f"{moment(each.at)}: {each.get_kind_display()}. {each.detail}".strip() for each in events]


def _about_suppression(subscriber: Subscriber) -> list[str]:
    row = Suppression.objects.filter(address_hash=subscriber.address_hash).first()
    if row is None:
        return []
    values = {"at": moment(row.created_at), "reason": row.get_reason_display()}
    return [_("The address is on the suppression list since %(at)s: %(reason)s.") % values]


def _not_planned(
    subscriber: Subscriber, issue: Issue, subscription: Subscription | None, launched_at: datetime
) -> Answer:
    because = [_("The issue left on %(at)s.") % {"at": moment(launched_at)}, *_about_suppression(subscriber)]
    if waiting := _is_still_to_come(issue, subscription) or _waits_for_their_hour(issue, subscription):
        return Answer(waiting % {"issue": issue}, tuple(because), tone=Tone.INFO)
    reason = _reason_by_consent(subscriber, issue, subscription, launched_at)
    reason = reason or _reason_by_choice(subscriber, issue, subscription)
    if reason is None:
        reason = _("They are not in the ledger of %(issue)s, and nothing that is kept says why.")
    return Answer(reason % {"issue": issue, "newsletter": issue.newsletter}, tuple(because), tone=Tone.WARNING)


def _is_still_to_come(issue: Issue, subscription: Subscription | None) -> str:
    """While the ledger is being made: whether this reader's turn comes yet. Empty if not."""
    campaign = (
        Campaign.objects.being_filled().select_related("issue__newsletter", "issue__schedule").filter(issue=issue)
    )
    row = campaign.first()
    if row is None or subscription is None or not filling.whose_turn(row).filter(pk=subscription.pk).exists():
        return ""
    return _("Not yet: %(issue)s is on its way, and their mail is still to be created.")


def _waits_for_their_hour(issue: Issue, subscription: Subscription | None) -> str:
    """While the issue is handed out at readers' own hours: when this one's comes. Empty if that is not why."""
    is_under_way = Campaign.objects.sending().filter(issue=issue, next_wave_at__isnull=False).exists()
    if not is_under_way or subscription is None or not audience.readers(issue).filter(pk=subscription.pk).exists():
        return ""
    hour = waves.NO_HOUR if subscription.hour is None else subscription.hour
    at = waves.moment_at(issue, (subscription.subscriber.time_zone, hour))
    return _escaped(_("Not yet: %%(issue)s reaches them at their own hour, on %(at)s."), at=moment(at))


def _reason_by_consent(
    subscriber: Subscriber, issue: Issue, subscription: Subscription | None, launched_at: datetime
) -> str | None:
    """Had they joined, and not left, when the issue left?"""
    records = ConsentRecord.objects.filter(subscriber=subscriber, newsletter=issue.newsletter_id)
    last = records.filter(at__lte=launched_at).order_by("-at", "-pk").first()
    if last and last.action == ConsentRecord.Action.WITHDRAWN:
        how = last.get_method_display()
        return _escaped(
            _("They did not get %%(issue)s: they had left on %(at)s (%(how)s)."), at=moment(last.at), how=how
        )
    if last:
        return None
    if subscription is None:
        return _("They did not get %(issue)s: they have never signed up for %(newsletter)s.")
    joined_at = subscription.confirmed_at or subscription.imported_at
    if joined_at is None:
        return _("They did not get %(issue)s: they asked for %(newsletter)s, but have not used the link to confirm it.")
    if joined_at > launched_at:
        return _escaped(_("They did not get %%(issue)s: they joined only on %(at)s."), at=moment(joined_at))
    if subscription.ended_at and subscription.ended_at <= launched_at:
        return _escaped(_("They did not get %%(issue)s: they had left on %(at)s."), at=moment(subscription.ended_at))
    return None


def _reason_by_choice(subscriber: Subscriber, issue: Issue, subscription: Subscription | None) -> str | None:
    """Had they paused, or chosen another cadence or day, when the issue left?"""
    if subscription is None:
        return None
    if reason := _reason_by_state(subscriber, issue, subscription):
        return reason
    cadence = _value_then(subscriber, issue, "cadence", subscription.cadence)
    if issue.cadence and cadence != issue.cadence:
        return _escaped(
            _("They did not get %%(issue)s: it is for readers who chose “%(its)s”, and they had chosen “%(theirs)s”."),
            its=issue.get_cadence_display(),
            theirs=str(dict(Cadence.choices).get(cadence, cadence)),
        )
    if waves.goes_by_weekday(issue) and not waves.is_their_day(issue, _weekday_then(subscriber, issue, subscription)):
        return _("They did not get %(issue)s: their day of the week is another.")
    if issue.narrowing and not audience.readers(issue).filter(pk=subscription.pk).exists():
        what = ", ".join(narrowing.in_words(issue))
        return _escaped(_("They did not get %%(issue)s: it was only for readers who %(what)s."), what=what)
    return None


def _reason_by_state(subscriber: Subscriber, issue: Issue, subscription: Subscription) -> str | None:
    if _value_then(subscriber, issue, "status", subscription.status) == Subscription.Status.PAUSED:
        if _was_silent(subscriber, issue):
            return _("They did not get %(issue)s: it paused for them after a long silence.")
        return _("They did not get %(issue)s: they had paused %(newsletter)s.")
    if issue.correction_id:
        return _("They did not get %(issue)s: they had not got what it corrects, or were told by another newsletter.")
    return None


def _weekday_then(subscriber: Subscriber, issue: Issue, subscription: Subscription) -> int | None:
    now = "" if subscription.weekday is None else str(subscription.weekday)
    then = _value_then(subscriber, issue, "weekday", now)
    return int(then) if then.isdecimal() else None


def _was_silent(subscriber: Subscriber, issue: Issue) -> bool:
    """Whether the last word on the subscription's state, when the issue left, was that of a long silence."""
    told = Change.objects.filter(subscriber=subscriber, newsletter=issue.newsletter_id, field="status")
    last = told.filter(at__lte=issue.launched_at).order_by("-at", "-pk").first()
    return last is not None and last.by == Change.By.SILENT


def _value_then(subscriber: Subscriber, issue: Issue, field: str, value_now: str) -> str:
    """What a field of the subscription was when the issue left: what the first change since then started from."""
    since = Change.objects.filter(
        subscriber=subscriber, newsletter=issue.newsletter_id, field=field, at__gt=issue.launched_at
    )
    first = since.order_by("at", "pk").first()
    return first.before if first else value_now


def _topics_now(subscription: Subscription | None) -> str:
    return subscription.topic_set.key if subscription and subscription.topic_set else ""


def _escaped(text: str, **values: str) -> str:
    """Fill in now what must not be filled in again: a per cent sign in a value stays one."""
    return text % {name: value.replace("%", "%%") for name, value in values.items()}
