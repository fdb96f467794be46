"""Looking an issue over before it leaves: a verdict per line, and where to mend it.

Errors keep an issue from being approved, by an editor or by its schedule; warnings are said and no more. An error can
only be what was written for this mail, or what the mail lacks: what stands in an article that is published, or where a
story or an offer leads, is for a person to judge, and holds no run that goes by itself. What costs time (asking links)
was done before by the worker: here it is only read (see links.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from html.parser import HTMLParser

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.digests import clients, links, senders, written
from newsletter.digests.archive import issues_of
from newsletter.digests.changing import headline_of, own_headline, own_summary
from newsletter.digests.issue_sample import Sample, sample
from newsletter.digests.models import Issue, IssueItem, LinkCheck, SenderDomain
from newsletter.digests.rendering import RenderedMail, RenderingError
from newsletter.lib.numbers import grouped
from newsletter.lib.slots import Slot

GMAIL_BYTES, NEARLY = 102 * 1024, 92 * 1024
SHORTEST_SUBJECT, LONGEST_SUBJECT = 10, 78
SHORTEST_TEXT = 80
SHOWN = 4  # examples in a sentence
# Notes that writers leave for themselves: never in a mail. The second list may be meant: a warning.
PLACEHOLDER = re.compile(
    r"\bTK(?:TK)*\b|\blorem ipsum\b|\{\{.*?\}\}|\*\|.*?\|\*"
    r"|\[(?:date|day|name|title|headline|link|url|todo|tk|insert[^\]]{0,40})\]",
    re.IGNORECASE,
)
TK = re.compile(r"\bTK(?:TK)*\b")
DOUBTFUL = re.compile(r"\bTODO\b|\bFIXME\b|\?\?\?|\bXXX+\b")


class Verdict(StrEnum):
    GOOD = "good"
    WAITING = "waiting"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Line:
    """What was looked at, what came of it, and where to mend it: an address, or a fragment of the desk's page."""

    key: str
    verdict: Verdict
    text: str
    place: str = ""


@dataclass(frozen=True)
class Examined:
    """All that the checks look at."""

    issue: Issue
    sample: Sample
    mail: RenderedMail
    now: datetime
    found: Found = field(repr=False)


def examine(drawn: Sample, *, now: datetime) -> list[Line]:
    """A line for everything that is looked at, errors first. Nothing to say is no error: such a run is skipped."""
    try:
        mail = drawn.mail()
    except RenderingError as error:
        return [Line("rendering", Verdict.ERROR, _("It cannot be rendered: %(error)s") % {"error": error})]
    if mail is None and _is_advertising_alone(drawn):
        return [_only_advertising()]
    if mail is None:
        told = _("There is nothing to say yet: no story and no text. If it stays so, nothing is sent.")
        return [Line("empty", Verdict.WARNING, told, "#stories")]
    seen = Examined(drawn.issue, drawn, mail, now, Found.of(mail.html))
    lines = [line for check in CHECKS for line in check(seen)]
    order = [Verdict.ERROR, Verdict.WARNING, Verdict.WAITING, Verdict.GOOD]
    return sorted(lines, key=lambda line: order.index(line.verdict))


def errors(issue: Issue, *, now: datetime) -> list[str]:
    """What keeps it from going out at its time."""
    drawn = sample(issue, now=max(now, issue.send_at))
    return [line.text for line in examine(drawn, now=now) if line.verdict == Verdict.ERROR]


def placeholders(text: str) -> list[str]:
    """The notes in it that a writer wanted to fill in. ``tk`` counts in capitals only."""
    hits = [match[0] for match in PLACEHOLDER.finditer(text)]
    return [hit for hit in hits if hit.upper().strip("TK") or TK.fullmatch(hit)]


