"""What the next run will be is what then happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import time, timedelta
from typing import Any

import pytest
from django.test import Client

from newsletter.delivery import campaigns, forecasting
from newsletter.delivery.desk import forecast_wording
from newsletter.delivery.forecasting import Forecast
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import drafting
from newsletter.digests.models import Edition, Issue, Schedule
from newsletter.lib.failures import Failures
from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.suppression import suppress
from tests.factories import (
    NOW,
    make_article,
    make_editor,
    make_issue,
    make_schedule,
    make_subscriber,
    make_subscription,
    make_topic,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MakeIssue = Callable[..., Issue]


def what_happened(campaign: Campaign) -> tuple[tuple[int, ...], dict[str, int]]:
    """Readers by edition, the most read first; and how many got nothing, by reason."""
    sends = list(campaign.sends.all())
    editions = Counter(send.edition_id for send in sends if send.edition_id)
    without = Counter(send.reason for send in sends if send.status == Send.Status.SKIPPED)
    return tuple(sorted(editions.values(), reverse=True)), dict(without)


def what_was_foretold(forecast: Forecast) -> tuple[tuple[int, ...], dict[str, int]]:
    return forecast.editions, {reason.value: count for reason, count in forecast.without.items()}


def colorful_readers(newsletter: Newsletter, earlier: Issue) -> None:
    """Some follow topics, some have had everything, some are suppressed, one has had enough mail."""
    harbor, schools = make_topic(), make_topic()
    for topics in ([], [], [harbor], [schools], [harbor, schools]):
        for _ in range(3):
            make_subscription(newsletter=newsletter, topics=topics)
    assert campaigns.launch(earlier, now=NOW - timedelta(minutes=30))
    Send.objects.update(status=Send.Status.SENT, settled_at=NOW - DAY)
    for _ in range(2):
        make_subscription(newsletter=newsletter)
        gone = make_subscription(newsletter=newsletter)
        suppress(email=gone.subscriber.email, reason="by_hand", now=NOW)  # type: ignore[arg-type]
    make_article(topics=[harbor])
    make_article(topics=[schools], released_at=NOW + timedelta(hours=2))  # still to come, before the run


def test_forecast_of_a_schedule_is_what_then_happens(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    colorful_readers(newsletter, approved_issue(send_at=NOW - DAY))
    at = NOW + timedelta(hours=9)
    schedule = make_schedule(newsletter=newsletter, next_run_at=at, planned_at=NOW, time=time(15))

    forecast = forecasting.of_schedule(schedule, now=NOW)
    assert forecast is not None
    assert not Issue.objects.filter(schedule=schedule).exists()  # it leaves no trace
    assert Edition.objects.count() == 1

    list(drafting.close_runs(failures=Failures(), now=at))
    issue = Issue.objects.get(schedule=schedule)
    campaign = campaigns.launch(issue, now=at)

    assert campaign is not None
    assert what_was_foretold(forecast) == what_happened(campaign)
    assert forecast.without[Send.Reason.SUPPRESSED] == 2
    assert len(forecast.editions) > 2


def test_forecast_of_an_issue_counts_who_has_had_enough_mail(
    newsletter: Newsletter, approved_issue: MakeIssue, settings: Any
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    colorful_readers(newsletter, approved_issue(send_at=NOW - DAY))
    Send.objects.filter(pk__in=Send.objects.values("pk")[:4]).update(settled_at=NOW)
    issue = approved_issue()

    forecast = forecasting.of_issue(issue, now=NOW)
    campaign = campaigns.launch(issue, now=NOW)

    assert campaign is not None
    assert forecast.without[Send.Reason.CAPPED] == 4
    assert what_was_foretold(forecast) == what_happened(campaign)


def test_announcement_reaches_everybody_and_the_capped_a_day_later(
    newsletter: Newsletter, approved_issue: MakeIssue, settings: Any
) -> None:
    settings.MAILS_PER_READER_AND_DAY = 1
    colorful_readers(newsletter, approved_issue(send_at=NOW - DAY))
    Send.objects.filter(pk__in=Send.objects.values("pk")[:4]).update(settled_at=NOW)
    Newsletter.objects.filter(pk=newsletter.pk).update(kind="announcements")
    announcement = make_issue(newsletter=Newsletter.objects.get(pk=newsletter.pk), body="We move.")

    forecast = forecasting.of_issue(announcement, now=NOW)

    assert (forecast.reader_count, forecast.later, forecast.most_stories) == (17, 4, 0)
    assert forecast_wording.sentence(forecast, now=NOW) == "Today 06:00: 17 readers."


def test_it_says_how_many_editions_serve_nearly_everybody_and_who_gets_nothing(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    forecast = Forecast(
        issue=approved_issue(), at=NOW + DAY, editions=(3_000, 800, 400, 10), fewest_stories=2, most_stories=6,
        without={Send.Reason.NOTHING_NEW: 38},
    )  # fmt: skip

    told = "Tomorrow 06:00: 2 to 6 stories, 4,210 readers, 2 editions cover 90 %."
    assert forecast_wording.sentence(forecast, now=NOW) == told
    assert next(forecast_wording.remarks(forecast)) == "38 readers get nothing: nothing new for them."


def test_readers_of_other_hours_are_counted_with_the_last_of_them() -> None:
    schedule = make_schedule(in_readers_zone=True)
    make_article()
    for zone in ("", "Asia/Tokyo", "America/New_York"):
        make_subscription(newsletter=schedule.newsletter, subscriber=make_subscriber(time_zone=zone))

    forecast = forecasting.of_schedule(schedule, now=NOW - timedelta(minutes=5))

    assert forecast is not None
    assert (forecast.reader_count, forecast.coming) == (3, 2)
    assert forecast.last_at == NOW + timedelta(hours=15)  # six in Tokyo


def test_pages_of_issue_and_schedule_show_it(client: Client, newsletter: Newsletter) -> None:
    client.force_login(make_editor())
    make_subscription(newsletter=newsletter)
    article = make_article()
    issue = make_issue(newsletter=newsletter, articles=[article], send_at=NOW + DAY)
    schedule = make_schedule(newsletter=newsletter, next_run_at=NOW + DAY, planned_at=NOW)

    for name, row in (("issue", issue), ("schedule", schedule)):
        url = f"/admin/forecast/{name}/{row.pk}/"
        assert f'data-piece="{url}?piece"' in client.get(f"/admin/digests/{name}/{row.pk}/change/").content.decode()
        assert "1 story, 1 reader, one edition for all." in client.get(url).content.decode()
        assert client.get(f"{url}?piece").content.decode().lstrip().startswith("<p")


def test_large_newsletters_are_worked_out_only_when_asked(
    client: Client, newsletter: Newsletter, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_editor())
    monkeypatch.setattr(forecasting, "MOST_READERS", 0)
    make_subscription(newsletter=newsletter)
    url = f"/admin/forecast/issue/{make_issue(newsletter=newsletter, articles=[make_article()]).pk}/"

    assert "Work out who gets what" in client.get(url).content.decode()
    assert "1 reader" in client.get(f"{url}?anyway").content.decode()


def test_launched_issue_and_finished_schedule_have_no_forecast(client: Client, newsletter: Newsletter) -> None:
    client.force_login(make_editor())
    launched = make_issue(newsletter=newsletter, status="approved", approved_at=NOW, launched_at=NOW)
    over = make_schedule(newsletter=newsletter, next_run_at=None)

    page = client.get(f"/admin/forecast/issue/{launched.pk}/")
    assert (page.status_code, page["Location"]) == (302, f"/admin/digests/issue/{launched.pk}/change/")
    piece = client.get(f"/admin/forecast/issue/{launched.pk}/?piece")
    assert "There is no forecast any more" in piece.content.decode()
    assert "No run is planned" in client.get(f"/admin/forecast/schedule/{over.pk}/").content.decode()
    assert Schedule.objects.count() == 1
