from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import product
from tests.product import Product
from tests.servers.smtp import SmtpServer

WEBHOOK_SECRET = "provider:only-for-tests"


@pytest.fixture(scope="package")
def relay() -> Iterator[SmtpServer]:
    with SmtpServer() as server:
        yield server


@pytest.fixture(scope="package")
def site(relay: SmtpServer) -> Iterator[Product]:
    """The product as a whole, with a real mail server behind it that does what the test says."""
    # Celery prints a traceback when its broker is killed; what we must never see is a task of ours that raised.
    raised = "raised unexpected"
    with product.running(
        "faults", on_given_redis=True, bad_words=raised, MAILER_URL=relay.url, WEBHOOK_SECRET=WEBHOOK_SECRET
    ) as running:
        yield running