class Found(HTMLParser):
    """Links and pictures of a mail's HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.nameless: list[str] = []

    @classmethod
    def of(cls, html: str) -> Found:
        found = cls()
        found.feed(html)
        found.close()
        return found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and values.get("href"):
            self.links.append(values["href"] or "")
        if tag == "img" and not (values.get("alt") or "").strip() and values.get("role") != "presentation":
            self.nameless.append(values.get("src") or "")


@dataclass(frozen=True)
class Words:
    """Where something stands, what stands there, and its place on the page.

    ``is_own``: written for this mail. What an article says is on the site already, so it is no reason to hold a run.
    """

    where: str
    text: str
    place: str
    is_own: bool = True


def _words(seen: Examined) -> Iterator[Words]:
    issue = seen.issue
    yield Words(_("the subject"), seen.mail.subject, "#subject", is_own=bool(issue.subject))
    yield Words(_("the preview line"), issue.preheader, "#preheader")
    yield Words(_("the introduction"), issue.intro, "#intro")
    yield Words(_("the text"), issue.body, "#body")
    for item in _shown_items(seen):
        where, place = f"“{headline_of(item)}”", f"#story-{item.article_id}"
        yield Words(where, f"{item.title}\n{item.summary}", place)
        article = item.article
        title = "" if item.title else own_headline(article)
        summary = "" if item.summary else own_summary(article)
        yield Words(where, f"{title}\n{summary}", place, is_own=False)


def _words_below(seen: Examined) -> Iterator[Words]:
    """What an editor wrote for stories that find no room, except with readers of fewer topics."""
    items = seen.issue.items.exclude(state__in=IssueItem.OUT).exclude(title="", summary="").select_related("article")
    for item in items.exclude(pk__in=_shown_items(seen).values("pk")):
        yield Words(f"“{headline_of(item)}”", f"{item.title}\n{item.summary}", f"#story-{item.article_id}")


def _shown_items(seen: Examined) -> QuerySet[IssueItem]:
    shown = {*seen.sample.selection.stories, *seen.sample.selection.headlines}
    return IssueItem.objects.filter(issue=seen.issue, article__in=shown).select_related("article")


def _check_placeholders(seen: Examined) -> Iterator[Line]:
    lines = []
    for words in [*_words(seen), *_words_below(seen)]:
        if hits := placeholders(words.text):
            values = {"where": words.where, "hits": ", ".join(hits[:SHOWN])}
            told = capfirst(_("%(where)s still has a placeholder: %(hits)s") % values)
            verdict = Verdict.ERROR if words.is_own else Verdict.WARNING
            lines.append(Line("placeholder", verdict, told, words.place))
        elif doubt := DOUBTFUL.search(words.text):
            told = capfirst(_("%(where)s has “%(hit)s”: is that meant?") % {"where": words.where, "hit": doubt[0]})
            lines.append(Line("doubt", Verdict.WARNING, told, words.place))
    yield from lines or [Line("placeholder", Verdict.GOOD, _("No placeholder was left anywhere."))]


def _check_subject(seen: Examined) -> Iterator[Line]:
    subject, length = seen.mail.subject, len(seen.mail.subject)
    if not SHORTEST_SUBJECT <= length <= LONGEST_SUBJECT:
        told = _("The subject has %(length)d characters; %(least)d to %(most)d are shown whole and say enough.")
        values = {"length": length, "least": SHORTEST_SUBJECT, "most": LONGEST_SUBJECT}
        yield Line("subject", Verdict.WARNING, told % values, "#subject")
    else:
        yield Line("subject", Verdict.GOOD, _("The subject is as long as it should be."), "#subject")
    before = issues_of(seen.issue.newsletter, now=seen.now).filter(number__lt=seen.issue.number).first()
    headline = str(getattr(before, "headline", "")) if before else ""
    if headline and headline.casefold() == subject.casefold():
        told = _("The subject is the same as that of %(issue)s.") % {"issue": before}
        yield Line("same_subject", Verdict.WARNING, told, "#subject")
    if seen.issue.preheader and seen.issue.preheader.casefold() == subject.casefold():
        yield Line("preheader", Verdict.WARNING, _("The preview line only repeats the subject."), "#preheader")


def _check_weight(seen: Examined) -> Iterator[Line]:
    size = len(seen.mail.html.encode())
    values = {"size": grouped(round(size / 1024))}
    if size > GMAIL_BYTES:
        yield Line(
            "weight", Verdict.ERROR, _("It has %(size)s KB: Gmail cuts mails off after 102.") % values, "#stories"
        )
    elif size > NEARLY:
        told = _("It has %(size)s KB, close to the 102 at which Gmail cuts mails off. Summaries were shortened.")
        yield Line("weight", Verdict.WARNING, told % values, "#stories")
    else:
        yield Line("weight", Verdict.GOOD, _("It has %(size)s KB; Gmail shows up to 102.") % values)


def _check_pictures(seen: Examined) -> Iterator[Line]:
    if seen.issue.is_written and (count := written.undescribed(seen.issue.body)):
        told = ngettext(
            "%(count)d picture of the text has no description, and nobody said that it is only decoration.",
            "%(count)d pictures of the text have no description, and nobody said that they are only decoration.",
            count,
        )
        yield Line("alt", Verdict.ERROR, told % {"count": count}, "#body")
        return
    count = len(seen.found.nameless)
    if not count:
        yield Line("alt", Verdict.GOOD, _("Every picture has words for those who do not see it."))
        return
    told = ngettext("%(count)d picture has no description.", "%(count)d pictures have no description.", count)
    shown = [*seen.sample.selection.stories]
    item = (
        IssueItem.objects.filter(issue=seen.issue, article__in=shown, article__picture_alt="")
        .exclude(article__picture="")
        .first()
    )
    place = reverse("admin:articles_article_change", args=[item.article_id]) if item else "#stories"
    yield Line("alt", Verdict.WARNING, told % {"count": count}, place)


def _check_parts(seen: Examined) -> Iterator[Line]:
    newsletter = seen.issue.newsletter
    there = reverse("admin:subscribers_newsletter_change", args=[newsletter.pk])
    if len(seen.mail.text.strip()) < SHORTEST_TEXT:
        yield Line("text", Verdict.ERROR, _("The text part is missing or all but empty."))
    else:
        yield Line("text", Verdict.GOOD, _("The text part is there."))
    marks = (Slot.UNSUBSCRIBE_URL.mark in seen.mail.html, Slot.UNSUBSCRIBE_URL.mark in seen.mail.text)
    if all(marks):
        yield Line("unsubscribe", Verdict.GOOD, _("Readers can leave from the mail."))
    else:
        yield Line(
            "unsubscribe", Verdict.ERROR, _("The link to leave is missing. Put it back into the mail’s template.")
        )
    address = " ".join(newsletter.postal_address.split())
    if address and address in seen.mail.text.replace("\n", " "):
        yield Line("address", Verdict.GOOD, _("The postal address is there."))
    elif address:
        yield Line("address", Verdict.GOOD, _("The newsletter has a postal address."))
    else:
        told = _("The newsletter has no postal address, which the law asks for.")
        yield Line("address", Verdict.ERROR, told, there)


def _check_sender(seen: Examined) -> Iterator[Line]:
    domain = senders.domain_of(seen.issue.newsletter)
    there = reverse("admin:subscribers_newsletter_change", args=[seen.issue.newsletter_id])
    if senders.is_made_up(domain):
        told = _("It is sent from %(domain)s, which no mail server will believe.") % {"domain": domain or "?"}
        yield Line("sender", Verdict.WARNING, told, there)
        return
    known = SenderDomain.objects.filter(domain=domain).first()
    if known is None or known.checked_at is None:
        yield Line("dns", Verdict.WAITING, _("The DNS is being asked about %(domain)s.") % {"domain": domain})
    elif known.answered_at is None:
        told = _("The DNS could not be asked about %(domain)s. It is asked again.")
        yield Line("dns", Verdict.WAITING, told % {"domain": domain})
    elif found := senders.problems(known):
        for told in found:
            yield Line("dns", Verdict.WARNING, told, there)
    else:
        values = {"domain": domain, "policy": senders.policy(known), "selector": known.selector}
        told = _("%(domain)s has an SPF record and a DMARC record (policy: %(policy)s).") % values
        dkim = (
            _("Its DKIM key “%(selector)s” is there.") if known.selector
            else _("Its DKIM key was not looked for: the operator can name it (DKIM_SELECTOR).")
        )  # fmt: skip
        yield Line("dns", Verdict.GOOD, f"{told} {dkim % values}")


def _check_advertising(seen: Examined) -> Iterator[Line]:
    if _is_advertising_alone(seen.sample):
        yield _only_advertising()


def _is_advertising_alone(drawn: Sample) -> bool:
    return bool(drawn.offered) and all(candidate.is_sponsored for candidate in drawn.offered)


def _only_advertising() -> Line:
    told = _("There is nothing in it but advertising: such an issue is never sent.")
    return Line("only_ad", Verdict.ERROR, told, "#stories")


def _check_links(seen: Examined) -> Iterator[Line]:
    outside = links.outside(seen.found.links)
    known = links.known(outside)
    places = {
        **dict.fromkeys(links.written_in(seen.issue.body), "#body"),
        **dict.fromkeys(links.written_in(seen.issue.intro), "#intro"),
    }
    bad = [check for check in known.values() if check.state == LinkCheck.State.DEAD]
    bad.sort(key=lambda check: check.url not in places)
    for check in bad[:SHOWN]:
        told = _("A link leads nowhere: %(url)s. %(detail)s") % {"url": check.url, "detail": check.detail}
        verdict = Verdict.ERROR if check.url in places else Verdict.WARNING
        yield Line("link", verdict, told, places.get(check.url, "#stories"))
    for check in [each for each in known.values() if each.state == LinkCheck.State.UNSURE][:SHOWN]:
        told = _("A link did not answer: %(url)s. %(detail)s") % {"url": check.url, "detail": check.detail}
        yield Line("link", Verdict.WARNING, told, places.get(check.url, "#stories"))
    done = sum(check.state != LinkCheck.State.WAITING for check in known.values())
    if done < len(outside):
        told = _("Links are being asked: %(done)d of %(count)d answered.") % {"done": done, "count": len(outside)}
        yield Line("links", Verdict.WAITING, told)
    elif not bad and not outside:
        yield Line("links", Verdict.GOOD, _("Every link leads to this site, and is there."))
    elif not bad:
        told = ngettext(
            "%(count)d link to other sites answers, and those to this site are there.",
            "%(count)d links to other sites answer, and those to this site are there.", len(outside),
        )  # fmt: skip
        yield Line("links", Verdict.GOOD, told % {"count": len(outside)})


def _check_repeats(seen: Examined) -> Iterator[Line]:
    headlines: set[str] = set()
    for item in _shown_items(seen):
        headline = headline_of(item)
        if headline.casefold() in headlines:
            told = _("Two stories have the headline %(headline)s.") % {"headline": f"“{headline}”"}
            yield Line("repeat", Verdict.WARNING, told, f"#story-{item.article_id}")
        headlines.add(headline.casefold())


def _check_clients(seen: Examined) -> Iterator[Line]:
    missing = list(clients.unsupported(seen.mail.html))
    for use in missing:
        values = {"feature": use.feature, "clients": ", ".join(use.clients)}
        told = _("%(feature)s is not shown by %(clients)s.") % values
        yield Line("client", Verdict.WARNING, told)
    if not missing:
        yield Line("client", Verdict.GOOD, _("Every mail program shows all that it uses, or something as good."))


CHECKS: tuple[Callable[[Examined], Iterator[Line]], ...] = (
    _check_placeholders, _check_subject, _check_weight, _check_pictures, _check_parts, _check_sender,
    _check_advertising, _check_links, _check_repeats, _check_clients,
)  # fmt: skip
