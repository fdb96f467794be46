"""The one module that knows Django's mail API.

A mail is three templates, `templates/email/<name>/{subject.txt,body.txt,body.html}`, and goes out through an alias of
MAILERS. Headers are folded by newsletter.lib.headers: Python's own folding breaks long tokens and some subjects.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import make_msgid
from typing import Any
from urllib.parse import urlsplit

import urllib3
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused
from django.conf import settings
from django.core import mail as django_mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.template import Context
from django.template.loader import get_template
from django.utils import translation
from django.utils.module_loading import import_string

from newsletter.lib.addresses import InvalidAddress, wire_address
from newsletter.lib.headers import mailbox, one_line, unstructured
from newsletter.lib.html import inline_css
from newsletter.lib.naming import site_name
from newsletter.lib.wrapping import wrap

MAX_SUBJECT = 200
_ODD = re.compile("[\ud800-\udfff\ufeff\u202a-\u202e\u2066-\u2069]")
_SENDER = re.compile(r'"((?:[^"\\]|\\.)*)" <([^<>]+)>')
_ESCAPED = re.compile(r"\\(.)")
_PROBE_SECONDS = 10
# What SES answers with 400 and means otherwise: not now, not you.
# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
_AMAZONS_CODES = {
    "LimitExceededException": 429, "Throttling": 429, "ThrottlingException": 429, "TooManyRequestsException": 429,
    "AccountSuspendedException": 403, "MailFromDomainNotVerifiedException": 403, "SendingPausedException": 403,
}  # fmt: skip
_AMAZONS_KEYS_ARE_MISSING = {"CredentialRetrievalError", "NoCredentialsError", "PartialCredentialsError"}
_BLANK_LINES = re.compile(r"\n{3,}")


class NotAccepted(Exception):
    """The mail server or provider did not take the mail. ``str()`` is what it said.

    ``is_permanent`` is True only if this recipient or message can never be accepted; an outage, a wrong password or
    a blocked sender is not the recipient's fault and may pass.
    """

    def __init__(self, response: str, *, is_permanent: bool) -> None:
        super().__init__(response)
        self.is_permanent = is_permanent


def send(
    *,
    template: str,
    to: str,
    context: Mapping[str, object],
    language: str,
    sender: str = "",
    mailer: str = "default",
    headers: Mapping[str, str] | None = None,
) -> None:
    """Render the mail ``template`` in ``language`` and hand it over. Returns once the server has accepted it.

    ``sender`` is a From value as ``sender_line`` makes it; the site's own if empty. Raises NotAccepted, also for a
    site that must not mail: the setting WHY_NO_MAIL names who knows.
    """
    if reason := import_string(settings.WHY_NO_MAIL)():
        raise NotAccepted(reason, is_permanent=False)
    with translation.override(language or settings.LANGUAGE_CODE):
        message = compose(template=template, to=to, context=context, sender=sender, headers=headers)
    _hand_over(message, mailer)


def compose(
    *, template: str, to: str, context: Mapping[str, object], sender: str = "", headers: Mapping[str, str] | None = None
) -> Message:
    """The mail in the active language. Raises NotAccepted if ``to`` is no address, ValueError if a part is empty."""
    values = {**_site(), **context}
    parts = render_parts(template, values)
    sender = sender or sender_line(str(values["site_name"]), settings.DEFAULT_FROM_EMAIL)
    message = Message(parts.subject, f"{wrap(parts.text)}\n", sender)
    message.to = [_recipient(to)]
    message.extra_headers = {**_standard_headers(), **(headers or {})}
    message.attach_alternative(parts.html, "text/html")
    return message


@dataclass(frozen=True)
class Parts:
    """What a mail says."""

    subject: str
    text: str
    html: str


def render_parts(template: str, values: Mapping[str, object]) -> Parts:
    """The mail ``template`` with these values, in the active language. Raises ValueError if a part is empty."""
    subject = header_text(_render(f"email/{template}/subject.txt", values, autoescape=False))[:MAX_SUBJECT]
    values = {**values, "subject": subject}
    text = _BLANK_LINES.sub("\n\n", _render(f"email/{template}/body.txt", values, autoescape=False)).strip()
    html = inline_css(_render(f"email/{template}/body.html", values, autoescape=True))
    if not subject or not text:
        raise ValueError(f"The mail {template} has no subject or no text.")
    return Parts(subject, text, html)


def sender_line(name: str, address: str) -> str:
    """A From value with the name quoted: `"Washington, D.C. Post" <news@post.example>`."""
    if not address.isascii():
        address = wire_address(address)
    quoted = header_text(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if quoted else address


def header_text(text: str) -> str:
    """One line, without control characters, lone surrogates and the marks that turn the direction of other text."""
    return one_line(text if text.isascii() else _ODD.sub("", text))


class _WirePolicy(EmailPolicy):
    """Headers in ASCII and folded by us; bodies in 7 bits."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Keep texts as they are: the base class would decode what only looks like an encoded word."""
        if not isinstance(value, str) or not _is_ours(name):
            return super().header_store_parse(name, value)
        if value != header_text(value):
            raise ValueError(f"The header {name} holds characters that no header may hold.")
        return name, value

    def fold(self, name: str, value: Any) -> str:
        if not _is_ours(name):
            return str(super().fold(name, value))
        lines = _sender(value) if name.lower() == "from" else unstructured(str(value), name=name)
        return f"{name}: {lines}\r\n".replace("\r\n", self.linesep)

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode()  # ASCII but for the local part of an address like jürgen@example.org


