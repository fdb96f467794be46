"""A broker full of another version's messages: they are dropped, and a campaign goes out all the same."""

from __future__ import annotations

from collections import Counter

from tests.faults.test_killed import READER_COUNT, make_audience, recover, statuses
from tests.product import Product
from tests.servers.smtp import SmtpServer

OLD = """
from config.celery import app
for number in range(300):
    for queue in ("campaigns", "urgent", "sweeps", "interactive"):
        app.send_task("newsletter.delivery.tasks.of_another_version", kwargs={"number": number}, queue=queue)
for gone in range(900_000, 900_100):
    app.send_task("newsletter.delivery.tasks.drain", kwargs={"campaign_id": gone}, queue="campaigns")
"""


def test_messages_of_another_version_are_dropped_and_hold_up_nothing(site: Product, relay: SmtpServer) -> None:
    relay.forget()
    slug = "behind-old-messages"
    readers = make_audience(site, slug)

    site.run(OLD)
    site.manage("send_now", slug)
    recover(site, slug)

    assert Counter(relay.recipients()) == Counter(readers)
    assert statuses(site, slug) == {"sent": READER_COUNT}
    assert site.log.count("of_another_version") >= 300
