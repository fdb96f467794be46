"""Which machines a fetch may talk to."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.feeds.network import AddressRefused, is_public, locate

NOT_PUBLIC = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.1.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b::a83f:8110", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1",
    "2001:20::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fe80::1%1", "fec0::1", "ff02::1", "ff0e::1", "4000::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001::1", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_special_address_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_ordinary_address_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=6))
def test_only_global_unicast_and_translated_addresses_can_be_public(address: IPv6Address) -> None:
    if is_public(address):
        assert int(address) >> 125 == 1 or int(address) >> 32 == 0x64FF9B << 64


@given(st.ip_addresses(v=4))
def test_public_address_is_global_for_python_too(address: IPv4Address) -> None:
    if is_public(address):
        assert address.is_global
        assert not address.is_multicast


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]", "127.0.0.1.", "①②⑦.⓪.⓪.①", "0", "169.254.169.254",
    ],
)  # fmt: skip
def test_private_machine_is_refused_in_whatever_notation(host: str) -> None:
    with pytest.raises(AddressRefused):
        locate(f"http://{host}/", trusted_url="https://news.example/feed.xml")


@pytest.mark.parametrize(
    "url",
    [
        "", "feed.xml", "//news.example/", "file:///etc/passwd", "ftp://8.8.8.8/", "gopher://8.8.8.8/",
        "data:text/xml,x", "http://", "http:///x", "http://:80/", "http://8.8.8.8:0/", "http://8.8.8.8:99999/", "http://8.8.8.8:x/",
        "http://user:secret@8.8.8.8/", "http://8.8.8.8\\@127.0.0.1/", "http://[::1/", "http://a b/", "http://ex ample/",
        "http://" + "a" * 300 + "/", "http://a..b/", "http://8.8.8.8:6379/",
    ],
)  # fmt: skip
def test_what_is_no_ordinary_web_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        locate(url, trusted_url="")


def test_public_address_is_located_with_host_and_path_in_ascii() -> None:
    target = locate("https://8.8.8.8/zeitung/schön heute?q=ä b&x=%20#part", trusted_url="")

    assert (target.scheme, target.port, target.addresses) == ("https", 443, ("8.8.8.8",))
    assert target.request_target == "/zeitung/sch%C3%B6n%20heute?q=%C3%A4%20b&x=%20"
    assert target.host_header == "8.8.8.8"


def test_typed_local_address_is_trusted_with_its_own_port_only() -> None:
    typed = "http://127.0.0.1:8100/feed.xml"

    target = locate("http://127.0.0.1:8100/picture.jpg", trusted_url=typed)

    assert target.host_header == "127.0.0.1:8100"
    for other in ("http://127.0.0.1:8101/", "http://127.0.0.1/", "http://localhost:8100/", "http://127.0.0.2:8100/"):
        with pytest.raises(AddressRefused):
            locate(other, trusted_url=typed)


def test_typed_local_address_may_switch_to_https() -> None:
    assert locate("https://127.0.0.1/", trusted_url="http://127.0.0.1/").port == 443


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "168.63.129.16", "[::ffff:169.254.169.254]"]
)
def test_cloud_metadata_is_refused_even_if_typed(host: str) -> None:
    with pytest.raises(AddressRefused):
        locate(f"http://{host}/latest", trusted_url=f"http://{host}/latest")
