"""Which machines a fetch may talk to: the guard against server-side request forgery.

Whatever feeds make us ask for (redirects, pictures, hubs) must be http or https on the usual ports, and its name must
resolve to public addresses only. An address that a person of the house typed may have a port of its own; it, too, must
be public, for its owner could point it at us tomorrow. Two things open more: FEED_ALLOWED_NETWORKS, on purpose, for
everything; and a site that is only tried out (its own address is loopback), for typed addresses that say by their looks
that they are local (a number, a name without dots, a .local name …). A cloud's service for the machine itself is never
asked. The name is resolved once, here; the fetch connects to what was checked and never asks again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from articles.feeds.resolving import Address, addresses_of

RESOLVE_SECONDS = 10.0
DEFAULT_PORTS = {"http": 80, "https": 443}

# ipaddress.is_global is not enough: it passes some of these (IANA special-purpose registries, RFC 6890).
NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # a public address by its looks; in one cloud it is the host's own
    )
)  # fmt: skip
PUBLIC_V6 = IPv6Network("2000::/3")  # global unicast; loopback, mapped, local, site-local and multicast lie outside
NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32", "3fff::/20",  # documentation
        "2002::/16",  # 6to4: any IPv4 address, in disguise
        "2620:4f:8000::/48",
    )
)  # fmt: skip
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: how an IPv6-only machine sees an IPv4 address; judged as that address

# Where clouds answer questions about the machine itself, secrets included: not even for an address somebody typed.
METADATA = tuple(
    ip_network(network) for network in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "168.63.129.16/32")
)

# Names that say by their looks that they are not of the internet (RFC 6761, RFC 6762, RFC 8375).
LOCAL_ENDINGS = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".test")

_HOST = re.compile(r"[a-z0-9_.-]{1,253}")


class AddressRefused(Exception):
    """This address is not asked. The message is a sentence for people."""


@dataclass(frozen=True)
class Target:
    """Where to connect (addresses already checked) and what to ask for there."""

    scheme: str
    host: str  # for Host and SNI, in ASCII
    port: int
    request_target: str  # path and query, in ASCII
    addresses: tuple[str, ...]

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def locate(url: str, *, trusted_url: str, seconds: float = RESOLVE_SECONDS) -> Target:
    """Resolve and check an address, for so long. ``trusted_url`` is what a person typed, "" if nobody did.

    Raises AddressRefused, TimeoutError.
    """
    parts = _split(url)
    host, port = _host(parts), parts.port or DEFAULT_PORTS[parts.scheme]
    is_typed = _is_same_place(parts, trusted_url)
    addresses = _resolve(host, port, min(seconds, RESOLVE_SECONDS))
    is_opened = all(is_allowed(address) for address in addresses)
    if not is_typed and not is_opened and port not in DEFAULT_PORTS.values():
        raise AddressRefused(_("It points to port %(port)s of another machine, which is not allowed.") % {"port": port})
    may_be_local = is_opened or (is_typed and looks_local(host) and is_tried_out())
    is_refused = is_metadata if may_be_local else is_not_public
    if any(is_refused(address) and not is_allowed(address) for address in addresses):
        raise AddressRefused(
            _("It points into a private network (%(host)s), which is not allowed. FEED_ALLOWED_NETWORKS can open it.")
            % {"host": host}
        )
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?[]")
    target = path + ("?" + query if query else "")
    return Target(parts.scheme, host, port, target, tuple(map(str, addresses)))


def check_address(url: str) -> None:
    """Raises AddressRefused if this is not a web address that could be fetched at all; asks nobody."""
    _host(_split(url))


def is_public(address: Address) -> bool:
    """Whether this is an ordinary machine of the internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    if address.scope_id:
        return False
    if address in NAT64:
        return is_public(_embedded(address))
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def is_not_public(address: Address) -> bool:
    return not is_public(address)


def is_allowed(address: Address) -> bool:
    """Whether the operator opened this network on purpose; never a cloud's service for the machine."""
    plain = _embedded(address) if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    opened = (network for network in settings.FEED_ALLOWED_NETWORKS if network.version == plain.version)
    return any(plain in network for network in opened) and not is_metadata(plain)


def is_tried_out() -> bool:
    """Whether this site is one that only its own machine can reach."""
    host = (urlsplit(settings.SITE_URL).hostname or "").rstrip(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def looks_local(host: str) -> bool:
    """Whether whoever reads this host's name sees that it is not one of the internet."""
    is_number = ":" in host or host.replace(".", "").isdecimal()
    return is_number or "." not in host or host.endswith(LOCAL_ENDINGS)


def is_metadata(address: Address) -> bool:
    """Whether this is a cloud's service for the machine itself, in whatever notation."""
    if isinstance(address, IPv6Address) and (address.ipv4_mapped or address in NAT64):
        address = _embedded(address)
    return any(address in network for network in METADATA if network.version == address.version)


def _embedded(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFFFFFF)


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(_("This is not a web address.")) from None
    if parts.scheme not in DEFAULT_PORTS:
        raise AddressRefused(_("Only addresses that begin with http:// or https:// can be fetched."))
    if not parts.hostname or port == 0:
        raise AddressRefused(_("This is not a web address."))
    if "@" in parts.netloc:
        raise AddressRefused(_("Addresses with a user name or password in them are not supported."))
    return parts


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    try:
        if ":" in host:
            return str(IPv6Address(host))
        host = host.encode("idna").decode("ascii").lower()
    except ValueError:  # UnicodeError is one too
        host = ""
    if ":" not in host and not _HOST.fullmatch(host):
        raise AddressRefused(_("This is not a web address."))
    return host


def _is_same_place(parts: SplitResult, trusted_url: str) -> bool:
    """Same host and port as what was typed; from http to https on the usual ports counts as the same."""
    if not trusted_url:
        return False
    trusted = _split(trusted_url)
    if _host(parts) != _host(trusted):
        return False
    port, trusted_port = (place.port or DEFAULT_PORTS[place.scheme] for place in (parts, trusted))
    return port == trusted_port or {port, trusted_port} == set(DEFAULT_PORTS.values())


def _resolve(host: str, port: int, seconds: float) -> list[Address]:
    try:
        return addresses_of(host, port, seconds=seconds)
    except TimeoutError:
        raise
    except (OSError, UnicodeError):
        raise AddressRefused(_("No machine with the name %(host)s was found.") % {"host": host}) from None
