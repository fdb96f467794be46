"""What the preflight finds in an issue, and what that keeps from going out."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from pytest_django import Settings

from articles.models import Article
from newsletter.delivery import campaigns
from newsletter.digests import approval, clients, drafting, links, notices, preflight
from newsletter.digests.changing import Desk
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue, IssueNotice, LinkCheck, Schedule
from newsletter.digests.preflight import Line, Verdict
from newsletter.lib.failures import Failures
from tests.factories import (
    NOW,
    make_article,
    make_editor,
    make_issue,
    make_newsletter,
    make_offer,
    make_schedule,
    make_subscription,
)
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


def test_placeholder_in_a_published_article_only_warns_and_in_words_for_this_mail_blocks() -> None:
    article = make_article(title="TK dies at 90", summary="In {{ curly }} words.")
    issue = make_issue(articles=[article])

    assert Verdict.ERROR not in verdicts(issue, "placeholder")
    assert Verdict.WARNING in verdicts(issue, "placeholder")
    issue.items.update(title="TK: find a headline")
    assert verdicts(issue, "placeholder")[0] == Verdict.ERROR


def test_placeholder_that_only_readers_of_fewer_topics_would_see_blocks_as_well() -> None:
    issue = make_issue(articles=[make_article() for _number in range(20)], max_articles=3)
    issue.items.filter(position=19).update(summary="TK")

    assert verdicts(issue, "placeholder") == [Verdict.ERROR]


def test_automatic_run_is_not_held_for_what_a_published_article_says() -> None:
    schedule = make_schedule()
    make_article(title="What TK means to an editor")

    list(drafting.close_runs(failures=Failures(), now=NOW))

    assert Issue.objects.get(schedule=schedule).status == Issue.Status.APPROVED


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


def test_dead_link_of_an_offer_only_warns(http_server: HttpServer) -> None:
    dead = http_server.url("/gone")
    issue = make_issue(articles=[make_article()])
    make_offer(url=dead).newsletters.add(issue.newsletter)
    LinkCheck.objects.create(url=dead, state="dead", asked_for_at=NOW, checked_at=NOW)

    assert verdicts(issue, "link") == [Verdict.WARNING]


def test_dead_link_is_asked_again_soon_and_is_dead_until_it_answers(
    http_server: HttpServer, settings: Settings
) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    mended = http_server.serve("/mended", b"here")
    LinkCheck.objects.create(url=mended, state="dead", asked_for_at=NOW, checked_at=NOW)
    issue = make_issue(articles=[make_article()], intro=f"See {mended} today.", send_at=NOW + timedelta(hours=1))
    soon = NOW + timedelta(minutes=11)

    asked = [links.ask_for_issues(now=NOW + timedelta(minutes=9)), links.ask_for_issues(now=soon)]

    assert asked == [0, 1]
    assert verdicts(issue, "link") == [Verdict.ERROR]
    links.check_waiting(now=soon)
    assert verdicts(issue, "link") == []


def test_link_that_another_worker_asks_is_left_to_it(http_server: HttpServer, settings: Settings) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    address = http_server.serve("/slow", b"here")
    links.ask_for([address], now=NOW)
    check = LinkCheck.objects.get()
    assert LinkCheck.objects.get().claim(NOW, until=NOW + links.LEASE)

    assert not check.claim(NOW, until=NOW + links.LEASE)
    assert links.check_waiting(now=NOW + timedelta(seconds=20)) == 0
    assert not http_server.requests
    assert links.check_waiting(now=NOW + links.LEASE) == 1  # the other one died


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


def test_who_approves_is_told_anew_when_it_is_held_again(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    issue = make_issue(articles=[make_article()], send_at=NOW + timedelta(hours=1))
    told = []
    for _round in range(2):
        issue.hold(reason="It cannot be rendered: a tag is missing")
        told += [notices.tell(now=NOW), notices.tell(now=NOW)]
        approval.approve(issue, by=editor, now=NOW)

    assert told == [1, 0, 1, 0]


def test_rule_that_holds_what_somebody_opened_again_is_told(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    issue = make_issue(articles=[make_article()], send_at=NOW + timedelta(hours=1))
    approval.approve(issue, by=editor, now=NOW)
    approval.reopen(issue, by=editor, now=NOW)

    issue.hold(reason="Nobody approved it before its time.")

    assert notices.tell(now=NOW) == 1


def test_editors_are_told_once_that_a_draft_is_open_where_the_newsletter_wants_it(smtp_mailers: SmtpServer) -> None:
    wanted, not_wanted = (make_newsletter(tells_of_drafts=tells) for tells in (True, False))
    make_editor(email="ada@gazette.example")
    other = User.objects.create_user("ed", email="ed@gazette.example", is_staff=True)
    other.groups.add(Group.objects.get(name="Editor"))
    make_article()
    for newsletter in (wanted, not_wanted):
        make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(minutes=30))
    list(drafting.open_drafts(failures=Failures(), now=NOW))

    told = [notices.tell(now=NOW), notices.tell(now=NOW + timedelta(minutes=1))]

    assert told == [2, 0]
    issue = Issue.objects.get(newsletter=wanted)
    assert sorted(message.recipients[0] for message in smtp_mailers.messages) == [
        "ada@gazette.example", "ed@gazette.example",
    ]  # fmt: skip
    content = smtp_mailers.messages[0].content.decode()
    assert f"/admin/issue-desk/{issue.pk}/" in content
    assert "with 1 story so far." in content
    assert "booked for it" not in content
    assert "As things stand" not in content  # nobody has worked it out yet


def test_draft_that_was_decided_before_the_mail_left_is_not_told(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    make_article()
    newsletter = make_newsletter(tells_of_drafts=True)
    make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(minutes=30))
    list(drafting.open_drafts(failures=Failures(), now=NOW))
    issue = Issue.objects.get()
    IssueNotice.objects.create(issue=issue, editor=editor, kind="opened", created_at=NOW, next_attempt_at=NOW)

    approval.approve(issue, by=editor, now=NOW)

    assert notices.tell(now=NOW) == 0
    assert not smtp_mailers.messages


def test_nobody_can_slip_an_error_in_while_it_is_approved() -> None:
    editor = make_editor()
    seen_before = make_issue(articles=[make_article()], send_at=NOW + timedelta(hours=1))
    Issue.objects.filter(pk=seen_before.pk).update(intro="Hello, TK")  # after it was read

    with pytest.raises(approval.BlockedError):
        approval.approve(seen_before, by=editor, now=NOW)


def test_approved_issue_that_became_an_error_is_held_at_its_launch_and_told(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    news, advertising = make_article(), make_article(is_sponsored=True)
    issue = make_issue(articles=[news, advertising], send_at=NOW + timedelta(hours=1))
    make_subscription(newsletter=issue.newsletter)
    approval.approve(issue, by=editor, now=NOW)
    news.withdraw(NOW)

    campaign = campaigns.launch(Issue.objects.get(pk=issue.pk), now=NOW + timedelta(hours=1))

    issue.refresh_from_db()
    assert campaign is None
    assert (issue.status, issue.launched_at) == (Issue.Status.HELD, None)
    assert "advertising" in issue.reason
    assert notices.tell(now=NOW + timedelta(hours=1)) == 1


def test_approved_issue_whose_article_is_withdrawn_is_held_at_once_and_told(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    news, advertising, other = make_article(), make_article(is_sponsored=True), make_article()
    doomed, sound = (
        make_issue(articles=articles, send_at=NOW + timedelta(hours=9))
        for articles in ([news, advertising], [news, other])
    )
    Article.objects.update(updated_at=NOW - timedelta(hours=1))
    for issue in (doomed, sound):
        approval.approve(issue, by=editor, now=NOW)
    assert list(approval.examine_again(failures=Failures(), now=NOW)) == []
    news.withdraw(NOW + timedelta(minutes=1))

    held = list(approval.examine_again(failures=Failures(), now=NOW + timedelta(minutes=2)))

    assert held == [doomed]
    assert not Issue.objects.changed_since_examined().exists()  # neither is looked at again and again
    assert notices.tell(now=NOW + timedelta(minutes=2)) == 1
    sound.refresh_from_db()
    assert sound.status == Issue.Status.APPROVED


def test_words_that_are_changed_after_an_approval_are_examined(smtp_mailers: SmtpServer) -> None:
    editor = make_editor(email="ada@gazette.example")
    issue = make_issue(articles=[make_article()], send_at=NOW + timedelta(hours=9))
    Article.objects.update(updated_at=NOW - timedelta(hours=1))
    approval.approve(issue, by=editor, now=NOW)
    later = NOW + timedelta(minutes=1)
    Desk(issue, by=editor, seen=issue.version, now=later).write({"intro": "Hello, TK"})

    assert list(approval.examine_again(failures=Failures(), now=later)) == [issue]


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
