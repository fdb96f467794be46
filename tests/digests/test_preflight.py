"""What the preflight finds in an issue, and what that keeps from going out."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from newsletter.digests import approval, clients, drafting, links, notices, preflight
from newsletter.digests.models import Issue, IssueNotice, LinkCheck, Schedule
from newsletter.digests.preflight import Line, Verdict
from newsletter.digests.sampling import sample
from newsletter.lib.failures import Failures
from tests.factories import NOW, make_article, make_editor, make_issue, make_newsletter, make_schedule
from tests.servers.http import HttpServer
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db


def examined(issue: Issue, *, now: Any = NOW) -> list[Line]:
    return preflight.examine(sample(issue, now=now), now=now)


def verdicts(issue: Issue, key: str) -> list[Verdict]:
    return [line.verdict for line in examined(issue) if line.key == key]


def test_sound_issue_has_no_error_and_no_warning_but_of_its_made_up_sender() -> None:
    issue = make_issue(articles=[make_article(title="The harbor is open again")])

    bad = [line for line in examined(issue) if line.verdict in {Verdict.ERROR, Verdict.WARNING}]

    assert [line.key for line in bad] == ["sender"]


@pytest.mark.parametrize("text", ["Hello, TK.", "Hello {{ name }}", "*|FNAME|*, hello", "On [date]", "Lorem ipsum"])
def test_placeholder_is_an_error_that_leads_to_its_field(text: str) -> None:
    issue = make_issue(articles=[make_article()], intro=text)

    (line,) = [line for line in examined(issue) if line.key == "placeholder"]

    assert (line.verdict, line.place) == (Verdict.ERROR, "#intro")


@pytest.mark.parametrize("text", ["A tkt for the ferry", "Atkins", "[Photo: A. Lund]", "The date is set"])
def test_ordinary_words_are_no_placeholder(text: str) -> None:
    assert preflight.placeholders(text) == []


def test_subject_is_measured_and_compared_with_the_issue_before() -> None:
    newsletter = make_newsletter()
    make_issue(newsletter=newsletter, subject="Brief", status="approved", approved_at=NOW, launched_at=NOW)
    issue = make_issue(newsletter=newsletter, subject="Brief", articles=[make_article()])

    assert verdicts(issue, "subject") == [Verdict.WARNING]
    assert verdicts(issue, "same_subject") == [Verdict.WARNING]


def test_nothing_but_advertising_is_an_error() -> None:
    issue = make_issue(articles=[make_article(is_sponsored=True)])

    assert verdicts(issue, "only_ad") == [Verdict.ERROR]


def test_missing_postal_address_is_an_error() -> None:
    issue = make_issue(newsletter=make_newsletter(postal_address=""), articles=[make_article()])

    assert verdicts(issue, "address") == [Verdict.ERROR]


def test_features_that_programs_do_not_show_are_named() -> None:
    used = {use.feature for use in clients.unsupported('<p style="display:flex"><video src="a.mp4"></video></p>')}

    assert used == {"display: flex", "<video>"}
    assert not list(clients.unsupported("<style>@media (width > 1px) { p { display: flex } }</style>"))


def test_links_are_asked_by_the_worker_and_dead_ones_block(http_server: HttpServer, settings: Settings) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    dead, alive = http_server.url("/gone"), http_server.serve("/alive", b"here")
    issue = make_issue(articles=[make_article()], intro=f"See {alive} and {dead} today.")

    assert verdicts(issue, "links") == [Verdict.WAITING]
    links.ask_for_issues(now=NOW)
    links.check_waiting(now=NOW)

    assert dict(LinkCheck.objects.values_list("url", "state")) == {alive: "alive", dead: "dead"}
    assert verdicts(issue, "link") == [Verdict.ERROR]


def test_link_into_the_house_is_never_asked(http_server: HttpServer, settings: Settings) -> None:
    settings.SITE_URL = "https://news.example.org"
    address = http_server.url("/secret")
    make_issue(articles=[make_article()], intro=f"See {address} today.")

    links.ask_for_issues(now=NOW)
    links.check_waiting(now=NOW)

    assert LinkCheck.objects.get(url=address).state == LinkCheck.State.UNSURE
    assert not http_server.requests


def test_automatic_run_with_an_error_is_held_and_those_who_may_approve_are_told_once(
    smtp_mailers: SmtpServer,
) -> None:
    schedule = make_schedule(newsletter=make_newsletter(postal_address=""))
    make_article()
    able = make_editor(email="ada@gazette.example")
    other = User.objects.create_user("ed", email="ed@gazette.example", is_staff=True)
    other.groups.add(Group.objects.get(name="Editor"))

    list(drafting.close_runs(failures=Failures(), now=NOW))
    told = [notices.tell(now=NOW), notices.tell(now=NOW + timedelta(hours=1))]

    issue = Issue.objects.get(schedule=schedule)
    assert issue.status == Issue.Status.HELD
    assert "postal address" in issue.reason
    assert told == [1, 0]
    assert [message.recipients for message in smtp_mailers.messages] == [(able.email,)]
    assert f"/admin/issue-desk/{issue.pk}/" in smtp_mailers.messages[0].content.decode()
    assert IssueNotice.objects.get().sent_at == NOW


def test_what_somebody_holds_is_no_news_but_what_cannot_leave_after_an_approval_is(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    issue = make_issue(articles=[make_article()], send_at=NOW + timedelta(hours=1))

    approval.hold(issue, by=editor, now=NOW)
    by_hand = notices.tell(now=NOW)
    approval.approve(issue, by=editor, now=NOW)
    issue.hold(reason="It cannot be rendered: a tag is missing")
    by_itself = notices.tell(now=NOW)

    assert (by_hand, by_itself) == (0, 1)


def test_run_goes_without_an_introduction_that_nobody_approved() -> None:
    schedule = make_schedule(approval=Schedule.Approval.NO_INTRO)
    make_article(title="The harbor is open again")
    issue, _is_new = drafting.issue_of_run(schedule, NOW, now=NOW)
    Issue.objects.filter(pk=issue.pk).update(intro="Half a sentence, TK")

    list(drafting.close_runs(failures=Failures(), now=NOW))

    issue.refresh_from_db()
    assert (issue.status, issue.intro) == (Issue.Status.APPROVED, "")
    kept = issue.versions.order_by("pk").first()
    assert kept
    assert kept.content["intro"] == "Half a sentence, TK"  # nothing is lost


def test_open_draft_follows_the_articles() -> None:
    schedule = make_schedule(next_run_at=NOW + timedelta(minutes=30))
    make_article()
    issue, _is_new = drafting.issue_of_run(schedule, NOW + timedelta(minutes=30), now=NOW)
    make_article(title="Came in a moment later")

    list(drafting.keep_alive(failures=Failures(), now=NOW))

    issue.refresh_from_db()
    assert issue.items.filter(article__title="Came in a moment later").exists()
    assert issue.version > 0  # whoever looks at the desk sees it
