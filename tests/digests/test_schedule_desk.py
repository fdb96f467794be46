"""The desk's page of a schedule: what it says of the rules, what it refuses, and a date that is skipped."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.digests import wording
from newsletter.digests.models import Schedule
from newsletter.subscribers.models import Newsletter
from tests.factories import make_editor, make_newsletter, make_schedule

PARIS = "Europe/Paris"


@pytest.fixture
def desk(db: None, client: Client) -> Client:
    client.force_login(make_editor())
    return client


def schedule(**fields: Any) -> Schedule:
    return Schedule(**{"time": time(7), "time_zone": PARIS, "weekdays": [0, 1, 2, 3, 4], "max_articles": 10, **fields})


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({},
         "Every weekday at 07:00 Europe/Paris, if there is at least 1 story; up to 10; the rest waits up to 3 days."),
        ({"cadence": "several", "more_times": ["18:00", "12:30"], "weekdays": [5, 6]},
         "On Saturday and Sunday at 07:00, 12:30 and 18:00 Europe/Paris"),
        ({"cadence": "weekly", "weekdays": [4], "every_weeks": 2}, "Every second week on Friday at 07:00"),
        ({"cadence": "monthly", "day_of_month": 31}, "On the last day of every month at 07:00"),
        ({"cadence": "monthly", "nth_weekday": -1}, "On the last weekday of every month at 07:00"),
        ({"cadence": "monthly", "nth_weekday": 2, "weekdays": [1]}, "On the second Tuesday of every month at 07:00"),
        ({"cadence": "immediate"}, "Every weekday, with every article, as soon as it is released, if there is"),
        ({"in_readers_zone": True},
         "at 07:00 in each reader's own time zone (ready at that time in Europe/Paris)"),
        ({"min_articles": 3, "latest_days": 2}, "if there are at least 3 stories, or one has waited 2 days;"),
    ],
)  # fmt: skip
def test_sentence_says_what_the_rules_mean(fields: dict[str, Any], told: str) -> None:
    assert told in wording.sentence(schedule(**fields))


def test_next_runs_say_what_the_clocks_do_to_them() -> None:
    before = datetime(2026, 3, 27, 12, tzinfo=UTC)

    at_seven = wording.next_runs(schedule(weekdays=[5, 6]), now=before)
    at_half_past_two = wording.next_runs(schedule(weekdays=[5, 6], time=time(2, 30)), now=before)
    in_october = wording.next_runs(schedule(weekdays=[6], time=time(2, 30)), now=datetime(2026, 10, 24, 12, tzinfo=UTC))

    assert [run.remark for run in at_seven[:2]] == ["", "The clocks go forward by 1 hour before it; it stays at 07:00."]
    assert "jump over 02:30" in at_half_past_two[1].remark
    assert "03:30" in at_half_past_two[1].shown
    assert "comes twice" in in_october[0].remark
    assert len(at_seven) == 5


@pytest.mark.django_db
def test_run_in_quiet_hours_that_were_set_meanwhile_is_named() -> None:
    newsletter = make_newsletter(quiet_from=time(22), quiet_until=time(6))
    row = make_schedule(newsletter=newsletter, cadence="several", time=time(7), more_times=["23:30"])

    quiet = [told for told in wording.remarks(row) if "quiet hours" in told]

    assert quiet == ["23:30 is in the newsletter's quiet hours: what is on time goes out all the same."]


def form_of(client: Client, url: str) -> dict[str, Any]:
    """The fields of the page's form, as a browser would send them back."""
    form = client.get(url).context["adminform"].form
    sent: dict[str, Any] = {}
    for name in form.fields:
        value = form[name].value()
        sent[name] = "" if value is None else value
    return {name: value for name, value in sent.items() if value is not False}


def test_page_shows_the_sentence_and_five_runs_without_javascript(desk: Client) -> None:
    row = make_schedule(time_zone=PARIS, time=time(7))

    page = desk.get(reverse("admin:digests_schedule_change", args=[row.pk])).content.decode()

    assert "Every day at 07:00 Europe/Paris" in page
    assert page.count('name="_skip_date"') == 5


def test_unsaved_rules_are_told_and_nothing_is_kept(desk: Client) -> None:
    row = make_schedule(time_zone=PARIS, time=time(7))
    sent = form_of(desk, reverse("admin:digests_schedule_change", args=[row.pk]))
    url = reverse("admin:digests_schedule_in_words") + f"?schedule={row.pk}"

    told = desk.post(url, {**sent, "time": "06:15", "weekdays": ["5"]}).content.decode()
    refused = desk.post(url, {**sent, "every_weeks": "2", "first_date": ""}).content.decode()

    assert "Every Saturday at 06:15" in told
    assert "Say on which day it begins" in refused
    row.refresh_from_db()
    assert row.time == time(7)


def test_skip_at_a_run_leaves_that_date_out(desk: Client) -> None:
    row = make_schedule()
    url = reverse("admin:digests_schedule_change", args=[row.pk])

    response = desk.post(url, {**form_of(desk, url), "_skip_date": "2099-12-24"}, follow=True)

    row.refresh_from_db()
    assert row.skipped_dates == ["2099-12-24"]
    assert "take the date out" in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"weekdays": []}, "Choose a weekday at least"),
        ({"more_times": "18:00"}, "Only readers who chose"),
        ({"more_times": "25:00", "cadence": "several"}, "is no time"),
        ({"skipped_dates": "tomorrow"}, "is no date"),
        ({"first_date": "2026-12-01", "last_date": "2026-11-01"}, "It would end before it begins"),
        ({"min_articles": "9", "max_articles": "3"}, "The most cannot be fewer"),
        ({"latest_days": "9"}, "too old before that"),
        ({"time": "23:30"}, "quiet hours"),
        ({"every_weeks": "2", "first_date": "2026-12-01", "cadence": "monthly"}, "leave it at 1"),
    ],
)
def test_rules_that_do_not_fit_together_are_refused_with_a_sentence(
    desk: Client, fields: dict[str, Any], problem: str
) -> None:
    row = make_schedule(newsletter=make_newsletter(quiet_from=time(22), quiet_until=time(5)))
    url = reverse("admin:digests_schedule_change", args=[row.pk])

    response = desk.post(url, {**form_of(desk, url), **fields})

    assert response.status_code == 200
    assert problem in response.content.decode()


def test_quiet_days_and_offered_hours_are_kept_with_the_newsletter_and_plan_anew(desk: Client) -> None:
    row = make_schedule(next_run_at=None)
    url = reverse("admin:subscribers_newsletter_change", args=[row.newsletter_id])
    page = desk.get(url)
    inline = page.context["inline_admin_formsets"][0].formset
    sent = form_of(desk, url) | {each.html_name: each.value() for each in inline.management_form}
    for form in inline.initial_forms:
        sent |= {form[name].html_name: form[name].value() or "" for name in form.fields}

    desk.post(url, {
        **sent, "offers_delivery_time": "on", "offered_weekdays": ["5", "6"], "quiet_from": "22:00",
        "quiet_until": "06:00", "quiet_dates": "2099-12-25\n2099-12-30 to 2100-01-02",
    })  # fmt: skip

    newsletter = Newsletter.objects.get()
    assert newsletter.quiet_dates == ["2099-12-25", "2099-12-30/2100-01-02"]
    assert (newsletter.offered_weekdays, newsletter.offered_hours()) == ([5, 6], list(range(6, 22)))
    assert newsletter.is_quiet_on(date(2100, 1, 1))
    row.refresh_from_db()
    assert row.next_run_at is not None
