from __future__ import annotations

import pytest

from newsletter.lib.addresses import address_hash
from newsletter.subscribers.models import Subscription, Suppression
from newsletter.subscribers.suppression import is_suppressed, suppress
from tests.factories import NOW, make_subscription

pytestmark = pytest.mark.django_db
Reason = Suppression.Reason


def test_suppressed_address_is_not_mailable_however_it_is_spelled() -> None:
    subscription = make_subscription(email="Reader@example.org")

    suppress(email="reader@EXAMPLE.org", reason=Reason.HARD_BOUNCE, now=NOW)

    subscription.refresh_from_db()
    assert is_suppressed("READER@example.org")
    assert not Subscription.objects.mailable().exists()
    assert subscription.status == Subscription.Status.ACTIVE


def test_suppressing_twice_is_one_row_with_its_first_reason() -> None:
    suppress(email="reader@example.org", reason=Reason.COMPLAINT, note="report 7", now=NOW)
    suppress(email="reader@example.org", reason=Reason.BY_HAND, now=NOW)

    row = Suppression.objects.get()
    assert (row.reason, row.note, row.created_at) == (Reason.COMPLAINT, "report 7", NOW)


def test_complaint_outweighs_what_the_desk_said_and_stays_when_that_is_taken_back() -> None:
    suppress(email="reader@example.org", reason=Reason.BY_HAND, note="asked by letter", now=NOW)
    suppress(email="reader@example.org", reason=Reason.HARD_BOUNCE, now=NOW)
    suppress(email="reader@example.org", reason=Reason.COMPLAINT, now=NOW)
    suppress(email="reader@example.org", reason=Reason.HARD_BOUNCE, now=NOW)

    row = Suppression.objects.get()
    assert (row.reason, row.note, row.email) == (Reason.COMPLAINT, "asked by letter", "reader@example.org")


def test_erasure_takes_the_address_from_the_list_and_keeps_it_suppressed() -> None:
    suppress(email="reader@example.org", reason=Reason.COMPLAINT, note="reader@example.org complained", now=NOW)

    suppress(email="reader@example.org", reason=Reason.ERASED, now=NOW)

    row = Suppression.objects.get()
    assert (row.email, row.note, row.reason) == ("", "", Reason.ERASED)
    assert row.address_hash == address_hash("reader@example.org")
    assert is_suppressed("reader@example.org")
