"""The page behind the signed link: what one gets, how often, about what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from newsletter.subscribers.models import (
    Cadence,
    ConsentRecord,
    Farewell,
    Subscriber,
    Subscription,
    Suppression,
    TopicSet,
    WelcomeMail,
)
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_newsletter, make_subscriber, make_subscription, make_topic

pytestmark = pytest.mark.django_db
Status = Subscription.Status


def path_of(subscriber: Subscriber) -> str:
    return f"/preferences/{subscriber.preferences_token}/"


def save(client: Client, subscriber: Subscriber, **fields: Any) -> Any:
    return client.post(path_of(subscriber), {"action": "save", **fields})


def test_page_shows_what_the_reader_has_and_changes_nothing(client: Client) -> None:
    topic = make_topic(name="Harbor")
    mine = make_subscription(cadence=Cadence.WEEKLY, topics=[topic])
    other = make_newsletter()

    response = client.get(path_of(mine.subscriber))

    page = response.content.decode()
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert f'value="{mine.newsletter.slug}" checked' in page
    assert f'value="{other.slug}">' in page
    assert '<option value="weekly" selected>' in page
    assert f'name="topics-{mine.newsletter.slug}" value="{topic.slug}" checked' in page
    assert not ConsentRecord.objects.exists()


def test_cadence_topics_and_profile_are_saved_at_once() -> None:
    topic = make_topic()
    mine = make_subscription(cadence=Cadence.DAILY)
    slug = mine.newsletter.slug
    fields = {f"cadence-{slug}": "weekly", f"topics-{slug}": [topic.slug], "name": "Ada", "time_zone": "Europe/Berlin"}

    response = save(Client(enforce_csrf_checks=True), mine.subscriber, wanted=[slug], **fields)

    mine.refresh_from_db()
    assert response.status_code == 303
    assert (mine.status, mine.cadence, mine.topic_set) == (Status.ACTIVE, Cadence.WEEKLY, TopicSet.objects.of([topic]))
    assert (mine.subscriber.name, mine.subscriber.time_zone) == ("Ada", "Europe/Berlin")
    assert not ConsentRecord.objects.exists()  # neither given nor withdrawn


def test_all_topics_are_back_when_none_is_ticked(client: Client) -> None:
    mine = make_subscription(topics=[make_topic()])

    save(client, mine.subscriber, wanted=[mine.newsletter.slug])

    mine.refresh_from_db()
    assert mine.topic_set is None


def test_joining_another_newsletter_is_confirmed_by_the_link_itself(client: Client) -> None:
    mine, other = make_subscription(), make_newsletter()

    save(client, mine.subscriber, wanted=[mine.newsletter.slug, other.slug])

    joined = Subscription.objects.get(newsletter=other)
    record = ConsentRecord.objects.get()
    assert joined.status == Status.ACTIVE
    assert (record.action, record.method, record.newsletter) == ("given", "preferences", other)


def test_unticking_leaves(client: Client) -> None:
    mine = make_subscription()

    save(client, mine.subscriber)

    mine.refresh_from_db()
    record = ConsentRecord.objects.get()
    assert (mine.status, mine.ended_reason) == (Status.ENDED, "preferences")
    assert (record.action, record.method) == ("withdrawn", "preferences")


def test_saving_leaves_alone_what_waits_to_be_confirmed(client: Client) -> None:
    mine = make_subscription()
    wish = make_subscription(subscriber=mine.subscriber, status=Subscription.Status.PENDING, confirmed_at=None)

    client.post(path_of(mine.subscriber), {"action": "save", "wanted": [mine.newsletter.slug]})

    wish.refresh_from_db()
    assert wish.status == Subscription.Status.PENDING


def test_pause_that_the_desk_made_is_told_and_can_be_ended(client: Client) -> None:
    mine = make_subscription(status=Status.PAUSED)

    page = client.get(path_of(mine.subscriber)).content.decode()
    client.post(path_of(mine.subscriber), {"action": "resume"})

    mine.refresh_from_db()
    assert "Your mail pauses." in page
    assert mine.status == Status.ACTIVE


def test_coming_back_to_what_was_left(client: Client) -> None:
    left = make_subscription(status=Status.ENDED, ended_at=NOW, ended_reason="page")

    save(client, left.subscriber, wanted=[left.newsletter.slug])

    left.refresh_from_db()
    assert (left.status, left.ended_at, left.ended_reason) == (Status.ACTIVE, None, "")


def test_closed_newsletter_can_be_kept_but_not_joined(client: Client) -> None:
    reader = make_subscriber()
    closed_mine = make_subscription(subscriber=reader, newsletter=make_newsletter(is_open=False))
    closed_other = make_newsletter(is_open=False)

    save(client, reader, wanted=[closed_mine.newsletter.slug, closed_other.slug])

    closed_mine.refresh_from_db()
    assert closed_mine.status == Status.ACTIVE
    assert not Subscription.objects.filter(newsletter=closed_other).exists()


def test_leaving_everything_is_one_button(client: Client) -> None:
    reader = make_subscriber()
    make_subscription(subscriber=reader)
    make_subscription(subscriber=reader)

    response = client.post(path_of(reader), {"action": "leave_all"}, follow=True)

    assert set(reader.subscriptions.values_list("status", flat=True)) == {Status.ENDED}
    assert "You have left all newsletters" in response.content.decode()


def test_pause_holds_until_its_date_and_an_empty_date_ends_it(client: Client) -> None:
    mine = make_subscription()
    wanted = [mine.newsletter.slug]

    save(client, mine.subscriber, wanted=wanted, paused_until="2030-01-31")
    mine.refresh_from_db()
    paused = (mine.status, mine.paused_until)
    page = client.get(path_of(mine.subscriber)).content.decode()
    save(client, mine.subscriber, wanted=wanted, paused_until="")
    mine.refresh_from_db()

    assert paused == (Status.PAUSED, date(2030, 1, 31))
    assert 'value="2030-01-31"' in page
    assert (mine.status, mine.paused_until) == (Status.ACTIVE, None)


@pytest.mark.parametrize(
    "odd",
    [
        {"paused_until": "31.1.2030"},
        {"paused_until": "2030-02-31"},
        {"name": "x" * 5000},
        {"name": "Evil\r\nBcc: a@example.org\x00"},
        {"language": "xx-nothing"},
        {"time_zone": "Nowhere/Land"},
    ],
)
def test_odd_values_do_no_harm(client: Client, odd: dict[str, str]) -> None:
    mine = make_subscription()
    slug = mine.newsletter.slug
    fields = {f"cadence-{slug}": "hourly", f"topics-{slug}": ["none-such", "\x00"]}

    response = save(client, mine.subscriber, wanted=[slug, "none-such"], **fields, **odd)

    mine.refresh_from_db()
    assert response.status_code == 303
    assert (mine.status, mine.cadence, mine.topic_set) == (Status.ACTIVE, Cadence.DAILY, None)
    assert "\n" not in mine.subscriber.name


@pytest.mark.parametrize("data", [{}, {"cadence": "weekly"}, {"action": "explode"}])
def test_post_that_is_not_the_pages_ends_nothing(client: Client, data: dict[str, str]) -> None:
    mine = make_subscription()

    response = client.post(path_of(mine.subscriber), data)

    mine.refresh_from_db()
    assert response.status_code == 200
    assert mine.status == Status.ACTIVE


def test_raising_the_link_version_revokes_the_link(client: Client) -> None:
    reader = make_subscriber()
    path = path_of(reader)
    Subscriber.objects.filter(pk=reader.pk).update(link_version=1)

    assert client.get(path).status_code == 404
    assert client.post(path, {"action": "leave_all"}).status_code == 404


def test_link_opens_nobody_elses_page(client: Client) -> None:
    mine, theirs = make_subscription(), make_subscription()

    save(client, mine.subscriber, wanted=[mine.newsletter.slug, theirs.newsletter.slug])

    theirs.refresh_from_db()
    assert theirs.status == Status.ACTIVE
    assert theirs.subscriber.email not in client.get(path_of(mine.subscriber)).content.decode()


def test_site_without_newsletters_says_so(client: Client) -> None:
    page = client.get(path_of(make_subscriber())).content.decode()

    assert "no newsletter at the moment" in page


# --- joining, leaving and coming back on this page --------------------------------------------------------------------
def test_newsletter_that_is_joined_here_welcomes_as_well(client: Client) -> None:
    reader = make_subscription().subscriber
    newsletter = make_newsletter(sends_welcome=True)
    has = reader.subscriptions.get().newsletter.slug

    for _twice in range(2):
        save(client, reader, wanted=[has, newsletter.slug])

    assert [mail.subscription.newsletter for mail in WelcomeMail.objects.all()] == [newsletter]


def test_who_leaves_all_is_asked_why_and_may_take_it_back_with_one_click(client: Client) -> None:
    reader = make_subscriber()
    mine = [make_subscription(subscriber=reader) for _number in range(2)]
    before = make_subscription(subscriber=reader, status=Status.ENDED, ended_at=NOW, ended_reason="page")

    left = client.post(path_of(reader), {"action": "leave_all"}, follow=True).content.decode()
    told = client.post(path_of(reader), {"action": "say_why", "reason": "too_much", "words": "Less!"}, follow=True)
    back = client.post(path_of(reader), {"action": "undo_leaving"}, follow=True).content.decode()

    assert 'value="undo_leaving"' in left
    assert 'value="say_why"' in left
    assert "Thank you for saying why" in told.content.decode()
    assert {(row.subscription, row.reason, row.words) for row in Farewell.objects.all()} == {
        (each, "too_much", "Less!") for each in mine
    }
    assert "It is undone" in back
    assert set(reader.subscriptions.filter(status=Status.ACTIVE)) == set(mine)
    before.refresh_from_db()
    assert before.status == Status.ENDED


def test_what_was_left_some_time_ago_is_not_asked_about(client: Client) -> None:
    reader = make_subscription(status=Status.ENDED, ended_at=NOW, ended_reason="preferences").subscriber
    reader.subscriptions.update(ended_at=timezone.now() - timedelta(hours=2))

    page = client.get(path_of(reader)).content.decode()
    client.post(path_of(reader), {"action": "undo_leaving"})

    assert 'value="undo_leaving"' not in page
    assert not reader.subscriptions.exclude(status=Status.ENDED).exists()


def test_reader_who_must_not_be_mailed_is_told_so(client: Client) -> None:
    reader = make_subscription().subscriber
    before = client.get(path_of(reader)).content.decode()
    suppress(email=reader.email, reason=Suppression.Reason.HARD_BOUNCE, now=NOW)

    after = client.get(path_of(reader)).content.decode()

    assert "We may not mail this address" not in before
    assert "We may not mail this address" in after


def test_languages_are_those_of_the_catalogs_and_of_the_newsletters(client: Client) -> None:
    reader = make_subscription().subscriber
    before = client.get(path_of(reader)).content.decode()
    make_newsletter(language="fi")

    after = client.get(path_of(reader)).content.decode()

    assert '<option value="ar">العربيّة</option>' in before
    assert '<option value="de">Deutsch</option>' in before
    assert '<option value="fi">' not in before
    assert '<option value="fi">suomi</option>' in after


def test_privacy_notice_is_linked_where_the_publisher_has_one(client: Client, settings: Settings) -> None:
    subscription = make_subscription()
    pages = [path_of(subscription.subscriber), "/subscribe/", f"/embed/{subscription.newsletter.slug}/", "/my-link/"]
    address = "https://example.org/privacy?v=1"
    without = [address in client.get(page).content.decode() for page in pages]
    settings.PRIVACY_URL = address

    assert without == [False] * 4
    assert [page for page in pages if f'href="{address}"' not in client.get(page).content.decode()] == []
