"""Breaking news: to everybody at once, never twice, and known to the digest of the evening."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.conf import settings as django_settings

from newsletter.delivery import campaigns, sweeping
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import alerts, assembly
from newsletter.digests.alerts import CannotAlertError, Wording
from newsletter.digests.models import EditionItem, Issue
from newsletter.digests.rendering import render_edition
from newsletter.subscribers.models import Newsletter, Subscription
from tests.factories import NOW, make_article, make_editor, make_newsletter, make_subscription, send_to

pytestmark = pytest.mark.django_db

LAUNCH = NOW + alerts.UNDO
MakeIssue = Callable[..., Issue]


@pytest.fixture
def updates() -> Newsletter:
    return make_newsletter(kind="announcements", name="Updates")


def alert(newsletter: Newsletter, article: object, **wording: str) -> Issue:
    return alerts.draft(newsletter, article, wording=Wording(**wording), by=make_editor(), now=NOW)  # type: ignore[arg-type]


def launched(issue: Issue) -> Campaign:
    campaign = campaigns.launch(issue, now=LAUNCH)
    assert campaign is not None
    return campaign


def sends(campaign: Campaign) -> dict[int | None, tuple[str, str]]:
    return {send.subscriber_id: (send.status, send.reason) for send in campaign.sends.all()}


def deliver_everything() -> None:
    Send.objects.filter(status=Send.Status.QUEUED).update(status=Send.Status.SENT, settled_at=NOW)


def test_alert_goes_to_everybody_after_half_a_minute_and_says_what_the_editor_says(updates: Newsletter) -> None:
    article = make_article(title="Bridge closed", released_at=NOW)  # younger than the grace period
    reader = make_subscription(newsletter=updates)
    issue = alert(updates, article, headline="Bridge closed until Friday", sentence="Take the ferry.")

    list(sweeping.sweep(now=LAUNCH - timedelta(seconds=1)))
    assert not Campaign.objects.exists()
    list(sweeping.sweep(now=LAUNCH))

    campaign = Campaign.objects.get(issue=issue)
    assert sends(campaign) == {reader.subscriber_id: ("queued", "")}
    mail = render_edition(edition=issue.editions.get())
    assert mail is not None
    assert mail.subject == "Bridge closed until Friday"
    assert mail.html.count("Bridge closed until Friday</a>") == 1
    assert all("Take the ferry." in part and article.slug in part for part in (mail.html, mail.text))
    assert re.search(r">\s*Alert\s*<", mail.html)
    assert " · Alert\n" in mail.text


def test_who_has_had_the_article_is_not_alerted(
    updates: Newsletter, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    article = make_article()
    both = make_subscription(newsletter=newsletter)
    knows = make_subscription(newsletter=updates, subscriber=both.subscriber)
    other = make_subscription(newsletter=updates)
    campaigns.launch(approved_issue(articles=[article]), now=NOW)
    deliver_everything()

    campaign = launched(alert(updates, article))

    assert sends(campaign) == {knows.subscriber_id: ("skipped", "nothing_new"), other.subscriber_id: ("queued", "")}


def test_digest_of_the_evening_leaves_it_out_for_the_alerted_and_does_not_lead_with_it_for_others(
    updates: Newsletter, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    breaking, calm = make_article(), make_article()
    alerted = make_subscription(newsletter=newsletter)
    make_subscription(newsletter=updates, subscriber=alerted.subscriber)
    other = make_subscription(newsletter=newsletter)
    launched(alert(updates, breaking))
    deliver_everything()

    campaigns.launch(approved_issue(articles=[breaking, calm]), now=LAUNCH)

    assert articles_of(alerted) == [calm.pk]
    assert articles_of(other) == [calm.pk, breaking.pk]


def articles_of(subscription: Subscription) -> list[int]:
    edition = send_to(subscription).edition
    return list(EditionItem.objects.filter(edition=edition).order_by("position").values_list("article", flat=True))


def test_alert_that_was_taken_back_never_leaves_and_changes_nothing_for_digests(
    updates: Newsletter, approved_issue: MakeIssue
) -> None:
    make_subscription(newsletter=updates)
    article = make_article()
    issue = alert(updates, article)

    assert issue.cancel()
    list(sweeping.sweep(now=LAUNCH))

    assert not Send.objects.exists()
    [candidate] = assembly.candidates(approved_issue(articles=[article]), now=LAUNCH)
    assert not candidate.is_known
    assert alert(updates, article).pk != issue.pk  # it can be sent again


def test_launched_alert_cannot_be_taken_back(updates: Newsletter) -> None:
    make_subscription(newsletter=updates)
    issue = alert(updates, make_article())
    campaigns.launch(Issue.objects.get(pk=issue.pk), now=LAUNCH)

    assert not issue.cancel()


def test_second_tap_makes_no_second_alert_and_a_launched_one_is_not_repeated(updates: Newsletter) -> None:
    make_subscription(newsletter=updates)
    article = make_article()
    first = alert(updates, article)

    assert alert(updates, article).pk == first.pk
    launched(first)
    with pytest.raises(CannotAlertError, match="nobody gets it twice"):
        alert(updates, article)


def test_article_that_is_withdrawn_meanwhile_is_not_sent(updates: Newsletter) -> None:
    make_subscription(newsletter=updates)
    article = make_article()
    issue = alert(updates, article)
    article.withdraw(NOW)

    assert campaigns.launch(issue, now=LAUNCH) is None

    issue.refresh_from_db()
    assert issue.status == Issue.Status.SKIPPED
    assert "Nothing new" in issue.reason


@pytest.mark.parametrize(
    "where",
    ["{site}/{path}", "/{path}", "{site}/{path}?utm_source=chat#top", "https://wire.example.org/bridge/?utm_medium=x",
     "http://wire.example.org/bridge", "wire.example.org/bridge", "{pk}"],
)  # fmt: skip
def test_article_is_found_by_any_of_its_addresses(where: str) -> None:
    article = make_article(canonical_url="https://wire.example.org/bridge")
    path = article.get_absolute_url().lstrip("/")

    found = alerts.find_article(f" {where.format(site=django_settings.SITE_URL, path=path, pk=article.pk)} ", now=NOW)

    assert found == article


def test_what_cannot_be_alerted_says_why() -> None:
    unpublished = make_article(status="draft", released_at=None)
    kept_out = make_article(is_mailable=False)
    expired = make_article(expires_at=NOW - timedelta(minutes=1))

    for where, why in [
        ("https://elsewhere.example.org/x", "No article has this address"),
        ("9" * 30, "No article has this address"),
        (str(unpublished.pk), "not published"),
        (str(kept_out.pk), "must not be mailed"),
        (str(expired.pk), "must not be mailed"),
    ]:
        with pytest.raises(CannotAlertError, match=why):
            alerts.find_article(where, now=NOW)


def test_quiet_hours_and_old_news_are_doubted(updates: Newsletter) -> None:
    assert not list(alerts.doubts(updates, make_article(), now=NOW))

    updates.quiet_from, updates.quiet_until = time(22), time(7)
    old = make_article(released_at=NOW - timedelta(days=9))

    doubts = list(alerts.doubts(updates, old, now=NOW))
    assert ["quiet hours, until 07:00" in doubts[0], "old" in doubts[1]] == [True, True]
