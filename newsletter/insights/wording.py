"""The entries of a reader's timeline in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from articles.models import Topic
from newsletter.delivery.models import Send
from newsletter.engagement.models import Event
from newsletter.insights.entries import Entry, Kind, Position, Tone
from newsletter.subscribers.models import (
    Change,
    ConsentRecord,
    PersonalMail,
    SignUp,
    Subscriber,
    Subscription,
    Suppression,
    WelcomeMail,
)

SEND_TONES = {
    Send.Status.SENT: Tone.SUCCESS, Send.Status.FAILED: Tone.DANGER, Send.Status.DEFERRED: Tone.WARNING,
    Send.Status.SKIPPED: Tone.PLAIN, Send.Status.QUEUED: Tone.INFO, Send.Status.IN_FLIGHT: Tone.INFO,
}  # fmt: skip
BAD_NEWS = {Event.Kind.BOUNCED, Event.Kind.REJECTED, Event.Kind.FAILED, Event.Kind.COMPLAINED}


def moment(at: datetime) -> str:
    """Day and time as people of the desk's language and zone write them."""
    local = timezone.localtime(at)
    return f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i')}"


def sign_up(row: SignUp) -> Entry:
    asked = ", ".join(str(each.newsletter) for each in row.subscriptions.all())
    title = _("Signed up for %(newsletters)s") % {"newsletters": asked} if asked else _("Used a sign-up form")
    tone = Tone.WARNING if row.status == SignUp.Status.SKIPPED else Tone.PLAIN
    position = Position(row.created_at, Kind.SIGN_UP, row.pk)
    details = (*_whence(row), *_mail_of_sign_up(row))
    return Entry(position, title, details, tone, _page("subscribers_signup", row.pk))


def _whence(row: SignUp) -> Iterator[str]:
    if row.page_url:
        yield _("on %(page)s") % {"page": row.page_url}
    if row.ip_address:
        yield _("from %(address)s") % {"address": row.ip_address}


def _mail_of_sign_up(row: SignUp) -> Iterator[str]:
    if row.mailed_at:
        yield _("confirmation mail accepted %(at)s") % {"at": moment(row.mailed_at)}
    elif row.status == SignUp.Status.SKIPPED:
        yield _("no confirmation mail: %(reason)s") % {"reason": row.get_skipped_reason_display()}
    elif row.status == SignUp.Status.WAITING:
        yield _("confirmation mail waits to be sent")
    if row.response and row.response not in SignUp.PUT_OFF:
        yield _("the server said: %(words)s") % {"words": row.response}
    if row.confirmed_at:
        yield _("link used %(at)s") % {"at": moment(row.confirmed_at)}
    elif row.mailed_at:
        yield _("link not used; it works until %(at)s") % {"at": moment(row.expires_at)}


def consent(row: ConsentRecord) -> Entry:
    is_given = row.action == ConsentRecord.Action.GIVEN
    title = _("Agreed to %(newsletter)s") if is_given else _("Left %(newsletter)s")
    position = Position(row.at, Kind.CONSENT, row.pk)
    tone = Tone.SUCCESS if is_given else Tone.WARNING
    url = _page("subscribers_consentrecord", row.pk)
    return Entry(position, title % {"newsletter": row.newsletter}, tuple(_of_consent(row)), tone, url)


def _of_consent(row: ConsentRecord) -> Iterator[str]:
    yield _("how: %(method)s") % {"method": row.get_method_display()}
    if row.ground:
        yield _("ground: %(ground)s") % {"ground": row.get_ground_display()}
    if row.note:
        yield _("note: %(note)s") % {"note": row.note}
    if row.wording:
        yield _("wording: “%(text)s”") % {"text": row.wording.text}
    if row.asked_at:
        yield _("asked for %(at)s") % {"at": moment(row.asked_at)}
    if row.page_url:
        yield _("on %(page)s") % {"page": row.page_url}
    if row.ip_address or row.confirmation_ip:
        values = {"form": row.ip_address or "–", "link": row.confirmation_ip or "–"}
        yield _("form from %(form)s, link from %(link)s") % values


def welcome(row: WelcomeMail, *, at: datetime) -> Entry:
    """``at`` is when it was sent, or when it was owed if it was not."""
    title = {
        WelcomeMail.Status.SENT: _("Got the welcome to %(newsletter)s"),
        WelcomeMail.Status.SKIPPED: _("Did not get the welcome to %(newsletter)s"),
        WelcomeMail.Status.WAITING: _("The welcome to %(newsletter)s is on its way"),
    }[WelcomeMail.Status(row.status)] % {"newsletter": row.subscription.newsletter}
    details = []
    if row.skipped_reason:
        details.append(_("reason: %(reason)s") % {"reason": row.get_skipped_reason_display()})
    if row.response:
        details.append(_("the server said: %(words)s") % {"words": row.response})
    tone = {WelcomeMail.Status.SENT: Tone.SUCCESS}.get(WelcomeMail.Status(row.status), Tone.PLAIN)
    url = _page("subscribers_welcomemail", row.pk)
    return Entry(Position(at, Kind.WELCOME, row.pk), title, tuple(details), tone, url)


def personal_mail(row: PersonalMail) -> Entry:
    title = {
        PersonalMail.Kind.MY_LINK: _("Asked for the link to their page"),
        PersonalMail.Kind.NEW_LINK: _("Was sent a new link to their page"),
        PersonalMail.Kind.CONFIRM_ADDRESS: _("Asked to move to another address"),
        PersonalMail.Kind.ADDRESS_CHANGED: _("Was told at the old address of the move"),
        PersonalMail.Kind.LOWERED: _("Was told of a rarer cadence"),
        PersonalMail.Kind.STILL_INTERESTED: _("Was asked, after a long silence, whether they still want it"),
    }[PersonalMail.Kind(row.kind)]
    tone = Tone.WARNING if row.status == PersonalMail.Status.SKIPPED else Tone.PLAIN
    position = Position(row.created_at, Kind.PERSONAL_MAIL, row.pk)
    return Entry(position, title, tuple(_of_personal_mail(row)), tone, _page("subscribers_personalmail", row.pk))


