"""A ready digest for delivery's tests: a newsletter, articles, readers, and an approved issue."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from config import environment
from newsletter.delivery import campaigns, ending, sweeping
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Outgoing
from newsletter.digests.models import Issue
from newsletter.subscribers.models import Newsletter
from tests.delivery.provider_runs import READERS, outgoing
from tests.delivery.smtp_runs import EXTENSIONS
from tests.factories import NOW, make_article, make_issue, make_newsletter, make_subscription
from tests.servers.mailgun import MailgunServer
from tests.servers.smtp import SmtpServer


class Clock:
    """A clock that tests wind: it stands still unless told otherwise."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wind(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def sweep_and_end(*, now: datetime = NOW) -> None:
    """A sweep, and what workers do about its rings for campaigns that were cancelled or taken back."""
    for ring in list(sweeping.rings(now=now)):
        if ring.work == sweeping.Work.END:
            ending.go_on(ring.campaign, clock=lambda: now, seconds=30)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def newsletter(db: None) -> Newsletter:
    return make_newsletter(slug="latest-news", name="Latest news")


@pytest.fixture
def approved_issue(newsletter: Newsletter) -> Callable[..., Issue]:
    """Makes an approved issue of ``newsletter`` with the given articles, or two new ones."""

    def make(**fields: object) -> Issue:
        articles = fields.pop("articles", None) or [make_article(), make_article()]
        values = {"newsletter": newsletter, "status": Issue.Status.APPROVED, "approved_at": NOW, **fields}
        return make_issue(articles=articles, **values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def campaign(newsletter: Newsletter, approved_issue: Callable[..., Issue]) -> Campaign:
    """Five readers, one edition of two articles."""
    for number in range(5):
        make_subscription(newsletter=newsletter, email=f"reader{number}@example.org")
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    return campaign


def books(campaign: Campaign) -> dict[str, int]:
    """How many sends there are in each status that any is in."""
    return {status: count for status, count in campaigns.counts(campaign).items() if count}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for localhost in one file, which nobody vouches for."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1",
         "-keyout", str(path), "-out", str(path.with_suffix(".crt"))],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@pytest.fixture(params=[*sorted(EXTENSIONS), "pipelined over TLS", "chunked over TLS"])
def server(request: pytest.FixtureRequest) -> Iterator[SmtpServer]:
    """An SMTP server for each kind of dialogue."""
    mode, _space, over_tls = request.param.partition(" ")
    context = None
    if over_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(request.getfixturevalue("certificate"))
    with SmtpServer(extensions=EXTENSIONS[mode], tls=context) as server:
        yield server


@pytest.fixture
def chunked() -> Iterator[SmtpServer]:
    with SmtpServer(extensions=EXTENSIONS["chunked"]) as server:
        yield server


@pytest.fixture
def messages(newsletter: Newsletter, approved_issue: Callable[..., Issue], clock: Clock) -> list[Outgoing]:
    """To 24 readers of one edition."""
    for number in range(READERS):
        make_subscription(newsletter=newsletter, email=f"r{number}@example.org")
    campaign = campaigns.launch(approved_issue(), now=NOW)
    assert campaign is not None
    return outgoing(campaign, clock)


@pytest.fixture
def mailgun(settings: Settings) -> Iterator[MailgunServer]:
    with MailgunServer() as server:
        url = f"mailgun://key@mg.example.org?api_url={server.url}&batch=8&connections=1&timeout=2"
        settings.MAILERS = {"campaigns": environment.mailer("MAILER_URL", url)}
        yield server
