"""What is exported and brought back into an empty site is what it was: nothing is lost, nothing is computed."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.subscribers.models import (
    ConsentRecord,
    ConsentWording,
    Label,
    Newsletter,
    Subscriber,
    Subscription,
    Suppression,
)
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests.factories import NOW, make_consent, make_newsletter, make_subscriber, make_subscription, make_topic
from tests.subscribers.importing.lists import bring_in

pytestmark = pytest.mark.django_db
Status = Subscription.Status


def exported(**options: Any) -> str:
    output = io.StringIO()
    call_command("export_subscribers", stdout=output, **options)
    return output.getvalue()


def empty() -> None:
    ConsentRecord.objects.all()._raw_delete("default")
    ConsentWording.objects.all().delete()
    Subscriber.objects.all().delete()
    Suppression.objects.all().delete()
    Label.objects.all().delete()


def sorted_lines(text: str) -> list[str]:
    return sorted(text.splitlines())


def full_site() -> Newsletter:
    newsletter = make_newsletter(name="Latest news")
    active = make_subscription(newsletter=newsletter, topics=[make_topic()], cadence="weekly", hour=7, weekday=3)
    active.subscriber.labels.add(Label.objects.create(name="Board"))
    Subscriber.objects.update(name="=HYPERLINK(1)", language="de", time_zone="Europe/Vienna", format="text")
    make_consent(active, ip_address="198.51.100.7", page_url="https://example.org/", user_agent="Browser/1")
    newsletter.consent_text = "I want it, in other words."
    make_consent(active, at=NOW)
    make_subscription(newsletter=newsletter, status=Status.PAUSED, paused_until=NOW.date() + timedelta(days=9))
    make_subscription(newsletter=newsletter, status=Status.PENDING, confirmed_at=None)
    reopened = make_subscription(newsletter=newsletter, status=Status.PENDING, ended_at=NOW, ended_reason="page")
    make_subscription(subscriber=reopened.subscriber)
    left = make_subscription(newsletter=newsletter)
    make_consent(left)
    unsubscribe(subscription=left, method=ConsentRecord.Method.ONE_CLICK, now=NOW)
    make_subscriber(name="Nobody's reader")
    suppress(email="c@example.org", reason=Suppression.Reason.COMPLAINT, note="-1 angry", now=NOW)
    suppress(email="e@example.org", reason=Suppression.Reason.ERASED, now=NOW)
    return newsletter


def test_everything_comes_back() -> None:
    full_site()
    before, suppressions = exported(), exported(suppressions=True)
    empty()

    run = bring_in(before)

    assert run.refusals.count() == 0
    assert sorted_lines(exported()) == sorted_lines(before)
    assert sorted_lines(exported(suppressions=True)) == sorted_lines(suppressions)


def test_second_import_of_an_export_changes_nothing() -> None:
    full_site()
    before = exported()

    run = bring_in(before)

    assert "subscribed" not in run.counts
    assert exported() == before


def test_suppression_list_travels_alone() -> None:
    full_site()
    before = exported(suppressions=True)
    empty()

    bring_in(before)

    assert exported(suppressions=True) == before
    assert not Subscriber.objects.exists()


def test_hash_of_another_site_is_refused_and_says_why() -> None:
    suppress(email="e@example.org", reason=Suppression.Reason.ERASED, now=NOW)
    text = exported(suppressions=True)
    empty()
    mark = text.splitlines()[1].rpartition(",")[2]

    run = bring_in(text.replace(mark, "0" * 12))

    assert "ADDRESS_HASH_KEY" in run.refusals.get().reason
    assert not Suppression.objects.exists()


def test_one_newsletter_alone_names_nobody_else() -> None:
    newsletter = make_newsletter()
    make_subscription(newsletter=newsletter, email="a@example.org")
    make_subscription(email="b@example.org")
    suppress(email="c@example.org", reason=Suppression.Reason.BY_HAND, now=NOW)

    rows = list(csv.DictReader(io.StringIO(exported(newsletter=newsletter.slug))))

    assert [row["email"] for row in rows] == ["a@example.org"]


NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES, wording=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=80))
def test_no_name_and_no_wording_is_lost(name: str, wording: str) -> None:
    empty()
    newsletter = make_newsletter(consent_text=wording)
    make_consent(make_subscription(newsletter=newsletter, subscriber=make_subscriber(name=name)))
    before = exported()
    empty()

    bring_in(before)

    assert sorted_lines(exported()) == sorted_lines(before)


@pytest.mark.parametrize("damage", ["{", "[[[[", '{"format": "carrier pigeon"}', '{"allows_measuring": {}}', "7"])
def test_damaged_columns_of_our_own_are_a_refused_row(damage: str) -> None:
    make_subscription()
    rows = list(csv.DictReader(io.StringIO(exported(raw=True))))
    rows[0]["person"] = damage
    empty()
    output = io.StringIO()
    writer = csv.DictWriter(output, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)

    run = bring_in(output.getvalue())

    assert run.counts == {"rejected": 1}
