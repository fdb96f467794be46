"""*Today*: what needs a person, what comes next, and what became of the last runs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.delivery import campaigns
from newsletter.delivery.models import Campaign, Send, TransportOutage
from newsletter.digests import drafting
from newsletter.digests.models import Issue, SenderDomain
from newsletter.engagement.models import Event
from newsletter.insights import health, today
from newsletter.insights.today import Need
from tests import factories
from tests.factories import NOW

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


class Everybody:
    """May do everything."""

    def has_perm(self, _perm: str) -> bool:
        return True


class Nobody:
    def has_perm(self, _perm: str) -> bool:
        return False


@pytest.fixture(autouse=True)
def _heart_beats() -> Any:
    health.record_heartbeat(now=NOW)
    yield
    cache.clear()


def needs(user: Any = None) -> list[Need]:
    found: list[Need] = today.shown(user or Everybody(), now=NOW)["needs"]
    return found


def texts() -> list[str]:
    return [need.text for need in needs()]


@pytest.mark.parametrize(("role", "may_make"), [("Publisher", True), ("Editor", False)])
def test_site_without_a_newsletter_says_how_to_begin(role: str, may_make: bool, client: Client) -> None:
    person = User.objects.create_user(username="ada", is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)

    page = client.get("/admin/").content.decode()

    assert "There is no newsletter yet" in page
    assert (f'href="{reverse("admin:subscribers_newsletter_add")}"' in page) is may_make
    assert f'href="{reverse("admin:articles_feed_add")}"' in page
    assert "Last runs" not in page


def test_nothing_is_red_where_nothing_needs_anybody() -> None:
    factories.make_schedule(next_run_at=NOW + MINUTE)
    factories.make_feed()

    assert needs() == []


def test_held_issue_needs_somebody_who_may_change_it() -> None:
    issue = factories.make_issue()
    issue.hold(reason="Nobody approved it before its time.")

    [need] = needs()

    assert need.text == f"{issue} is held."
    assert need.detail == "Nobody approved it before its time."
    assert need.url == reverse("issue_desk:desk", args=[issue.pk])
    assert needs(Nobody()) == []


def test_old_held_issues_push_neither_the_next_run_nor_the_latest_one_off_the_page() -> None:
    newsletter = factories.make_newsletter()
    for number in range(1, 46):
        old = factories.make_issue(newsletter=newsletter, send_at=NOW - number * 60 * MINUTE)
        old.hold(reason="Nobody approved it before its time.")
    latest = Issue.objects.get(send_at=NOW - 60 * MINUTE)
    coming = factories.make_issue(newsletter=newsletter, send_at=NOW + 60 * MINUTE)

    [card] = today.shown(Everybody(), now=NOW)["cards"]

    assert card.runs[-1].at == coming.send_at
    assert [run.at for run in card.runs if run.tone == "danger"][-1] == latest.send_at
    assert needs()[0].text == f"{latest} is held."


def test_issue_that_nobody_approved_is_red_shortly_before_its_run() -> None:
    schedule = factories.make_schedule(approval="required", next_run_at=NOW + 30 * MINUTE)
    factories.make_article(released_at=NOW - 60 * MINUTE)
    issue, _is_new = drafting.issue_of_run(schedule, NOW + 30 * MINUTE, now=NOW)

    assert texts() == []
    Issue.objects.filter(pk=issue.pk).update(send_at=NOW + 19 * MINUTE)
    assert texts() == [f"Nobody has approved {issue} yet."]


def test_campaign_whose_mail_server_stays_away_is_red_after_five_minutes() -> None:
    campaign = factories.make_campaign(started_at=NOW - 30 * MINUTE)
    reason = "The mail server cannot be reached: refused"
    campaign.wait(reason=reason, resume_at=NOW, now=NOW - 4 * MINUTE)
    assert texts() == []
    campaign.note_answer()
    campaign.resume(NOW)
    campaign.wait(reason=reason, resume_at=NOW, now=NOW - 6.5 * MINUTE)
    campaign.resume(NOW)

    assert texts() == [f"{campaign.issue} has not handed over a mail for 6 minutes."]  # also while it tries again
    campaign.wait(reason=reason, resume_at=NOW + MINUTE / 2, now=NOW)
    [need] = needs()

    assert need.text == f"{campaign.issue} has not handed over a mail for 6 minutes."
    assert need.detail == reason
    campaign.note_answer()
    assert texts() == []


@pytest.mark.parametrize("minutes", [600, 10, 1])
def test_campaign_that_waits_for_its_hours_is_in_order(minutes: int) -> None:
    campaign = factories.make_campaign(started_at=NOW - 30 * MINUTE)
    opening = NOW + minutes * MINUTE
    newsletter = campaign.issue.newsletter
    newsletter.sends_from, newsletter.sends_until = opening.time(), (opening + 60 * MINUTE).time()
    newsletter.save()
    campaign.wait(reason="The mail server cannot be reached", resume_at=NOW, now=NOW - 20 * MINUTE)
    campaign.resume(NOW)
    campaign.pause(reason="It is outside the newsletter's hours.", resume_at=opening)

    assert texts() == []


@pytest.mark.parametrize("kind", ["bounced", "complained"])
def test_run_of_which_much_comes_back_is_red(kind: str) -> None:
    campaign = factories.make_campaign(started_at=NOW - 60 * MINUTE)
    sends = [
        factories.make_send(campaign=campaign, status=Send.Status.SENT, settled_at=NOW)
        for _number in range(50)
    ]  # fmt: skip
    for send in sends[:2]:
        Event.objects.create(send=send, kind=kind, source="test", source_id=f"{send.pk}", at=NOW)

    [need] = needs()

    assert ("came back" in need.text) == (kind == "bounced")
    assert str(campaign.issue) in need.text


def test_silent_workers_are_red_and_say_since_when() -> None:
    health.record_heartbeat(now=NOW - 5 * MINUTE)
    health.STARTED_AT, before = health.STARTED_AT - 120, health.STARTED_AT
    try:
        [need] = needs(Nobody())
    finally:
        health.STARTED_AT = before

    assert "away or busy" in need.text
    assert "nothing is sent" in need.detail


def test_failing_feeds_are_named_and_many_are_summed_up() -> None:
    for number in range(5):
        factories.make_feed(title=f"Feed {number}", failure_count=3, last_error="It answers 503.")

    found = needs()

    assert [need.text for need in found][:1] == ["Feed 0 cannot be read."]
    assert found[0].detail == "It answers 503."
    assert found[-1].text == "And more feeds like that."
    assert len(found) == 4


def test_card_tells_the_draft_the_next_run_and_the_campaign() -> None:
    newsletter = factories.make_newsletter(name="Latest news")
    schedule = factories.make_schedule(newsletter=newsletter, approval="required", next_run_at=NOW + 30 * MINUTE)
    factories.make_schedule(newsletter=newsletter, cadence="weekly", next_run_at=NOW + 3000 * MINUTE)
    factories.make_schedule(newsletter=newsletter, cadence="immediate", next_run_at=None)
    factories.make_article(released_at=NOW - 60 * MINUTE)
    drafting.issue_of_run(schedule, NOW + 30 * MINUTE, now=NOW)
    sending = factories.make_issue(newsletter=newsletter, status="approved", approved_at=NOW, send_at=NOW)
    factories.make_subscription(newsletter=newsletter)
    assert campaigns.launch(sending, now=NOW)

    [card] = today.shown(Everybody(), now=NOW)["cards"]

    assert [run.title for run in card.runs][:3] == [str(sending), "Once a day", "Once a week"]
    assert [run.state for run in card.runs][:2] == ["sending", "draft; waits for approval"]
    assert card.runs[0].detail == "0 of 1 accepted"
    assert card.runs[1].detail.startswith("1 story")
    assert card.runs[2].state == "planned"
    assert card.runs[2].detail.startswith("its draft opens")
    assert card.runs[3].state == "waits for the next article"


def test_card_counts_no_story_that_an_editor_dropped_or_kept_for_later() -> None:
    articles = [factories.make_article() for _ in range(3)]
    issue = factories.make_issue(articles=articles, send_at=NOW + timedelta(hours=1))
    for article, state in zip(articles, ("dropped", "later"), strict=False):
        issue.items.filter(article=article).update(state=state)

    (card,) = today.shown(Everybody(), now=NOW)["cards"]

    assert card.runs[0].detail == "1 story waits"


def test_newsletter_whose_turn_is_next_comes_first() -> None:
    later, sooner, never = (factories.make_newsletter(name=name) for name in ("Later", "Sooner", "Never"))
    factories.make_schedule(newsletter=later, next_run_at=NOW + 60 * MINUTE)
    factories.make_schedule(newsletter=sooner, next_run_at=NOW + 30 * MINUTE)

    assert [card.newsletter for card in today.shown(Everybody(), now=NOW)["cards"]] == [sooner, later, never]


def test_receipts_say_what_was_accepted_refused_and_owed_nothing_or_why_nothing_went_out() -> None:
    campaign = factories.make_campaign(started_at=NOW - 60 * MINUTE)
    Issue.objects.filter(pk=campaign.issue_id).update(launched_at=NOW, send_at=NOW - 60 * MINUTE)
    for status, reason in [("sent", ""), ("sent", ""), ("failed", "refused"), ("skipped", "nothing_new")]:
        factories.make_send(campaign=campaign, status=status, reason=reason, settled_at=NOW)
    Campaign.objects.filter(pk=campaign.pk).update(status="finished", finished_at=NOW - 54 * MINUTE)
    skipped = factories.make_issue(send_at=NOW - 90 * MINUTE)
    skipped.skip(reason="Nothing new.")

    sent_one, skipped_one = today.shown(Everybody(), now=NOW)["receipts"]

    assert sent_one.state == "sent"
    assert sent_one.lines == ("2 accepted", "1 refused", "1 reader got none")
    assert "–" in sent_one.when
    assert (skipped_one.state, skipped_one.lines) == ("skipped", ("Nothing new.",))


def test_page_asks_for_its_parts_and_is_told_if_nothing_changed(client: Client) -> None:
    health.record_heartbeat(now=timezone.now())
    client.force_login(factories.make_editor())
    factories.make_newsletter(name="Latest news")

    first = client.get(reverse("desk:today"))
    again = client.get(reverse("desk:today"), headers={"If-None-Match": first["ETag"]})

    assert "Latest news" in first.content.decode()
    assert b"<html" not in first.content
    assert again.status_code == 304


def test_parts_are_for_the_desk_only(client: Client) -> None:
    assert client.get(reverse("desk:today")).status_code == 302


def test_transport_that_refuses_us_or_is_down_for_long_needs_somebody() -> None:
    lately, long_ago, soon = NOW - timedelta(minutes=5), NOW - timedelta(minutes=20), NOW + timedelta(minutes=5)
    TransportOutage.objects.create(name="main", since=lately, reason="401 Forbidden")
    TransportOutage.objects.create(name="second", since=long_ago, until=soon, reason="no connection")
    TransportOutage.objects.create(name="third", since=lately, until=soon, reason="no connection")

    assert texts() == ["The transport main is left out.", "The transport second is left out."]
    assert needs()[0].detail == "It refuses to send for us: 401 Forbidden"


class Only:
    """May do just this."""

    def __init__(self, *perms: str) -> None:
        self._perms = perms

    def has_perm(self, perm: str) -> bool:
        return perm in self._perms


LOOKS_AROUND = Only("subscribers.view_newsletter", "digests.view_issue")


def test_who_may_not_look_at_newsletters_sees_neither_cards_nor_receipts() -> None:
    factories.make_campaign()

    shown = today.shown(Only("articles.view_article"), now=NOW)

    assert (shown["is_shown_issues"], shown["cards"], shown["receipts"]) == (False, [], [])


def test_card_leads_who_may_not_look_at_campaigns_to_the_desk() -> None:
    campaign = factories.make_campaign()

    for user, page in (
        (LOOKS_AROUND, reverse("issue_desk:desk", args=[campaign.issue_id])),
        (Everybody(), reverse("admin:delivery_campaign_change", args=[campaign.pk])),
    ):
        [card] = today.shown(user, now=NOW)["cards"]

        assert page in [run.url for run in card.runs]


def test_figures_are_of_lists_that_one_may_open() -> None:
    assert [each.label for each in today.figures(Only("articles.view_article"), now=NOW)] == [
        "released in 24 hours", "waiting in review",
    ]  # fmt: skip
    assert len(today.figures(Everybody(), now=NOW)) == 4


@pytest.mark.parametrize(("days", "is_red"), [(1, True), (10, False)])
def test_sender_that_the_dns_does_not_vouch_for_is_red_before_a_run(days: int, is_red: bool) -> None:
    newsletter = factories.make_newsletter(sender_address="news@gazette.town")
    factories.make_schedule(newsletter=newsletter, next_run_at=NOW + timedelta(days=days))
    domain = SenderDomain.objects.create(domain="gazette.town", spf=["v=spf1 -all"], dmarc=[], answered_at=NOW)

    assert texts() == (["The DNS does not vouch for gazette.town."] if is_red else [])

    domain.dmarc = ["v=DMARC1; p=none"]
    domain.save()

    assert texts() == []


def test_domain_that_no_name_server_told_of_is_not_red() -> None:
    newsletter = factories.make_newsletter(sender_address="news@gazette.town")
    factories.make_issue(newsletter=newsletter, send_at=NOW + MINUTE)
    SenderDomain.objects.create(domain="gazette.town")

    assert texts() == []
