"""Reading settings from the environment: small parsers whose errors name the variable and what it should be."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import secrets
import tempfile
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

IPNetwork = IPv4Network | IPv6Network
PRIVATE_NETWORKS = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
MAIL_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}

SMTP_TIMEOUT_SECONDS = 20
PROVIDER_TIMEOUT_SECONDS = 30  # as anymail waits for the others
# What any mailer's URL may say after its ?, for bulk mail: how much at once, its share and its place among several.
# They stand in the entry's SENDING, as whole numbers from 1 up; beside them `rate`, in mails a second.
SENDING_NUMBERS = frozenset({"connections", "window", "messages", "batch", "weight", "order"})
RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)/(s|min|h)")
TRANSPORT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")
# name in MAILER_URL -> (module of anymail, option that takes the key, option that takes the domain)
PROVIDERS = {
    "brevo": ("brevo", "api_key", ""),
    "mailersend": ("mailersend", "api_token", ""),
    "mailgun": ("mailgun", "api_key", "sender_domain"),
    "mailjet": ("mailjet", "api_key", ""),
    "postmark": ("postmark", "server_token", ""),
    "resend": ("resend", "api_key", ""),
    "sendgrid": ("sendgrid", "api_key", ""),
    "sparkpost": ("sparkpost", "api_key", ""),
}


def text(name: str, default: str) -> str:
    return os.environ.get(name) or default


def boolean(name: str, *, default: bool) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} is {value!r}; it should be 1 or 0.")
    return value in TRUE


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not (value.isascii() and value.isdecimal()):
        raise ImproperlyConfigured(f"{name} is {value!r}; it should be a whole number.")
    return int(value)


def percent(name: str, default: float) -> float:
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", value, re.ASCII):
        raise ImproperlyConfigured(f"{name} is {value!r}; it should be a number such as 5 or 0.3.")
    return float(value)


def choice(name: str, default: str, *, among: Collection[str]) -> str:
    value = text(name, default).lower()
    if value not in among:
        raise ImproperlyConfigured(f"{name} is {value!r}; it should be one of {', '.join(among)}.")
    return value


def port(name: str, default: int) -> int:
    value = number(name, default)
    if not 0 < value < 65_536:
        raise ImproperlyConfigured(f"{name} is {value}; a port lies between 1 and 65535.")
    return value


def site_url(name: str, default: str) -> str:
    """A public base URL without a path and without the slash at its end."""
    url = text(name, default).rstrip("/")
    parts = _split(name, url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise ImproperlyConfigured(f"{name} is {url!r}; it should look like https://news.example.org, without a path.")
    return url


def web_address(name: str) -> str:
    """The address of a page, or nothing."""
    url = text(name, "")
    parts = _split(name, url)
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ImproperlyConfigured(f"{name} is {url!r}; it should look like https://example.org/privacy.")
    return url


def mail_address(name: str) -> str:
    """One plain address, or nothing."""
    address = text(name, "")
    if address and not MAIL_ADDRESS.fullmatch(address):
        raise ImproperlyConfigured(f"{name} is {address!r}; it should look like leave@news.example.org.")
    return address


def redis_url(name: str) -> str:
    """Where a Redis or Valkey server is; empty means the embedded broker."""
    url = text(name, "")
    if url and not url.startswith(("redis://", "rediss://")):
        raise ImproperlyConfigured(f"{name} should begin with redis:// or rediss://.")
    return url


def kept_secret(path: Path) -> str:
    """The secret in this file, which is made on first use; of several processes that start at once one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        os.write(descriptor, secrets.token_urlsafe(48).encode())
        os.close(descriptor)
        # A link appears with its whole content or, if another process was first, not at all.
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
        Path(name).unlink()
    return path.read_text().strip()


