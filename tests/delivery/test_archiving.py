"""Old rows of the ledger go into the archive, and every question about them is answered as before."""

from __future__ import annotations

import csv
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from articles.models import Article
from newsletter.delivery import archiving, campaigns, corrections, disclosure, retention
from newsletter.delivery.archived import ArchivedSend, pack, unpack
from newsletter.delivery.books import books_of
from newsletter.delivery.models import ArchivedSends, Campaign, Send
from newsletter.digests.models import Correction, Issue, Link
from newsletter.engagement import feedback, measuring, rating
from newsletter.engagement.models import Event
from newsletter.insights import timeline, why
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription, Suppression
from tests.factories import NOW, make_article, make_campaign, make_edition, make_editor, make_issue, make_subscription

pytestmark = pytest.mark.django_db
YEAR_AND_MORE = timedelta(days=401)
LATER = NOW + YEAR_AND_MORE


@pytest.fixture
def old(newsletter: Newsletter) -> Campaign:
    """Ended, its words forgotten; six readers: five got it, one was capped."""
    issue = make_issue(
        newsletter=newsletter, status=Issue.Status.APPROVED, approved_at=NOW, launched_at=NOW, send_at=NOW,
        articles=[make_article(title="The harbor is open")],
    )  # fmt: skip
    edition = make_edition(issue=issue, articles=list(Article.objects.all()))
    campaign = make_campaign(
        issue=issue, status=Campaign.Status.FINISHED, finished_at=NOW, forgotten_at=NOW + timedelta(days=180)
    )
    for n in range(6):
        reader = make_subscription(newsletter=newsletter).subscriber
        got = (
            {"edition": edition, "status": "sent", "attempt_count": 1}
            if n
            else {"status": "skipped", "reason": "capped"}
        )
        Send.objects.create(campaign=campaign, subscriber=reader, settled_at=NOW + timedelta(seconds=n), **got)
    return campaign


def rows() -> list[dict[str, Any]]:
    return [dict(row) for row in Send.objects.order_by("pk").values()]


def reader_of(campaign: Campaign) -> Subscriber:
    send = campaign.sends.filter(status="sent").order_by("pk").first()
    assert send is not None
    assert send.subscriber is not None
    return send.subscriber


def test_sends_of_a_campaign_that_ended_long_ago_leave_the_ledger_for_the_archive(old: Campaign) -> None:
    young = archiving.archive(NOW + timedelta(days=399))
    count = archiving.archive(LATER)
    old.refresh_from_db()

    assert (young, count) == (0, 6)
    assert not Send.objects.exists()
    assert old.archived_at == LATER


def test_a_campaign_whose_servers_words_are_not_forgotten_stays(old: Campaign) -> None:
    Campaign.objects.update(forgotten_at=None)

    assert archiving.archive(LATER) == 0


def test_what_was_refused_or_reported_about_stays_in_the_ledger(old: Campaign) -> None:
    failed, reported = old.sends.filter(status="sent").order_by("pk")[:2]
    Send.objects.filter(pk=failed.pk).update(status="failed", reason="refused")
    Event.objects.create(send=reported, kind="delivered", source="x", source_id="1", at=NOW)

    count = archiving.archive(LATER)

    assert count == 4
    assert {send.pk for send in Send.objects.all()} == {failed.pk, reported.pk}
    assert {status: count for status, count in campaigns.counts(old).items() if count} == {
        "sent": 4, "failed": 1, "skipped": 1
    }  # fmt: skip


def test_books_stay_the_same_at_every_page(old: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "PAGE", 2)
    before = {status: count for status, count in books_of([old])[old.pk].by_status.items() if count}

    while archiving.archive(LATER, pages=1):
        old.refresh_from_db()
        books = books_of([old])[old.pk]
        assert {status: count for status, count in books.by_status.items() if count} == before
        assert {status: count for status, count in campaigns.counts(old).items() if count} == before

    assert ArchivedSends.objects.count() == 3


def _fail_at_delete(execute: Any, sql: str, *rest: Any) -> Any:
    if sql.startswith("DELETE"):
        raise OperationalError("the connection is gone")
    return execute(sql, *rest)


def test_whoever_is_killed_between_two_pages_goes_on_where_it_was(
    old: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "PAGE", 2)
    before = rows()
    archiving.archive(LATER, pages=1)

    with connection.execute_wrapper(_fail_at_delete), pytest.raises(OperationalError):
        archiving.archive(LATER)
    torn = Send.objects.count(), ArchivedSends.objects.count()
    archiving.archive(LATER)
    archived = [send.pk for page in ArchivedSends.objects.order_by("pk") for send in page.sends]

    assert torn == (4, 1)
    assert archived == [row["id"] for row in before]