class Message(django_mail.EmailMultiAlternatives):
    """A mail whose headers survive every mail server."""

    def message(self, *, policy: Policy[Any] | None = None) -> EmailMessage:
        wire = _WirePolicy(linesep=policy.linesep if policy else "\n", cte_type="7bit")
        return super().message(policy=wire)


class _SmtpBackend(SmtpBackend):
    """As Django's, but able to mail jürgen@example.org where the server is (SMTPUTF8, RFC 6531)."""

    def _send(self, email_message: django_mail.EmailMessage) -> bool:
        if all(recipient.isascii() for recipient in email_message.recipients()):
            return bool(super()._send(email_message))  # type: ignore[misc]  # not in the stubs
        assert self.connection is not None  # opened by send_messages
        self.connection.ehlo_or_helo_if_needed()
        self.connection.sendmail(
            self.prep_address(email_message.from_email),
            [self.prep_address(each, force_ascii=False) for each in email_message.recipients()],
            email_message.message(policy=SMTP).as_bytes(),
            mail_options=["SMTPUTF8"],
        )
        return True


def _is_ours(name: str) -> bool:
    """Headers that say how the body is built are left to Python, which may parametrize them."""
    return not name.lower().startswith(("content-", "mime-", "date"))


def _sender(line: str) -> str:
    """The inverse of ``sender_line``, folded and encoded for the wire."""
    match = _SENDER.fullmatch(line)
    return mailbox(_ESCAPED.sub(r"\1", match[1]), match[2]) if match else line


def _render(name: str, values: Mapping[str, object], *, autoescape: bool) -> str:
    template: Any = get_template(name)
    return str(template.template.render(Context(dict(values), autoescape=autoescape)))


def _site() -> dict[str, object]:
    """What every mail's templates need. The setting MAIL_LOOK_NOW says who knows the publication's look."""
    is_rtl = translation.get_language_bidi()
    return {
        **import_string(settings.MAIL_LOOK_NOW)(),
        "start": "right" if is_rtl else "left",
        "end": "left" if is_rtl else "right",
        "site_name": site_name(),
        "site_url": settings.SITE_URL,
        "language": translation.get_language(),
        "direction": "rtl" if is_rtl else "ltr",
    }


def _standard_headers() -> dict[str, str]:
    # RFC 3834 and Microsoft's equivalent: no vacation replies to a machine's mail.
    return {
        "Message-ID": make_msgid(domain=urlsplit(settings.SITE_URL).hostname),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "OOF, AutoReply",
    }


def _recipient(address: str) -> str:
    try:
        return wire_address(address)
    except InvalidAddress as error:
        raise NotAccepted(str(error), is_permanent=True) from error


def _hand_over(message: Message, mailer: str) -> None:
    try:
        _backend(mailer).send_messages([message])
    except smtplib.SMTPNotSupportedError as error:
        raise NotAccepted("the relay cannot mail this address (no SMTPUTF8)", is_permanent=True) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, response = next(iter(error.recipients.values()))
        raise NotAccepted(_words(code, response), is_permanent=code >= 500) from error
    except smtplib.SMTPDataError as error:
        raise NotAccepted(_words(error.smtp_code, error.smtp_error), is_permanent=error.smtp_code >= 500) from error
    except AnymailRecipientsRefused as error:
        raise NotAccepted(_first_line(error), is_permanent=True) from error
    except AnymailAPIError as error:
        raise NotAccepted(_first_line(error), is_permanent=_is_final(status_of(error))) from error
    except (AnymailError, OSError) as error:  # every other error of smtplib is an OSError
        raise NotAccepted(_first_line(error), is_permanent=False) from error


def probe(mailer: str) -> None:
    """Connect and sign in, without a mail. Raises NotAccepted.

    Of a provider all that can be asked is whether its API is there: it looks at the key only when mail is sent.
    """
    try:
        backend = _backend(mailer)
        backend.open()
        if address := getattr(backend, "api_url", ""):
            urllib3.request("HEAD", address, timeout=_PROBE_SECONDS, retries=False)
    except ImproperlyConfigured as error:
        raise NotAccepted(_first_line(error), is_permanent=True) from error
    except urllib3.exceptions.HTTPError as error:  # its words hold the address, and with it what was set
        raise NotAccepted(f"it cannot be reached ({type(error).__name__})", is_permanent=False) from error
    except (AnymailError, OSError) as error:  # every error of smtplib is an OSError
        raise NotAccepted(_first_line(error), is_permanent=False) from error
    backend.close()


def _backend(mailer: str) -> BaseEmailBackend:
    entry = settings.MAILERS[mailer]
    if entry["BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
        return _SmtpBackend(alias=mailer, **entry.get("OPTIONS", {}))
    return django_mail.mailers[mailer]


def status_of(error: AnymailAPIError) -> int | None:
    """The HTTP status of the provider's answer; None without one. Amazon's library does not give anymail any."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        code = answer.get("Error", {}).get("Code")
        return _AMAZONS_CODES.get(code) or answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if type(error.__cause__).__name__ in _AMAZONS_KEYS_ARE_MISSING:
        return 401
    status: int | None = getattr(error, "status_code", None)
    return status


def _is_final(status: int | None) -> bool:
    """Is it this message that the provider will never take? A wrong key (401, 403) is ours to mend, not final."""
    return status in {400, 413, 422}


def _words(code: int, response: bytes | str) -> str:
    text = response.decode(errors="replace") if isinstance(response, bytes) else response
    return header_text(f"{code} {text}")


def _first_line(error: Exception) -> str:
    return header_text(str(error).partition("\n")[0]) or type(error).__name__