def words(name: str, default: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def folders(name: str) -> list[Path]:
    """The folder that the variable names, as a list of one; an empty list if it names none."""
    value = os.environ.get(name)
    if not value:
        return []
    if not Path(value).is_dir():
        raise ImproperlyConfigured(f"{name} is no folder that can be read.")
    return [Path(value).resolve()]


def networks(name: str, default: str) -> list[IPNetwork]:
    """IP addresses and networks, separated by commas."""
    try:
        return [ip_network(word) for word in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} should name IP networks, with commas, as 10.0.0.0/8 or ::1.") from error


def database(name: str, default: str) -> dict[str, Any]:
    """Django's description of the database behind this variable."""
    parts = _split(name, text(name, default))
    if parts.scheme == "sqlite" and parts.path.removeprefix("/"):
        return _sqlite(parts)
    if parts.scheme in {"postgres", "postgresql"} and parts.path.removeprefix("/"):
        return _postgresql(parts)
    raise ImproperlyConfigured(f"{name} should be sqlite:///PATH or postgres://USER:PASSWORD@HOST:PORT/NAME.")


def _sqlite(parts: SplitResult) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": unquote(parts.path.removeprefix("/")),
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def _postgresql(parts: SplitResult) -> dict[str, Any]:
    options = _query(parts)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


def mailer(name: str, url: str) -> dict[str, Any]:
    """An entry of MAILERS for mailbox:, smtp://, smtps:// or a provider of anymail.

    Beside Django's BACKEND and OPTIONS it has SENDING, which only our own transports read.
    """
    parts = _split(name, url)
    sending, options = _sending(name, _query(parts))
    if parts.scheme == "mailbox":
        return {"BACKEND": "newsletter.delivery.mailbox.backend.EmailBackend", "SENDING": sending}
    if parts.scheme in {"smtp", "smtps"}:
        found = _smtp_options(name, parts, options)
        return {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": found, "SENDING": sending}
    if parts.scheme == "ses":
        return {**_amazon(name, parts, options), "SENDING": sending}
    if parts.scheme in PROVIDERS:
        return {**_provider(name, parts, options), "SENDING": sending}
    known = ", ".join(["mailbox:", "smtp://", "smtps://", *(f"{provider}://" for provider in PROVIDERS), "ses://"])
    raise ImproperlyConfigured(f"{name} should begin with one of {known}.")


def transports(name: str) -> dict[str, dict[str, Any]]:
    """Entries of MAILERS for `NAME=URL NAME=URL …`, in that order; none if the variable is not set."""
    found: dict[str, dict[str, Any]] = {}
    for word in text(name, "").split():
        transport, equals, url = word.partition("=")
        if not equals or not TRANSPORT_NAME.fullmatch(transport):
            raise ImproperlyConfigured(
                f"{name} should be NAME=URL, and more of them after spaces, as main=smtp://… spare=mailgun://…; a name "
                "has 1 to 20 small letters, digits and hyphens."
            )
        if transport in found or transport in {"default", "campaigns"}:
            raise ImproperlyConfigured(f"{name}: the name {transport} is taken; give every transport its own.")
        found[transport] = mailer(f"{name} ({transport})", url)
    return found


def transports_of_newsletters(name: str, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """By newsletter, which of the ``known`` transports are its own: `SLUG=NAME,NAME SLUG=NAME …`."""
    found: dict[str, tuple[str, ...]] = {}
    for word in text(name, "").split():
        newsletter, _equals, names = word.partition("=")
        chosen = tuple(each for each in names.split(",") if each)
        if not newsletter or not chosen or set(chosen) - set(known):
            raise ImproperlyConfigured(
                f"{name} should be NEWSLETTER=NAME,NAME with names of TRANSPORTS ({', '.join(known) or 'it has none'})."
            )
        found[newsletter] = chosen
    return found


def _sending(name: str, query: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What the query says of bulk mail, and the rest of it."""
    for option in SENDING_NUMBERS & query.keys():
        value = query[option]
        if not (value.isascii() and value.isdecimal()) or int(value) < 1:
            raise ImproperlyConfigured(f"{name}: {option} is {value!r}; it should be a whole number, 1 or more.")
    sending: dict[str, Any] = {option: int(query[option]) for option in SENDING_NUMBERS & query.keys()}
    if "rate" in query:
        sending["rate"] = _rate(name, query["rate"])
    return sending, {option: value for option, value in query.items() if option not in sending}


def _rate(name: str, value: str) -> float:
    """Mails a second, of 100/s, 3000/min or 20000/h."""
    found = RATE.fullmatch(value)
    rate = float(found[1]) / {"s": 1, "min": 60, "h": 3600}[found[2]] if found else 0.0
    if rate < 1 / 60:
        raise ImproperlyConfigured(
            f"{name}: rate is {value!r}; it should look like 100/s, 3000/min or 20000/h, and be one a minute or more."
        )
    return rate


def _provider(name: str, parts: SplitResult, query: dict[str, str]) -> dict[str, Any]:
    module, key_option, domain_option = PROVIDERS[parts.scheme]
    key, _at, domain = parts.netloc.rpartition("@") if "@" in parts.netloc else (parts.netloc, "", "")
    if not key:
        raise ImproperlyConfigured(f"{name} lacks the key: {parts.scheme}://KEY, or {parts.scheme}://KEY@DOMAIN.")
    options: dict[str, Any] = {key_option: unquote(key), **query}
    if "timeout" in query:
        options["timeout"] = _seconds(name, query["timeout"])
    if parts.scheme == "mailjet":
        public, _colon, secret = key.partition(":")
        if not secret:
            raise ImproperlyConfigured(f"{name} lacks the secret key: mailjet://KEY:SECRET@api.")
        options |= {"api_key": unquote(public), "secret_key": unquote(secret)}
    if domain_option and domain:
        options[domain_option] = domain
    return {"BACKEND": f"anymail.backends.{module}.EmailBackend", "OPTIONS": options}


def _amazon(name: str, parts: SplitResult, query: dict[str, str]) -> dict[str, Any]:
    """`ses://KEY:SECRET@REGION`, or `ses://REGION` where the machine has its credentials from elsewhere.

    Amazon's library would repeat by itself what was cut off, and nobody would know: here it makes each call once.
    """
    if importlib.util.find_spec("boto3") is None:
        raise ImproperlyConfigured(f"{name}: ses:// needs boto3, which is not installed: config/setup.sh --extra ses")
    if unknown := query.keys() - {"endpoint_url", "timeout"}:
        raise ImproperlyConfigured(f"{name} has {', '.join(sorted(unknown))} after its ?, which means nothing here.")
    credentials, _at, region = parts.netloc.rpartition("@")
    key, _colon, secret = credentials.partition(":")
    if not region or bool(key) != bool(secret):
        raise ImproperlyConfigured(f"{name} should be ses://KEY:SECRET@REGION or ses://REGION, as ses://eu-west-1.")
    session = {"region_name": region}
    if key:
        session |= {"aws_access_key_id": unquote(key), "aws_secret_access_key": unquote(secret)}
    seconds = _seconds(name, query.get("timeout", str(PROVIDER_TIMEOUT_SECONDS)))
    config = {"connect_timeout": seconds, "read_timeout": seconds, "retries": {"total_max_attempts": 1}}
    client = {"config": config} | ({"endpoint_url": query["endpoint_url"]} if "endpoint_url" in query else {})
    return {
        "BACKEND": "anymail.backends.amazon_ses.EmailBackend",
        "OPTIONS": {"session_params": session, "client_params": client},
    }


def _smtp_options(name: str, parts: SplitResult, query: dict[str, str]) -> dict[str, Any]:
    if unknown := query.keys() - {"tls", "timeout"}:
        raise ImproperlyConfigured(f"{name} has {', '.join(sorted(unknown))} after its ?, which means nothing here.")
    options: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": parts.port or (465 if parts.scheme == "smtps" else 25),
        "timeout": _seconds(name, query.get("timeout", str(SMTP_TIMEOUT_SECONDS))),
    }
    if parts.username:
        options |= {"username": unquote(parts.username), "password": unquote(parts.password or "")}
    if parts.scheme == "smtps":
        options["use_ssl"] = True
    elif query.get("tls", "0").lower() in TRUE:
        options["use_tls"] = True
    return options


def _seconds(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()) or int(value) < 1:
        raise ImproperlyConfigured(f"{name}: timeout is {value!r}; it should be a whole number of seconds, 1 or more.")
    return int(value)


def _query(parts: SplitResult) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(parts.query).items()}


def _split(name: str, url: str) -> SplitResult:
    """The parts of a URL. Raises ImproperlyConfigured, without the URL, which may hold a password."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (reading it checks it)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name} is no valid URL. Special characters in a user name or password must be percent-encoded."
        ) from error
    return parts
