"""The settings, as far as a machine can tell whether they fit together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import Error

from config.diagnosis.finding import Finding, is_public, note, well, wrong, wrong_if_public
from newsletter.delivery.models import TransportOutage
from newsletter.lib import mail
from newsletter.subscribers.models import Newsletter

SMTP = "django.core.mail.backends.smtp.EmailBackend"


def site() -> Iterator[Finding]:
    if not is_public():
        yield note("site", f"{settings.SITE_URL} is good for trying things out. For readers, set SITE_URL to https://…")
    elif not settings.SITE_URL.startswith("https://"):
        yield wrong("site", f"{settings.SITE_URL} is not https: one-click unsubscribing and safe cookies need it. "
                    "Get a certificate and set SITE_URL to https://…")  # fmt: skip
    elif settings.SECURE_SSL_REDIRECT and not settings.SECURE_PROXY_SSL_HEADER:
        yield wrong("site", "The site is https, but nothing says that a proxy takes the https off, so every page "
                    "redirects to itself. Set BEHIND_PROXY=1, and let the proxy set X-Forwarded-Proto.")  # fmt: skip
    else:
        yield well("site", f"Links lead to {settings.SITE_URL}.")
    if settings.DEBUG:
        yield wrong_if_public("debug", "DEBUG is on: errors show the settings to everybody. Unset it.")


def secrets() -> Iterator[Finding]:
    if not os.environ.get("SECRET_KEY"):
        yield note("secret-key", f"The secret key is kept in {settings.DATA_DIR}; include it in your backups.")
    if settings.ADDRESS_HASH_KEY == settings.SECRET_KEY:
        yield wrong_if_public("address-hash-key", "ADDRESS_HASH_KEY is the secret key: change that one, and addresses "
                              "that must never be mailed are not recognized any more. Set it apart now.")  # fmt: skip
    else:
        yield well("address-hash-key", "The suppression list has a key of its own.")
    if is_public() and not settings.METRICS_TOKEN:
        yield note("metrics", "Everybody can read /metrics. Set METRICS_TOKEN, or close the path in the proxy.")


def mailers() -> Iterator[Finding]:
    for name in settings.MAILERS:
        yield from _mailer(name)
    backends = {entry["BACKEND"] for entry in settings.MAILERS.values()}
    if SMTP in backends:
        yield note("dkim", "If OpenDKIM signs your mail, its SignHeaders must name List-Unsubscribe and "
                   "List-Unsubscribe-Post; by default the second is not signed (docs/operations.md).")  # fmt: skip
    if backends - {SMTP, settings.MAILBOX_BACKEND} and not settings.WEBHOOK_SECRET:
        yield wrong("webhooks", "Without WEBHOOK_SECRET the provider cannot report bounces and complaints. Set it to "
                    "USER:PASSWORD, and give the provider the address with both.")  # fmt: skip


def _mailer(name: str) -> Iterator[Finding]:
    label, backend = f"mailer-{name}", settings.MAILERS[name]["BACKEND"]
    if backend == settings.MAILBOX_BACKEND:
        yield wrong_if_public(label, f"Mail of the mailer {name} stays in the built-in mailbox. Set MAILER_URL.")
        return
    who = f"{'mail server' if backend == SMTP else 'provider'} of the mailer {name}"
    try:
        mail.probe(name)
    except mail.NotAccepted as error:
        yield wrong(label, f"The {who} does not take us: {error}. Check MAILER_URL, CAMPAIGN_MAILER_URL and "
                    "TRANSPORTS.")  # fmt: skip
        return
    rest = "" if backend == SMTP else " It looks at the key only when mail is sent."
    yield well(label, f"The {who} answers.{rest}")


def transports(*, now: datetime) -> Iterator[Finding]:
    """Several ways for bulk mail: which newsletter goes by which, and which are left out."""
    try:
        slugs = set(Newsletter.objects.values_list("slug", flat=True))
        outages = list(TransportOutage.objects.lasting(now))
    except Error:
        return  # machinery.database() says why
    for slug in sorted(settings.NEWSLETTER_TRANSPORTS.keys() - slugs):
        yield wrong("newsletter-transports", f"NEWSLETTER_TRANSPORTS names {slug}, and no newsletter has that slug.")
    for outage in outages:
        words = f"{outage.name} is left out: {outage.reason}."
        if outage.until is None:
            yield wrong(f"transport-{outage.name}", f"{words} Mend it, then choose Use again now in the admin.")
        else:
            yield note(f"transport-{outage.name}", f"{words} It is tried again by itself.")
