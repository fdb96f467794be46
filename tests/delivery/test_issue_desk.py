"""The issue desk by its buttons: what each does, who may press it, and what two editors do to each other."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from newsletter.delivery import outlooks
from newsletter.delivery.models import Send
from newsletter.digests import drafting, links
from newsletter.digests.models import Issue, IssueItem, LinkCheck, SenderDomain
from newsletter.subscribers.models import Newsletter
from tests.factories import (
    make_article,
    make_editor,
    make_issue,
    make_newsletter,
    make_schedule,
    make_subscription,
)
from tests.servers.smtp import SmtpServer

State = IssueItem.State
SCRIPT = {"Accept": "application/json"}


@pytest.fixture
def issue(db: None) -> Issue:
    """A draft of three stories that goes out in half an hour."""
    now = timezone.now()
    articles = [make_article(title=f"Story {n}", released_at=now - timedelta(hours=n)) for n in (1, 2, 3)]
    newsletter = make_newsletter(name="Latest news", slug="latest-news")
    return make_issue(newsletter=newsletter, articles=articles, send_at=now + timedelta(minutes=30))


@pytest.fixture
def editor(db: None, client: Client) -> User:
    user = make_editor(username="ada", email="ada@gazette.example")
    client.force_login(user)
    return user


def press(client: Client, issue: Issue, do: str, **values: object) -> Any:
    """What a button of the page without JavaScript does."""
    issue.refresh_from_db()
    data = {"do": do, "seen": issue.version, **values}
    return client.post(reverse("issue_desk:desk", args=[issue.pk]), data, follow=True)


def order(issue: Issue) -> list[str]:
    items = sorted(issue.items.select_related("article"), key=lambda item: (item.state != "pinned", item.position))
    return [item.article.title for item in items]


def pk_of(issue: Issue, title: str) -> int:
    return issue.items.get(article__title=title).article_id


def test_desk_shows_the_stories_and_what_they_are(client: Client, editor: User, issue: Issue) -> None:
    page = client.get(reverse("issue_desk:desk", args=[issue.pk])).content.decode()

    assert "Story 1" in page
    assert "3 of 8" in page
    assert 'placeholder="Story 1"' in page


def test_buttons_move_pin_drop_and_keep(client: Client, editor: User, issue: Issue) -> None:
    one, two, three = (pk_of(issue, f"Story {n}") for n in (1, 2, 3))

    press(client, issue, f"move {three} {one}")
    press(client, issue, f"pin {two}")
    press(client, issue, f"drop {one}")
    press(client, issue, f"later {three}")

    states = dict(issue.items.values_list("article__title", "state"))
    assert states == {"Story 1": State.DROPPED, "Story 2": State.PINNED, "Story 3": State.LATER}
    assert Issue.objects.get(pk=issue.pk).is_arranged


def test_every_step_can_be_taken_back_one_after_the_other(client: Client, editor: User, issue: Issue) -> None:
    one, three = pk_of(issue, "Story 1"), pk_of(issue, "Story 3")
    press(client, issue, f"move {three} {one}")
    press(client, issue, f"drop {one}")

    press(client, issue, "undo")
    assert issue.items.get(article=one).state == State.INCLUDED
    press(client, issue, "undo")

    assert order(issue) == ["Story 1", "Story 2", "Story 3"]
    assert not Issue.objects.get(pk=issue.pk).is_arranged


def test_taking_back_what_was_taken_in_takes_it_out_again(client: Client, editor: User, issue: Issue) -> None:
    old = make_article(title="Old story", released_at=timezone.now() - timedelta(days=40))
    press(client, issue, f"drop {pk_of(issue, 'Story 1')}")
    press(client, issue, f"add {old.pk}")
    taken_in = issue.items.get(article=old).state

    press(client, issue, "undo")
    assert (taken_in, issue.items.get(article=old).state) == (State.PINNED, State.DROPPED)
    press(client, issue, "undo")
    assert issue.items.get(article__title="Story 1").state == State.INCLUDED


def test_above_a_pinned_story_it_is_pinned_and_below_an_unpinned_it_is_not(
    client: Client, editor: User, issue: Issue
) -> None:
    one, two, three = (pk_of(issue, f"Story {n}") for n in (1, 2, 3))
    press(client, issue, f"pin {one}")

    press(client, issue, f"move {three} {one}")
    press(client, issue, f"move {one}")

    assert order(issue) == ["Story 3", "Story 2", "Story 1"]
    assert issue.items.get(article=three).state == State.PINNED
    assert issue.items.get(article=one).state == State.INCLUDED
    assert issue.items.get(article=two).state == State.INCLUDED


def test_words_for_the_mail_leave_the_article_alone(client: Client, editor: User, issue: Issue) -> None:
    one = pk_of(issue, "Story 1")

    press(client, issue, f"word {one}", title="Sharper", summary="Said better.")

    item = issue.items.get(article=one)
    assert (item.title, item.summary) == ("Sharper", "Said better.")
    assert item.article.title == "Story 1"
    frame = client.get(reverse("issue_desk:preview", args=[issue.pk])).content.decode()
    assert "Sharper" in frame


def test_two_editors_change_different_things(client: Client, editor: User, issue: Issue) -> None:
    seen = issue.version
    press(client, issue, f"pin {pk_of(issue, 'Story 1')}")

    other = signed_in("ben")
    answer = other.post(
        reverse("issue_desk:desk", args=[issue.pk]),
        {"do": "write", "seen": seen, "was_subject": "", "subject": "The bridge is open"},
        headers=SCRIPT,
    )

    assert answer.status_code == 200
    issue.refresh_from_db()
    assert issue.subject == "The bridge is open"


def test_second_editor_cannot_overwrite_what_they_have_not_seen(client: Client, editor: User, issue: Issue) -> None:
    seen = issue.version
    press(client, issue, "write", was_subject="", subject="From Ada, this morning")

    other = signed_in("ben")
    address = reverse("issue_desk:desk", args=[issue.pk])
    data = {"do": "write", "seen": seen, "was_subject": "", "subject": "From Ben, this morning"}
    answer = other.post(address, data, headers=SCRIPT)
    page = other.post(address, data).content.decode()

    assert answer.json()["isStale"]
    assert "ada changed this meanwhile: the subject" in answer.json()["said"]
    assert answer.json()["words"]["subject"] == "From Ada, this morning"
    assert 'value="From Ben, this morning"' in page  # what was typed stands in its field
    issue.refresh_from_db()
    assert issue.subject == "From Ada, this morning"


def test_form_without_script_leaves_alone_what_it_did_not_change(client: Client, editor: User, issue: Issue) -> None:
    press(client, issue, "write", was_intro="", intro="Good morning.")

    press(client, issue, "write", was_subject="", subject="A new subject line", was_intro="", intro="")

    issue.refresh_from_db()
    assert (issue.subject, issue.intro) == ("A new subject line", "Good morning.")


def test_announcement_is_written_at_the_same_desk(client: Client, editor: User) -> None:
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    issue = make_issue(newsletter=newsletter, send_at=timezone.now() + timedelta(hours=1))

    press(client, issue, "write", was_subject="", subject="We are moving house", was_body="", body="On Monday.")

    frame = client.get(reverse("issue_desk:preview", args=[issue.pk])).content.decode()
    assert "On Monday." in frame
    assert 'id="part-waiting"' not in client.get(reverse("issue_desk:desk", args=[issue.pk])).content.decode()


def test_editor_arranges_and_publisher_approves(client: Client, issue: Issue) -> None:
    editor, publisher = signed_in("ed", "Editor"), signed_in("pia", "Publisher")

    refused = press(editor, issue, "approve")
    assert refused.status_code == 403
    assert "A publisher approves it." in editor.get(reverse("issue_desk:desk", args=[issue.pk])).content.decode()
    press(publisher, issue, "approve")
    issue.refresh_from_db()
    assert issue.status == Issue.Status.APPROVED
    press(editor, issue, f"drop {pk_of(issue, 'Story 1')}")

    assert issue.items.get(article__title="Story 1").state == State.INCLUDED  # what was approved is what goes out


def test_approval_is_taken_back_before_it_leaves(client: Client, editor: User, issue: Issue) -> None:
    press(client, issue, "approve")
    press(client, issue, "reopen")
    issue.refresh_from_db()
    assert (issue.status, issue.approved_by, issue.approved_at) == (Issue.Status.DRAFT, None, None)

    press(client, issue, "hold")

    issue.refresh_from_db()
    assert (issue.status, issue.reason) == (Issue.Status.HELD, "Held by ada.")


def test_late_approval_leaves_time_to_take_it_back(client: Client, editor: User, issue: Issue) -> None:
    Issue.objects.filter(pk=issue.pk).update(status=Issue.Status.HELD, reason="late", send_at=timezone.now())

    press(client, issue, "approve")
    issue.refresh_from_db()
    assert timedelta(seconds=20) < issue.send_at - timezone.now() <= timedelta(seconds=30)
    press(client, issue, "reopen")

    issue.refresh_from_db()
    assert issue.status == Issue.Status.HELD  # not a draft, which its schedule would let go at once


def test_approver_must_have_seen_what_others_did(client: Client, editor: User, issue: Issue) -> None:
    seen = issue.version
    press(signed_in("ben"), issue, f"drop {pk_of(issue, 'Story 1')}")

    answer = client.post(reverse("issue_desk:desk", args=[issue.pk]), {"do": "approve", "seen": seen}, headers=SCRIPT)

    assert answer.json()["isStale"]
    issue.refresh_from_db()
    assert issue.status == Issue.Status.DRAFT


def test_error_of_the_preflight_blocks_the_approval(client: Client, editor: User, issue: Issue) -> None:
    press(client, issue, "write", was_intro="", intro="Good morning, TK.")

    page = press(client, issue, "approve")

    assert "It cannot be approved" in page.content.decode()
    issue.refresh_from_db()
    assert issue.status == Issue.Status.DRAFT


def test_polling_costs_nothing_until_something_changed(
    client: Client, editor: User, issue: Issue, django_assert_max_num_queries: Any
) -> None:
    address = reverse("issue_desk:state", args=[issue.pk])
    tag = client.get(address).headers["ETag"]

    with django_assert_max_num_queries(11):
        assert client.get(address, headers={"If-None-Match": tag}).status_code == 304
    make_subscription(newsletter=issue.newsletter)
    outlooks.work_out(issue, clock=timezone.now)
    fresh = client.get(address, headers={"If-None-Match": tag})

    assert fresh.status_code == 200
    assert "1 reader" in fresh.json()["panes"]["outlook"]


def test_polling_tells_what_the_worker_learned_of_links_and_of_the_sender(
    client: Client, editor: User, issue: Issue
) -> None:
    address, tags = reverse("issue_desk:state", args=[issue.pk]), set()
    Newsletter.objects.filter(pk=issue.newsletter_id).update(sender_address="news@gazette.town")
    for learned in (
        lambda: None,
        lambda: links.ask_for(["https://elsewhere.example.org/"], now=timezone.now()),
        lambda: LinkCheck.objects.update(state="dead", checked_at=timezone.now()),
        lambda: SenderDomain.objects.create(domain="gazette.town", checked_at=timezone.now()),
    ):
        learned()

        tags.add(client.get(address).headers["ETag"])

    assert len(tags) == 3  # that one is asked for tells nothing


def test_versions_tell_who_did_what_and_come_back(client: Client, editor: User, issue: Issue) -> None:
    press(client, issue, "write", was_subject="", subject="The first subject")
    press(client, issue, f"drop {pk_of(issue, 'Story 2')}")
    address = reverse("issue_desk:versions", args=[issue.pk])

    page = client.get(address).content.decode()
    assert "“Story 2” was dropped" in page
    first = issue.versions.order_by("pk").first()
    assert first
    client.post(address, {"version": first.pk, "seen": Issue.objects.get(pk=issue.pk).version})

    issue.refresh_from_db()
    assert issue.subject == ""
    assert issue.items.get(article__title="Story 2").state == State.INCLUDED
    assert issue.versions.count() == 4  # nothing is forgotten by going back


def test_what_is_out_is_only_shown(client: Client, editor: User, issue: Issue) -> None:
    Issue.objects.filter(pk=issue.pk).update(
        status=Issue.Status.APPROVED, approved_at=timezone.now(), launched_at=timezone.now()
    )

    press(client, issue, f"drop {pk_of(issue, 'Story 1')}")
    page = client.get(reverse("issue_desk:desk", args=[issue.pk])).content.decode()

    assert issue.items.get(article__title="Story 1").state == State.INCLUDED
    assert "Approve" not in page


def test_dropped_stays_dropped_and_later_comes_back_in_the_next_issue(db: None) -> None:
    now = timezone.now()
    newsletter = make_newsletter(kind=Newsletter.Kind.DIGEST)
    schedule = make_schedule(newsletter=newsletter, window_days=3, next_run_at=None)
    old = make_article(title="Old", released_at=now - timedelta(days=20))
    crime = make_article(title="Crime brief", released_at=now - timedelta(hours=3))
    first = make_issue(newsletter=newsletter, schedule=schedule, cadence=schedule.cadence, articles=[old, crime])
    first.items.filter(article=old).update(state=State.LATER)
    first.items.filter(article=crime).update(state=State.DROPPED)

    following = make_issue(newsletter=newsletter, schedule=schedule, cadence=schedule.cadence, run_slot="next")
    drafting.refresh(following, now=now)

    states = dict(following.items.values_list("article__title", "state"))
    assert states == {"Old": State.INCLUDED, "Crime brief": State.DROPPED}


def signed_in(name: str, group: str = "Owner") -> Client:
    client = Client()
    user = User.objects.create_user(name, email=f"{name}@gazette.example", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    return client


def test_test_mail_goes_to_everybody_who_works_on_issues(
    client: Client, editor: User, issue: Issue, smtp_mailers: SmtpServer
) -> None:
    signed_in("ben", "Editor"), signed_in("ann", "Author")

    press(client, issue, "test desk")

    got = {message.recipients[0]: str(message.parsed["Subject"]) for message in smtp_mailers.messages}
    assert set(got) == {"ada@gazette.example", "ben@gazette.example"}
    assert all(subject.startswith("[Test] ") for subject in got.values())


def test_test_goes_to_the_newsletters_own_list_and_says_what_it_is_in_every_part(
    client: Client, editor: User, issue: Issue, smtp_mailers: SmtpServer
) -> None:
    Newsletter.objects.update(test_addresses=["ann@gazette.example", "press@gazette.example"])
    page = client.get(reverse("issue_desk:desk", args=[issue.pk])).content.decode()
    assert 'value="ann@gazette.example press@gazette.example"' in page

    press(client, issue, "test", to="ann@gazette.example press@gazette.example")

    assert {message.recipients[0] for message in smtp_mailers.messages} == {
        "ann@gazette.example", "press@gazette.example"
    }  # fmt: skip
    mail = smtp_mailers.messages[0].parsed
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert "This is a test." in part.get_content()
    assert not Send.objects.exists()
    assert mail["List-Unsubscribe"].endswith("/newsletters/latest-news/>")
