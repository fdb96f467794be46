"""Quiet hours and days where readers have hours of their own."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from tests.delivery.own_hours import punctual_newsletter, reader, ready, served_at
from tests.factories import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_hour_that_falls_on_a_quiet_day_or_into_quiet_hours_gives_way_to_the_newsletters_own() -> None:
    punctual = punctual_newsletter()
    tomorrow, late = reader(punctual, hour=6), reader(punctual, hour=23)
    evening = reader(punctual, hour=20)
    ready(punctual)
    punctual.quiet_dates, punctual.quiet_from, punctual.quiet_until = ["2026-11-24"], time(22), time(5)
    punctual.save()

    served = served_at([NOW + n * HOUR for n in range(25)])

    assert served == {
        tomorrow.subscriber_id: [NOW], late.subscriber_id: [NOW], evening.subscriber_id: [NOW + 13 * HOUR],
    }  # fmt: skip