def test_brought_back_it_is_what_it_was(old: Campaign) -> None:
    before = rows()
    articles = list(Article.objects.values_list("pk", flat=True))
    archiving.archive(LATER)

    other = archiving.bring_back([make_article().pk])
    count = archiving.bring_back(articles)

    assert (other, count) == (0, 6)
    assert rows() == before
    assert not ArchivedSends.objects.exists()


def test_what_came_back_stays_as_long_again(old: Campaign) -> None:
    archiving.archive(LATER)
    archiving.bring_back(list(Article.objects.values_list("pk", flat=True)))
    back_at = Campaign.objects.values_list("brought_back_at", flat=True).get()
    assert back_at
    Campaign.objects.update(finished_at=back_at - 3 * YEAR_AND_MORE)

    young = archiving.archive(back_at + timedelta(days=399))
    count = archiving.archive(back_at + YEAR_AND_MORE)

    assert (young, count) == (0, 6)


def test_new_rows_after_it_came_back_get_keys_of_their_own(old: Campaign) -> None:
    archiving.archive(LATER)
    archiving.bring_back(list(Article.objects.values_list("pk", flat=True)))

    send = Send.objects.create(campaign=old, subscriber=make_subscription().subscriber, status="skipped", reason="left")

    assert Send.objects.filter(pk=send.pk).count() == 1
    assert Send.objects.count() == 7


def test_an_article_from_the_archive_comes_to_nobody_twice(
    old: Campaign, approved_issue: Callable[..., Issue], newsletter: Newsletter
) -> None:
    archiving.archive(LATER)
    newcomer = make_subscription(newsletter=newsletter)
    again = approved_issue(articles=[Article.objects.get()], send_at=LATER, approved_at=LATER)

    campaign = campaigns.launch(again, now=LATER)
    assert campaign is not None
    while Campaign.objects.being_filled().filter(pk=campaign.pk).exists():
        campaigns.fill(campaign, clock=lambda: LATER, seconds=5)

    got = {send.subscriber_id for send in campaign.sends.filter(status="queued")}
    had = {send.subscriber_id for send in old.sends.filter(status="sent")}
    assert len(had) == 5
    assert newcomer.subscriber_id in got
    assert not got & had


def test_correction_of_what_is_archived_reaches_those_who_got_it(old: Campaign) -> None:
    archiving.archive(LATER)
    correction = Correction.objects.create(issue=old.issue, note="It is not.", at=LATER)

    reaches = [reach.count for reach in corrections.reaches(correction)]

    assert reaches == [5]


def test_readers_timeline_reason_and_own_data_know_it_still(old: Campaign) -> None:
    reader = reader_of(old)

    def answers() -> Any:
        entries = timeline.page(subscriber=reader).entries
        return (
            [(entry.position, entry.title, entry.details) for entry in entries],
            why.explain(subscriber=reader, issue=old.issue),
            disclosure.mails_to(reader),
        )

    before = answers()
    archiving.archive(LATER)

    assert answers() == before
    assert len(before[2]) == 1


def test_timeline_pages_go_through_the_archive(old: Campaign) -> None:
    reader = reader_of(old)
    before = [entry.position for entry in timeline.page(subscriber=reader).entries]
    archiving.archive(LATER)

    found, position = [], None
    while True:
        page = timeline.page(subscriber=reader, before=position, size=1)
        found += [entry.position for entry in page.entries]
        position = page.older
        if position is None:
            break

    assert found == before


def test_campaign_page_finds_an_archived_reader_and_says_what_it_lists(old: Campaign, client: Client) -> None:
    reader = reader_of(old)
    archiving.archive(LATER)
    client.force_login(make_editor())

    page = client.get(reverse("admin:delivery_campaign_change", args=[old.pk]), {"address": reader.email})
    export = client.get(reverse("sending:campaign_export", args=[old.pk]))

    text = page.content.decode()
    assert "6 of these mails are in the archive" in text
    assert reader.email in text
    lines = list(csv.DictReader(b"".join(export).decode().removeprefix("\ufeff").splitlines()))
    assert len(lines) == 6
    assert [line["outcome"] for line in lines if line["address"] == reader.email] == ["sent"]


def test_erased_reader_is_nobody_in_the_archive(old: Campaign) -> None:
    reader = reader_of(old)
    archiving.archive(LATER)
    reader.delete()

    archiving.bring_back(list(Article.objects.values_list("pk", flat=True)))

    assert old.sends.filter(subscriber=None).count() == 1
    assert old.sends.count() == 6


