"""Threat 14: a feed, or whoever types its address, makes the site talk to machines that only it can reach."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings

from articles.feeds import discovering, fetching, importing, network, pushing
from articles.feeds.fetching import FetchError, Limits, Validators
from articles.feeds.network import AddressRefused
from articles.models import Feed, PushSubscription
from tests.articles.documents import item, rss
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer

INSIDE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "0", "0.0.0.0",
    "localhost", "LOCALHOST.", "①②⑦.⓪.⓪.①", "127。0。0。1", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::127.0.0.1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[2001:0:7f00:1::]", "10.1.2.3",
    "172.20.1.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "[fd00:ec2::254]", "[fe80::1]", "[fc00::1]",
    "[ff02::1]", "224.0.0.1", "168.63.129.16", "255.255.255.255",
)  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _site_on_the_internet(settings: Settings) -> None:
    settings.SITE_URL = "https://news.example.org"


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A DNS of the attacker's: for each name, the addresses that it gives one question after the other."""
    answers: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def ask(host: str, *arguments: Any, **keywords: Any) -> list[Any]:
        if host in answers:
            address = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
            return real(address, *arguments, **keywords)
        return real(host, *arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    return answers


def fetched(url: str, *, typed: str = "") -> fetching.Fetched:
    return fetching.fetch(url, trusted_url=typed, limits=Limits(2, 1000))


@pytest.mark.parametrize("host", INSIDE)
def test_private_machine_is_not_asked_in_any_spelling(host: str) -> None:
    url = f"http://{host}/feed.xml"

    for typed in ("", url):  # what a feed says, and what somebody at the desk typed
        with pytest.raises(FetchError, match=r"not allowed|not a web address|No machine"):
            fetched(url, typed=typed)


@pytest.mark.parametrize("scheme", ["file", "ftp", "gopher", "dict", "data", "jar", "ldap"])
def test_only_the_web_is_asked(scheme: str) -> None:
    with pytest.raises(FetchError, match="http://"):
        fetched(f"{scheme}://93.184.216.34/")


def test_name_that_resolves_inwards_is_not_asked(names: dict[str, list[str]], http_server: HttpServer) -> None:
    names["inward.example"] = ["127.0.0.1"]

    with pytest.raises(FetchError, match="private network"):
        fetched(f"http://inward.example:{http_server.port}/", typed=f"http://inward.example:{http_server.port}/")
    assert http_server.requests == []


def test_name_is_resolved_once_so_rebinding_changes_nothing(
    names: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    names["rebinding.example"] = ["93.184.216.34", "127.0.0.1"]
    connected: list[str] = []

    def connect(target: network.Target, _deadline: float) -> None:
        connected.extend(target.addresses)
        raise ConnectionRefusedError

    monkeypatch.setattr(fetching, "_connect", connect)
    with pytest.raises(FetchError):
        fetched("http://rebinding.example/")

    assert connected == ["93.184.216.34"]
    with pytest.raises(AddressRefused):
        network.locate("http://rebinding.example/", trusted_url="")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_keywords: both)

    with pytest.raises(AddressRefused):
        network.locate("http://mixed.example/", trusted_url="")


@pytest.fixture
def inner() -> Iterator[HttpServer]:
    """A machine inside, that nobody opened."""
    with HttpServer() as server:
        server.serve("/secret", rss(item(title="The secret of the machine inside")))
        yield server


@pytest.mark.django_db
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_checked_again(http_server: HttpServer, settings: Settings, status: int) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.1")]
    feed = make_feed(url=http_server.redirect("/feed.xml", "http://127.0.0.2:9/secret", status=status))

    report = importing.poll(feed=feed, now=NOW)

    assert "private network" in report.error or "port 9" in report.error
    assert Feed.objects.get().url == feed.url, "it is not remembered either"


@pytest.mark.django_db
def test_hubs_and_named_feeds_are_checked_as_well(inner: HttpServer) -> None:
    secret = inner.url("/secret")
    feed = make_feed(url="https://news.example/feed.xml")
    PushSubscription.objects.create(feed=feed, hub_url=secret, topic_url=feed.url, next_request_at=NOW)

    pushing.ask_hubs(NOW)

    assert "not allowed" in PushSubscription.objects.get().last_error
    assert "private network" in discovering.look_at(secret).error
    assert inner.requests == []


def test_operator_opens_a_network_on_purpose_but_never_the_metadata(
    http_server: HttpServer, settings: Settings
) -> None:
    settings.FEED_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8"), ip_network("169.254.0.0/16"), ip_network("::/0")]

    assert fetching.fetch_feed(http_server.serve("/feed.xml", b"<rss/>"), validators=Validators()).body == b"<rss/>"
    for host in ("169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"):
        with pytest.raises(FetchError, match="private network"):
            fetched(f"http://{host}/latest/meta-data/", typed=f"http://{host}/latest/meta-data/")


def test_no_proxy_of_the_environment_is_used(inner: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, inner.url(""))

    with pytest.raises(FetchError):
        fetched("http://127.0.0.1/", typed="")
    assert inner.requests == []
