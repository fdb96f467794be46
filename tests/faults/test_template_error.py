"""A template that fails for one edition costs its readers a delay, and the others nothing."""

from __future__ import annotations

import copy
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from articles.models import Topic
from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Edition, Issue
from tests.factories import NOW, make_article, make_issue, make_newsletter, make_subscription, make_topic
from tests.servers.smtp import SmtpServer

LEAD = Path("email/digest/classic/_lead.html")
POISON = '{% if story.headline == "Poison" %}{% include "nowhere.html" %}{% endif %}'


@pytest.fixture
def _poisoned_template(tmp_path: Path, settings: Settings) -> None:
    """The lead story's template, which cannot be rendered for one headline."""
    templates = copy.deepcopy(settings.TEMPLATES)
    original = Path(templates[0]["DIRS"][0]) / LEAD
    poisoned = tmp_path / LEAD
    poisoned.parent.mkdir(parents=True)
    poisoned.write_text(POISON + original.read_text())
    templates[0]["DIRS"].insert(0, tmp_path)
    settings.TEMPLATES = templates


@pytest.fixture
def campaign(db: None, _poisoned_template: None) -> Campaign:
    """Two editions: one of harmless stories for two readers, one with the poison for a third."""
    harmless, bad = make_topic(), make_topic()
    newsletter = make_newsletter()
    readers: list[tuple[str, Topic]] = [("ada", harmless), ("bob", harmless), ("cleo", bad)]
    for name, topic in readers:
        make_subscription(newsletter=newsletter, email=f"{name}@example.org", topics=[topic])
    articles = [make_article(topics=[harmless]), make_article(topics=[harmless])]
    articles.append(make_article(title="Poison", topics=[bad]))
    issue = make_issue(newsletter=newsletter, articles=articles, status=Issue.Status.APPROVED, approved_at=NOW)
    launched = campaigns.launch(issue, now=NOW)
    assert launched
    return launched


def test_the_other_editions_go_out_and_the_bad_one_says_why(campaign: Campaign, smtp_mailers: SmtpServer) -> None:
    dispatch.drain(campaign, clock=lambda: NOW, seconds=10)

    assert sorted(smtp_mailers.recipients()) == ["ada@example.org", "bob@example.org"]
    waiting = Send.objects.exclude(status=Send.Status.SENT).get()
    assert (waiting.subscriber and waiting.subscriber.email, waiting.status) == ("cleo@example.org", "deferred")
    assert "nowhere.html" in waiting.response
    assert "nowhere.html" in Edition.objects.exclude(error="").get().error


def test_mended_template_brings_the_issue_to_the_rest(
    campaign: Campaign, smtp_mailers: SmtpServer, settings: Settings
) -> None:
    dispatch.drain(campaign, clock=lambda: NOW, seconds=10)
    templates = copy.deepcopy(settings.TEMPLATES)
    del templates[0]["DIRS"][0]
    settings.TEMPLATES = templates

    later = NOW + timedelta(minutes=5)
    dispatch.drain(campaign, clock=lambda: later, seconds=10)

    assert sorted(smtp_mailers.recipients()) == ["ada@example.org", "bob@example.org", "cleo@example.org"]
    assert campaign.finish(later)


def test_bad_edition_is_tried_once_a_turn_however_many_readers_it_has(
    campaign: Campaign, smtp_mailers: SmtpServer
) -> None:
    bad = Send.objects.get(subscriber__email="cleo@example.org")
    for number in range(3):
        reader = make_subscription(newsletter=campaign.issue.newsletter, email=f"dan{number}@example.org").subscriber
        Send.objects.create(campaign=campaign, edition=bad.edition, subscriber=reader)

    with CaptureQueriesContext(connection) as queries:
        dispatch.drain(campaign, clock=lambda: NOW, seconds=10)

    told = [query for query in queries if query["sql"].startswith(f'UPDATE "{Edition._meta.db_table}"')]
    assert len(told) == 1
    assert Send.objects.filter(edition=bad.edition, status=Send.Status.DEFERRED).count() == 4