def test_late_report_still_takes_its_reader_off(old: Campaign) -> None:
    send = old.sends.filter(status="sent").select_related("subscriber").first()
    assert send is not None
    assert send.subscriber is not None
    archiving.archive(LATER)
    report = feedback.Report(
        source="x", source_id="1", kind="unsubscribed", recipient=send.subscriber.email, at=LATER, send_pk=send.pk
    )

    feedback.record(report, now=LATER)

    assert Subscription.objects.get(subscriber=send.subscriber).status == Subscription.Status.ENDED
    assert Event.objects.get().send is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("step", ["DELETE", 'UPDATE "delivery_campaign"'], ids=["before", "after"])
def test_report_in_the_middle_of_a_page_is_kept_and_stops_no_archiver(old: Campaign, step: str) -> None:
    before = rows()
    send = old.sends.filter(status="sent").select_related("subscriber").first()
    assert send is not None
    assert send.subscriber is not None
    report = feedback.Report(
        source="x", source_id="1", kind="bounced", recipient=send.subscriber.email, at=LATER, send_pk=send.pk,
        is_hard=True,
    )  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        reporting: list[Future[bool]] = []

        def report_at_the_step(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith(step) and not reporting:
                reporting.append(pool.submit(_record, report))
                wait(reporting, timeout=1)  # it waits for us, or it is done: who is first the database decides
            return execute(sql, *rest)

        with connection.execute_wrapper(report_at_the_step):
            archiving.archive(LATER)
        is_new = reporting[0].result(20)

    archived = [send.pk for page in ArchivedSends.objects.order_by("pk") for send in page.sends]
    assert is_new
    assert Event.objects.count() == 1
    assert Suppression.objects.filter(address_hash=send.subscriber.address_hash).exists()
    assert sorted([*archived, *Send.objects.values_list("pk", flat=True)]) == [row["id"] for row in before]


@pytest.mark.django_db(transaction=True)
def test_click_on_a_mail_that_is_just_being_archived_leads_where_it_should(old: Campaign) -> None:
    Newsletter.objects.update(measures_clicks=True)
    Subscriber.objects.update(allows_measuring=True)
    send = old.sends.filter(status="sent").first()
    assert send is not None
    link = Link.objects.create(issue=old.issue, url="https://example.com/story")

    with ThreadPoolExecutor(2) as pool:
        clicking: list[Future[bool]] = []

        def click_after_the_delete(execute: Any, sql: str, *rest: Any) -> Any:
            if sql.startswith('UPDATE "delivery_campaign"') and not clicking:
                clicking.append(pool.submit(_click, send.pk, link))
                wait(clicking, timeout=1)
            return execute(sql, *rest)

        with connection.execute_wrapper(click_after_the_delete):
            archiving.archive(LATER)
        is_kept = clicking[0].result(20)

    assert not is_kept
    assert not Event.objects.exists()


def _record(report: feedback.Report) -> bool:
    try:
        return feedback.record(report, now=LATER)
    finally:
        connection.close()


def _click(send_pk: int, link: Link) -> bool:
    try:
        return measuring.note_click(send_pk, link, now=LATER)
    finally:
        connection.close()


def test_link_of_an_archived_mail_still_takes_an_answer(old: Campaign) -> None:
    send = old.sends.filter(status="sent").first()
    assert send is not None
    archiving.archive(LATER)

    found = rating.send_behind(make_token(Purpose.RATE, send.pk))
    assert found is not None
    rating.rate(found, answer="yes", comment="", now=LATER)

    assert found.subscriber_id == send.subscriber_id
    assert rating.rating_of(found)


def test_retention_archives_by_itself(old: Campaign) -> None:
    assert retention.clean_up(LATER)["sends_archived"] == 6


def test_archive_takes_a_tenth_of_the_ledger(old: Campaign) -> None:
    count = 4_000
    edition = old.sends.filter(status="sent").values_list("edition", flat=True)[0]
    first = 1_000_000
    values = [
        ArchivedSend(first + n, 5 * n + n % 3, edition, "sent", "", 1, NOW + timedelta(milliseconds=40 * (n // 100)))
        for n in range(count)
    ]

    per_send = len(pack(values)) / count

    assert per_send < 40  # of some 400


moments = st.none() | st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
sends = st.builds(
    ArchivedSend, st.integers(1, 2**62), st.integers(0, 2**62), st.integers(0, 2**62),
    st.sampled_from(["sent", "skipped"]), st.sampled_from(["", "capped", "left"]), st.integers(0, 32767), moments,
)  # fmt: skip


@given(st.lists(sends, min_size=1, max_size=50))
def test_packed_sends_are_unpacked_as_they_were(values: list[ArchivedSend]) -> None:
    assert unpack(pack(values)) == values
