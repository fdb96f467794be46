"""The journal: what a worker that is killed had learned from the relay is settled, and not mailed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from newsletter.delivery import claiming, dispatch, journal, recovering
from newsletter.delivery.journal import Journal, Mark, Page
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome
from newsletter.delivery.settling import Ledger
from tests.delivery.conftest import Clock, books
from tests.servers.smtp import SmtpServer


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path / "journals"


def test_page_of_a_living_worker_is_left_alone_and_one_that_is_closed_is_gone(folder: Path) -> None:
    page = Journal("a" * 32, [7, 5])

    while_it_lives = list(journal.left_behind())
    page.close()

    assert while_it_lives == []
    assert list(folder.iterdir()) == []


def test_what_a_dead_worker_wrote_is_read_once(folder: Path) -> None:
    page = Journal("a" * 32, [7, 5, 9])
    page.mark(7, Mark.ACCEPTED)
    page.mark(9, Mark.DRAWN)
    page.abandon()

    pages = list(journal.left_behind())

    assert pages == [Page("a" * 32, {7: Mark.ACCEPTED, 5: Mark.UNTOUCHED, 9: Mark.DRAWN})]
    assert list(journal.left_behind()) == []


def test_page_that_was_never_finished_goes_after_a_while(folder: Path) -> None:
    folder.mkdir()
    unfinished = folder / ("new-" + "a" * 32)
    unfinished.write_bytes(b"\0" * 20)

    assert list(journal.left_behind()) == []
    kept = unfinished.exists()
    os.utime(unfinished, (0, 0))
    assert list(journal.left_behind()) == []

    assert (kept, unfinished.exists()) == (True, False)


def test_marks_survive_a_kill(folder: Path) -> None:
    script = (
        "import os, signal, sys, django; django.setup()\n"
        "from newsletter.delivery.journal import Journal, Mark\n"
        "page = Journal('b' * 32, [1, 2, 3])\n"
        "page.mark(2, Mark.ACCEPTED); page.mark(3, Mark.DRAWN)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    environment = os.environ | {"DATA_DIR": str(folder.parent), "DATABASE_URL": "sqlite:///:memory:"}

    killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False)

    assert killed.returncode == -signal.SIGKILL
    (page,) = journal.left_behind()
    assert (page.marked(Mark.ACCEPTED), page.marked(Mark.DRAWN)) == ([2], [3])


@pytest.mark.parametrize("size", [1, 5, 28, 29, 40, 53, 55])
def test_page_that_was_cut_says_that_nobody_knows(folder: Path, size: int) -> None:
    page = Journal("a" * 32, [7, 5, 9])
    page.mark(7, Mark.ACCEPTED)
    page.abandon()
    path = folder / ("a" * 32)
    whole = path.read_bytes()
    assert len(whole) == 56
    path.write_bytes(whole[:size])

    assert list(journal.left_behind()) == [Page("a" * 32, None)]


@pytest.mark.parametrize("content", [b"", b"\0" * 60])
def test_page_whose_head_was_never_written_says_that_nothing_was_handed_over(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / ("a" * 32)).write_bytes(content)

    assert list(journal.left_behind()) == [Page("a" * 32, {})]


def test_file_that_is_no_page_does_no_harm(folder: Path) -> None:
    folder.mkdir()
    (folder / ("5" * 32)).write_bytes(b"something else altogether, and much longer than a page " * 9)

    assert list(journal.left_behind()) == [Page("5" * 32, None)]


@pytest.mark.django_db(transaction=True)
def test_after_a_kill_only_what_was_under_way_is_tried_again(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    claim = claiming.claim(campaign, now=clock())
    assert claim is not None
    accepted, under_way, refused, *untouched = [reader.send_pk for reader in claim.waiting]
    claim.journal.mark(accepted, Mark.ACCEPTED)
    claim.journal.mark(under_way, Mark.DRAWN)
    claim.journal.mark(refused, Mark.ANSWERED)
    claim.journal.abandon()

    recovering.recover_abandoned(now=clock())
    reasons = dict(campaign.sends.values_list("pk", "reason"))
    waiting = books(campaign)
    dispatch.drain(campaign, clock=clock, seconds=10)

    assert waiting == {"sent": 1, "queued": 4}
    assert {pk for pk, reason in reasons.items() if reason} == {under_way}
    assert books(campaign) == {"sent": 5}
    mailed = campaign.sends.filter(subscriber__email__in=smtp_mailers.recipients()).values_list("pk", flat=True)
    assert set(mailed) == {under_way, refused, *untouched}
    assert campaign.finish(clock())


@pytest.mark.django_db(transaction=True)
def test_answer_that_was_lost_before_the_kill_is_as_unknown_as_after_it(campaign: Campaign, clock: Clock) -> None:
    attempts = 0
    while claim := claiming.claim(campaign, now=clock()):
        attempts += 1
        suspect, *others = [reader.send_pk for reader in claim.waiting]
        ledger = Ledger(campaign, clock=clock)
        ledger.open(claim)
        for each in others:
            claim.journal.mark(each, Mark.ACCEPTED)
        claim.journal.mark(suspect, Mark.DRAWN)
        ledger.note(Outcome(suspect, Fate.UNKNOWN, "the connection broke off"))
        ledger.abandon()
        recovering.recover_abandoned(now=clock())

    assert attempts == 2
    assert sorted(campaign.sends.values_list("status", "reason")) == [("failed", "unknown"), *[("sent", "")] * 4]


@pytest.mark.django_db(transaction=True)
def test_repeat_that_was_accepted_before_the_kill_is_counted_as_one(campaign: Campaign, clock: Clock) -> None:
    claim = claiming.claim(campaign, now=clock())
    assert claim is not None
    repeated, plain, *_untouched = [reader.send_pk for reader in claim.waiting]
    campaign.sends.filter(pk=repeated).update(reason=Send.Reason.UNKNOWN, attempt_count=1)
    claim.journal.mark(repeated, Mark.ACCEPTED)
    claim.journal.mark(plain, Mark.ACCEPTED)
    claim.journal.abandon()

    recovering.recover_abandoned(now=clock())

    campaign.refresh_from_db()
    assert (books(campaign)["sent"], campaign.repeat_count) == (2, 1)


@pytest.mark.django_db(transaction=True)
def test_what_was_under_way_at_two_kills_is_not_handed_over_a_third_time(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    for _worker in range(2):
        page = {}
        while claim := claiming.claim(campaign, now=clock()):
            page[claim.lease] = claim
        for claim in page.values():
            for reader in claim.waiting:
                claim.journal.mark(reader.send_pk, Mark.DRAWN)
            claim.journal.abandon()
        recovering.recover_abandoned(now=clock())

    dispatch.drain(campaign, clock=clock, seconds=10)

    assert set(campaign.sends.values_list("status", "reason")) == {(Send.Status.FAILED, Send.Reason.UNKNOWN)}
    assert smtp_mailers.recipients() == []
    assert campaign.finish(clock())


@pytest.mark.django_db(transaction=True)
def test_repeat_whose_end_was_held_back_at_the_second_kill_is_tried_again(
    campaign: Campaign, clock: Clock, smtp_mailers: SmtpServer
) -> None:
    claim = claiming.claim(campaign, now=clock())
    assert claim is not None
    held, handed_over, *_untouched = [reader.send_pk for reader in claim.waiting]
    campaign.sends.filter(pk__in=[held, handed_over]).update(reason=Send.Reason.UNKNOWN, attempt_count=1)
    claim.journal.mark(held, Mark.HELD)
    claim.journal.mark(handed_over, Mark.DRAWN)
    claim.journal.abandon()

    recovering.recover_abandoned(now=clock())
    dispatch.drain(campaign, clock=clock, seconds=10)

    assert books(campaign) == {"sent": 4, "failed": 1}
    assert campaign.sends.get(status=Send.Status.FAILED).pk == handed_over


@pytest.mark.django_db(transaction=True)
def test_lease_that_ran_out_is_taken_over_with_what_the_sleeping_worker_wrote(campaign: Campaign, clock: Clock) -> None:
    sleeping = claiming.claim(campaign, now=clock())
    assert sleeping is not None
    accepted, under_way, *_untouched = [reader.send_pk for reader in sleeping.waiting]
    sleeping.journal.mark(accepted, Mark.ACCEPTED)
    sleeping.journal.mark(under_way, Mark.DRAWN)

    clock.wind(minutes=4)
    recovering.recover_abandoned(now=clock())

    assert books(campaign) == {"sent": 1, "queued": 4}
    assert list(campaign.sends.exclude(reason="").values_list("pk", "reason")) == [(under_way, Send.Reason.UNKNOWN)]
    assert not claiming.renew(campaign, sleeping, now=clock())


@pytest.mark.django_db(transaction=True)
def test_journal_that_cannot_be_written_stops_the_sending_before_anything_is_handed_over(
    campaign: Campaign, clock: Clock, folder: Path, smtp_mailers: SmtpServer
) -> None:
    folder.write_text("a file where the folder should be")

    with pytest.raises(OSError, match="journals"):
        dispatch.drain(campaign, clock=clock, seconds=10)

    campaign.refresh_from_db()
    assert (campaign.status, books(campaign), smtp_mailers.recipients()) == ("paused", {"queued": 5}, [])
    assert "journals" in campaign.reason
