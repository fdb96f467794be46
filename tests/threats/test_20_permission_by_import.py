"""Row 20: no file brings anybody back, whatever it claims, in whatever spelling, order or product's words."""

from __future__ import annotations

import pytest

from newsletter.subscribers.models import ConsentRecord, MeasuringConsent, Subscriber, Subscription, Suppression
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.suppression import suppress
from newsletter.subscribers.unsubscribing import unsubscribe
from tests.factories import NOW, make_newsletter, make_subscription
from tests.subscribers.importing.lists import bring_in

pytestmark = pytest.mark.django_db
SPELLINGS = ["gone@example.org", "GONE@EXAMPLE.ORG", "Gone@Example.org", "<gone@example.org>",
             "mailto:gone@example.org", "ｇｏｎｅ@example.org"]  # fmt: skip
CLAIM = "email,status,signed_up_at,consent_at,confirmed_at\n{},subscribed,2030-01-01,2030-01-01,2030-01-01\n"


@pytest.mark.parametrize("reason", Suppression.Reason.values)
@pytest.mark.parametrize("spelled", SPELLINGS)
def test_suppressed_stays_suppressed(reason: str, spelled: str) -> None:
    suppress(email="gone@example.org", reason=Suppression.Reason(reason), now=NOW)

    run = bring_in(CLAIM.format(spelled), newsletter=make_newsletter())

    assert run.counts == {"kept_out": 1}
    assert not Subscriber.objects.exists()


def test_erased_stays_erased() -> None:
    here = make_subscription(email="gone@example.org")
    erase(subscriber=here.subscriber, now=NOW)

    bring_in(CLAIM.format("gone@example.org"), newsletter=here.newsletter)

    assert not Subscriber.objects.exists()


def test_who_left_this_newsletter_is_not_brought_back_into_it() -> None:
    here = make_subscription(email="gone@example.org")
    unsubscribe(subscription=here, method=ConsentRecord.Method.ONE_CLICK, now=NOW)

    run = bring_in(CLAIM.format("gone@example.org"), newsletter=here.newsletter)

    assert run.counts == {"kept_out": 1}
    assert Subscription.objects.get().status == "ended"


@pytest.mark.parametrize("rows", [("subscribed", "unsubscribed"), ("unsubscribed", "subscribed")])
def test_file_that_says_both_ends_with_nobody_mailable(rows: tuple[str, str]) -> None:
    lines = "".join(f"gone@example.org,{status}\n" for status in rows)

    bring_in(f"email,status\n{lines}", newsletter=make_newsletter())

    assert not Subscription.objects.mailable().exists()


def test_no_file_agrees_to_measuring() -> None:
    newsletter = make_newsletter(measures_clicks=True, measures_opens=True)

    bring_in("email,allows_measuring,measuring,consent\na@example.org,true,1,yes\n", newsletter=newsletter)

    assert not Subscriber.objects.get().allows_measuring
    assert not MeasuringConsent.objects.exists()
