"""An issue on the desk by section, as its mail has it; stories that go from one to another; what waits, and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from newsletter.delivery.issue_desk.board import Board, board
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Appearance, Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.test_issue_desk import pk_of, press
from tests.digests.reading import Reading
from tests.factories import NOW, make_article, make_editor, make_issue, make_newsletter, make_topic


@pytest.fixture
def editor(db: None, client: Client) -> User:
    user = make_editor(username="ada", email="ada@gazette.example")
    client.force_login(user)
    return user


@pytest.fixture
def sectioned(db: None) -> Issue:
    """A draft whose mail has the sections Harbor and Town below its lead."""
    now = timezone.now()
    harbor, town = make_topic(name="Harbor"), make_topic(name="Local sport")
    topics = [harbor, town, harbor, town, harbor]
    articles = [
        make_article(title=f"Story {n}", released_at=now - timedelta(hours=n), topics=[topic])
        for n, topic in enumerate(topics, start=1)
    ]
    newsletter = make_newsletter(name="Latest news", slug="latest-news")
    Appearance.objects.create(newsletter=newsletter, groups_by_topic=True)
    return make_issue(newsletter=newsletter, articles=articles, send_at=now + timedelta(minutes=30), is_arranged=True)


def parts(issue: Issue) -> list[tuple[str, list[str]]]:
    issue.refresh_from_db()
    return [(part.title, [each.headline for each in part.stories]) for part in laid(issue).parts]


def laid(issue: Issue) -> Board:
    return board(issue, now=timezone.now())


def told(issue: Issue) -> list[str]:
    """Headlines and sections of the mail, in its order."""
    mail = laid(issue).sample.mail()
    assert mail is not None
    return [each.text for each in Reading(mail.html).elements if each.tag in {"h2", "h3"}]


def test_issue_lies_on_the_desk_by_section_as_its_mail_has_it(client: Client, editor: User, sectioned: Issue) -> None:
    page = client.get(reverse("issue_desk:desk", args=[sectioned.pk])).content.decode()

    assert parts(sectioned) == [
        ("Lead", ["Story 1"]), ("Local sport", ["Story 2", "Story 4"]), ("Harbor", ["Story 3", "Story 5"])
    ]  # fmt: skip
    assert told(sectioned) == ["Story 1", "Local sport", "Story 2", "Story 4", "Harbor", "Story 3", "Story 5"]
    assert page.count('data-list="stories"') == 3


def test_step_across_a_border_leads_into_the_other_section_and_back(
    client: Client, editor: User, sectioned: Issue
) -> None:
    four = pk_of(sectioned, "Story 4")

    def step(name: str) -> None:
        story = next(each for part in laid(sectioned).parts for each in part.stories if each.article.pk == four)
        press(client, sectioned, f"move {four} {getattr(story, name)}")

    step("down")

    assert parts(sectioned)[1:] == [("Local sport", ["Story 2"]), ("Harbor", ["Story 4", "Story 3", "Story 5"])]
    assert told(sectioned)[1:5] == ["Local sport", "Story 2", "Harbor", "Story 4"]

    step("up")

    assert parts(sectioned)[1:] == [("Local sport", ["Story 2", "Story 4"]), ("Harbor", ["Story 3", "Story 5"])]
    assert sectioned.items.get(article=four).section == ""


def test_first_of_a_section_becomes_the_lead_and_the_lead_steps_down(
    client: Client, editor: User, sectioned: Issue
) -> None:
    _lead, sport, _harbor = laid(sectioned).parts
    press(client, sectioned, f"move {sport.stories[0].article.pk} {sport.stories[0].up}")

    assert parts(sectioned) == [
        ("Lead", ["Story 2"]), ("Harbor", ["Story 1", "Story 3", "Story 5"]), ("Local sport", ["Story 4"])
    ]  # fmt: skip

    lead = laid(sectioned).parts[0].stories[0]
    press(client, sectioned, f"move {lead.article.pk} {lead.down}")

    assert parts(sectioned)[0] == ("Lead", ["Story 1"])


def test_section_of_a_story_can_be_taken_back_and_must_exist(client: Client, editor: User, sectioned: Issue) -> None:
    two = pk_of(sectioned, "Story 2")
    press(client, sectioned, f"word {two}", title="Story 2", summary="", section="Harbor")
    assert parts(sectioned)[1] == ("Harbor", ["Story 2", "Story 3", "Story 5"])

    press(client, sectioned, "undo")
    answer = press(client, sectioned, f"move {two} end No such thing")

    assert "There is no such section." in answer.content.decode()
    assert parts(sectioned)[1] == ("Local sport", ["Story 2", "Story 4"])


def test_story_can_stand_with_those_that_have_no_topic(client: Client, editor: User, sectioned: Issue) -> None:
    press(client, sectioned, f"move {pk_of(sectioned, 'Story 2')} end More news")

    assert parts(sectioned)[-1] == ("More news", ["Story 2"])
    assert told(sectioned)[-2:] == ["More news", "Story 2"]


def test_what_waits_is_new_carried_over_or_expiring(client: Client, editor: User) -> None:
    now = timezone.now()
    newsletter = make_newsletter()
    names = ["Told", "Fresh", "Old", "Ends"]
    articles = [make_article(title=name, released_at=now - timedelta(hours=n + 1)) for n, name in enumerate(names)]
    Article.objects.filter(title="Ends").update(expires_at=now + timedelta(hours=20))
    make_issue(newsletter=newsletter, articles=[articles[2]], number=1, send_at=now - timedelta(days=1))
    issue = make_issue(
        newsletter=newsletter, articles=articles, number=2, send_at=now + timedelta(minutes=30), max_articles=1,
        is_arranged=True,
    )  # fmt: skip
    Appearance.objects.create(newsletter=newsletter, shows_headlines=False)

    waiting = {group.key: [each.headline for each in group.stories] for group in laid(issue).waiting}

    assert waiting == {"new": ["Fresh"], "carried": ["Old"], "expiring": ["Ends"]}


def test_share_of_a_topic_counts_the_section_that_an_editor_chose(newsletter: Newsletter) -> None:
    harbor, schools = make_topic(name="Harbor"), make_topic(name="Schools")
    articles = [make_article(topics=[topic]) for topic in (harbor, schools, schools)]
    issue = make_issue(newsletter=newsletter, articles=articles, max_per_topic=2)
    before = sample(issue, now=NOW).selection
    issue.items.filter(article=articles[0]).update(section="Schools")

    after = sample(issue, now=NOW).selection

    assert (len(before.stories), len(before.headlines)) == (3, 0)
    assert (len(after.stories), len(after.headlines)) == (2, 1)
