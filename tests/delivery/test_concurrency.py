"""Many schedulers and workers at once, on the database that the tests run on: everybody gets everything, once."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from newsletter.delivery import campaigns, dispatch, sweeping
from newsletter.delivery.models import Campaign
from newsletter.digests import drafting
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.factories import NOW, make_article, make_newsletter, make_schedule, make_subscriber, make_subscription
from tests.servers.smtp import SmtpServer

WORKER_COUNT, READER_COUNT = 4, 60


@pytest.mark.django_db(transaction=True)
def test_two_newsletters_many_workers_and_every_reader_gets_every_article_once(
    newsletter: Newsletter, smtp_mailers: SmtpServer
) -> None:
    other = make_newsletter()
    titles = {make_article().title for _ in range(3)}
    for number in range(READER_COUNT):
        reader = make_subscriber(email=f"reader{number}@example.org")
        for each in (newsletter, other):
            make_subscription(newsletter=each, subscriber=reader)
    for each in (newsletter, other):
        make_schedule(newsletter=each)
    start = Barrier(WORKER_COUNT)

    def work(_number: int) -> None:
        start.wait(10)
        try:
            for _turn in range(3):
                drafting.run_due(now=NOW)
                for campaign in sweeping.sweep(now=NOW):
                    dispatch.drain(campaign, clock=lambda: NOW, seconds=10)
                campaigns.send_now(newsletter=newsletter, now=NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(WORKER_COUNT) as pool:
        list(pool.map(work, range(WORKER_COUNT)))
    list(sweeping.sweep(now=NOW))

    copies = Counter(
        (message.recipients[0], title)
        for message in smtp_mailers.messages
        for title in titles
        if title in str(message.parsed.get_body(("plain",)))
    )
    assert set(copies.values()) == {1}
    assert len(copies) == READER_COUNT * len(titles)
    assert Issue.objects.filter(run_date__isnull=False).count() == 2
    assert not Campaign.objects.exclude(status=Campaign.Status.FINISHED).exists()