def _of_personal_mail(row: PersonalMail) -> Iterator[str]:
    if row.status == PersonalMail.Status.MAILED and row.settled_at:
        yield _("mail accepted %(at)s") % {"at": moment(row.settled_at)}
    elif row.status == PersonalMail.Status.SKIPPED:
        yield _("no mail: %(reason)s") % {"reason": row.get_skipped_reason_display()}
    else:
        yield _("the mail waits to be sent")
    if row.response and row.response != PersonalMail.HELD_BACK:
        yield _("the server said: %(words)s") % {"words": row.response}


def send(row: Send, *, at: datetime) -> Entry:
    """``at`` is when it was settled, or when the campaign began if it is not."""
    status = Send.Status(row.status)
    issue = row.campaign.issue
    title = {
        Send.Status.SENT: _("Got %(issue)s"),
        Send.Status.FAILED: _("%(issue)s could not be sent"),
        Send.Status.SKIPPED: _("Did not get %(issue)s"),
        Send.Status.DEFERRED: _("%(issue)s is late"),
        Send.Status.QUEUED: _("%(issue)s is on its way"),
        Send.Status.IN_FLIGHT: _("%(issue)s is on its way"),
    }[status] % {"issue": issue}
    position = Position(at, Kind.SEND, row.pk)
    page = "" if row.is_archived else _page("delivery_send", row.pk)
    return Entry(position, title, tuple(_of_send(row, issue.subject)), SEND_TONES[status], page)


def _of_send(row: Send, subject: str) -> Iterator[str]:
    if subject:
        yield _("subject: %(subject)s") % {"subject": subject}
    if row.reason:
        yield _("reason: %(reason)s") % {"reason": row.get_reason_display()}
    if row.response:
        yield _("the server said: %(words)s") % {"words": row.response}
    if row.attempt_count > 1:
        yield _("after %(count)d attempts") % {"count": row.attempt_count}
    if row.status == Send.Status.DEFERRED and row.next_attempt_at:
        yield _("next attempt %(at)s") % {"at": moment(row.next_attempt_at)}


def event(row: Event) -> Entry:
    kind = Event.Kind(row.kind)
    issue = row.send.campaign.issue if row.send else None
    title = f"{capfirst(kind.label)}: {issue}" if issue else str(capfirst(kind.label))
    details = [_("reported by %(source)s") % {"source": row.source}]
    if row.link:
        details.append(_("link: %(url)s") % {"url": row.link.url})
    if row.detail:
        details.append(row.detail)
    tone = Tone.DANGER if kind in BAD_NEWS else Tone.PLAIN
    return Entry(Position(row.at, Kind.EVENT, row.pk), title, tuple(details), tone, _page("engagement_event", row.pk))


def suppression(row: Suppression) -> Entry:
    title = _("Put on the suppression list: %(reason)s") % {"reason": row.get_reason_display()}
    details = (_("nothing is mailed to this address any more"), *([row.note] if row.note else []))
    position = Position(row.created_at, Kind.SUPPRESSION, row.pk)
    return Entry(position, title, details, Tone.DANGER, _page("subscribers_suppression", row.pk))


def change(row: Change, *, topics: Mapping[int, str]) -> Entry:
    """``topics`` are the names of all topics that occur, by their ids."""
    owner: type[models.Model] = Subscription if row.newsletter else Subscriber
    label, field = str(_label(owner, row.field)), _field(owner, row.field)
    title = _("Changed: %(what)s") % {"what": label}
    if row.newsletter:
        title = _("Changed for %(newsletter)s: %(what)s") % {"newsletter": row.newsletter, "what": label}
    by = row.get_by_display() if row.editor is None else _("editor %(editor)s") % {"editor": row.editor}
    told = []
    if row.before or row.after:
        values = {"before": _value(field, row.before, topics), "after": _value(field, row.after, topics)}
        told.append(_("from %(before)s to %(after)s") % values)
    return Entry(Position(row.at, Kind.CHANGE, row.pk), title, (*told, _("by %(who)s") % {"who": by}))


def topic_names(rows: Iterable[Change]) -> dict[int, str]:
    """The names of the topics that these changes speak of. One query."""
    texts = [text for row in rows if row.field == "topic_set" for text in (row.before, row.after) if text]
    pks = {int(pk) for text in texts for pk in text.split(",") if pk.isdecimal()}
    return dict(Topic.objects.filter(pk__in=pks).values_list("pk", "name"))


def _label(owner: type[models.Model], name: str) -> Any:
    field = _field(owner, name)
    return field.verbose_name if field is not None else name.replace("_", " ")


def _field(owner: type[models.Model], name: str) -> Any:
    try:
        return owner._meta.get_field(name)
    except FieldDoesNotExist:  # it was there when the change was kept
        return None


def _value(field: Any, value: str, topics: Mapping[int, str]) -> str:
    if field is not None and field.name == "topic_set":
        names = [topics.get(int(pk), pk) for pk in value.split(",") if pk.isdecimal()]
        return ", ".join(names) or _("all topics")
    if not value:
        return _("nothing")
    choices = {str(key): str(text) for key, text in (getattr(field, "flatchoices", None) or [])}
    return choices.get(value, {"True": _("yes"), "False": _("no")}.get(value, value))


def _page(name: str, pk: int) -> str:
    return reverse(f"admin:{name}_change", args=[pk])
