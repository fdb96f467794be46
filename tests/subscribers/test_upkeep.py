"""What the sweep does: rings for owed mails, forgets what nobody confirmed, ends pauses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.subscribers import tasks, upkeep
from newsletter.subscribers.models import ConfirmationMail, SignUp, Subscriber, Subscription
from newsletter.subscribers.signup import confirm, send_confirmation, sign_up
from newsletter.subscribers.upkeep import clean_up, owed_mails
from tests.factories import NOW, make_newsletter, make_sign_up, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer
from tests.subscribers.forms import form

pytestmark = pytest.mark.django_db
Status = Subscription.Status
DAY = timedelta(days=1)


def asked(at: datetime = NOW, **fields: str) -> SignUp:
    row = sign_up(form=form(make_newsletter(), **fields), now=at)
    assert row is not None
    # the database's clock has set these; the tests have a clock of their own
    Subscriber.objects.filter(pk=row.subscriber.pk, created_at__gt=at).update(created_at=at)
    row.subscriptions.update(created_at=at)
    Subscriber.objects.filter(pk=row.subscriber.pk).update(created_at=at)
    return row


def test_mail_that_nobody_rang_for_is_owed_after_a_moment() -> None:
    row = asked()

    assert owed_mails(NOW + timedelta(seconds=2)) == []
    assert owed_mails(NOW + timedelta(seconds=6)) == [row.pk]


def test_mail_that_is_being_sent_or_was_sent_is_not_owed(smtp_mailers: SmtpServer) -> None:
    being_sent, sent, postponed = (
        asked(email="a@example.org"),
        asked(email="b@example.org"),
        asked(email="c@example.org"),
    )
    later = NOW + timedelta(seconds=10)
    being_sent.claim(later)
    send_confirmation(sign_up_id=sent.pk, now=later)
    postponed.postpone(until=NOW + timedelta(hours=1), response="450")

    assert owed_mails(later) == []
    assert owed_mails(NOW + timedelta(hours=2)) == [being_sent.pk, postponed.pk]


def test_unconfirmed_person_is_forgotten_after_seven_days_and_one_of_grace() -> None:
    asked()

    kept = clean_up(NOW + 8 * DAY - timedelta(seconds=1))
    forgotten = clean_up(NOW + 8 * DAY + timedelta(seconds=1))

    assert kept == {}
    assert forgotten == {"wishes_expired": 1, "people_forgotten": 1}
    assert not Subscriber.objects.exists()
    assert not SignUp.objects.exists()


def test_asking_again_keeps_the_wish_alive() -> None:
    newsletter = make_newsletter()
    first = sign_up(form=form(newsletter), now=NOW)
    sign_up(form=form(newsletter), now=NOW + 5 * DAY)
    assert first is not None
    Subscription.objects.update(created_at=NOW)

    clean_up(NOW + 9 * DAY)

    assert first.subscriptions.exists()


def test_confirmed_person_stays() -> None:
    row = asked()
    confirm(sign_up=row, now=NOW)

    clean_up(NOW + 400 * DAY)

    assert row.subscriptions.get().status == Status.ACTIVE


def test_reader_keeps_what_is_active_and_loses_what_was_never_confirmed() -> None:
    active = make_subscription(email="reader@example.org")
    row = asked()

    clean_up(NOW + 9 * DAY)

    assert list(Subscription.objects.all()) == [active]
    assert Subscriber.objects.get() == row.subscriber


def test_reopened_wish_that_nobody_confirmed_is_ended_again_not_forgotten() -> None:
    ended = make_subscription(
        email="reader@example.org", status=Status.ENDED, ended_at=NOW - 100 * DAY, ended_reason="page"
    )
    Subscription.objects.update(created_at=NOW - 200 * DAY)
    sign_up(form=form(ended.newsletter), now=NOW)

    clean_up(NOW + 9 * DAY)

    ended.refresh_from_db()
    assert (ended.status, ended.ended_at, ended.ended_reason) == (Status.ENDED, NOW - 100 * DAY, "page")


def test_waiting_a_week_makes_no_room_for_further_mails(smtp_mailers: SmtpServer) -> None:
    for day in (0, 2, 4):
        send_confirmation(sign_up_id=asked(NOW + day * DAY).pk, now=NOW + day * DAY)
    clean_up(NOW + 15 * DAY)

    again = asked(NOW + 16 * DAY)
    send_confirmation(sign_up_id=again.pk, now=NOW + 16 * DAY)

    again.refresh_from_db()
    assert Subscriber.objects.count() == 1
    assert again.skipped_reason == SignUp.Reason.TOO_MANY
    assert len(smtp_mailers.messages) == 3


def test_count_of_mails_is_forgotten_after_thirty_days() -> None:
    ConfirmationMail.objects.create(address_hash="x", at=NOW)

    clean_up(NOW + 30 * DAY)

    assert not ConfirmationMail.objects.exists()


@pytest.mark.parametrize(
    ("zone", "now", "is_over"),
    [
        ("UTC", datetime(2026, 12, 1, 0, 0, tzinfo=UTC), True),
        ("UTC", datetime(2026, 11, 30, 23, 59, tzinfo=UTC), False),
        ("Pacific/Auckland", datetime(2026, 11, 30, 12, 0, tzinfo=UTC), True),
        ("America/Los_Angeles", datetime(2026, 12, 1, 7, 59, tzinfo=UTC), False),
        ("", datetime(2026, 11, 30, 23, 0, tzinfo=UTC), True),
    ],
)
def test_pause_ends_on_its_date_where_the_reader_lives(zone: str, now: datetime, is_over: object) -> None:
    paused = make_subscription(
        newsletter=make_newsletter(time_zone="Europe/Berlin"),
        subscriber=make_subscriber(time_zone=zone),
        status=Status.PAUSED,
        paused_until=date(2026, 12, 1),
    )

    clean_up(now)

    paused.refresh_from_db()
    assert (paused.status == Status.ACTIVE) is is_over


def test_pauses_that_go_on_keep_none_waiting_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 1)
    for zone in ("Pacific/Honolulu", "Europe/Berlin"):
        reader = make_subscriber(time_zone=zone)
        make_subscription(subscriber=reader, status=Status.PAUSED, paused_until=date(2026, 12, 1))

    clean_up(datetime(2026, 12, 1, 6, tzinfo=UTC))

    assert [each.status for each in Subscription.objects.order_by("pk")] == [Status.PAUSED, Status.ACTIVE]


def test_pause_without_a_date_goes_on() -> None:
    paused = make_subscription(status=Status.PAUSED)

    clean_up(NOW + 400 * DAY)

    paused.refresh_from_db()
    assert paused.status == Status.PAUSED


def test_sweep_rings_for_owed_mails() -> None:
    make_sign_up(created_at=NOW - DAY)

    tasks.sweep()  # the broker is real: a bell that cannot ring would raise
