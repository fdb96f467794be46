"""E-mail addresses: what is one, when are two the same person, and how to keep one without knowing it.

Validation is `email-validator`'s (RFC 5321, 5322, 6531, IDNA 2008); identity and hashing are ours.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from django.conf import settings
from django.utils.translation import gettext
from email_validator import EmailNotValidError, ValidatedEmail, validate_email

AMBIGUOUS = ("%", "!", "=?")  # routes of old, and encoded words that some parsers decode into another address
MAX_TYPED = 400  # what is longer cannot be an address, and is not looked at any further


class InvalidAddress(ValueError):
    """Not an address that mail can be sent to. The message is meant for the person who typed it."""


def parse_address(text: str) -> str:
    """The address in the form we send to: NFC, domain in lower case, surrounding white space gone.

    Raises InvalidAddress. Quoted local parts, domain literals, comments and source routes are refused on purpose:
    mail servers disagree on what they mean. The DNS is not asked.
    """
    text = text.strip()
    if not text:
        raise InvalidAddress(gettext("Please enter your e-mail address."))
    if "@" not in text:
        raise InvalidAddress(gettext("An e-mail address has an @ in it, like name@example.org."))
    if any(_is_unseen(character) for character in text):
        raise InvalidAddress(
            gettext("There is an invisible character or a space in this address. Please type it again.")
        )
    return _validated(text).normalized


def wire_address(address: str) -> str:
    """The address as it stands in a header or an envelope: its domain in ASCII. Raises InvalidAddress."""
    valid = _validated(address)
    return f"{valid.local_part}@{valid.ascii_domain}"


def address_key(address: str) -> str:
    """Equal for two spellings of one mailbox: letter case, Unicode form, and U-label or A-label of the domain."""
    local, _at, domain = address.rpartition("@")
    local = unicodedata.normalize("NFKC", local).casefold()
    return f"{local}@{_ascii_domain(domain)}"


def address_hash(address: str) -> str:
    """What the suppression list keeps of an erased person: HMAC-SHA-256 of the key under ADDRESS_HASH_KEY, in hex."""
    key = settings.ADDRESS_HASH_KEY.encode()
    return hmac.new(key, address_key(address).encode(), hashlib.sha256).hexdigest()


def redacted(address: str) -> str:
    """For logs and screens that need no more: ``a…@example.org``."""
    local, _at, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def without_address(text: str, address: str) -> str:
    """What a server says of an address, for rows and logs that outlive the erasure of its owner."""
    return re.sub(re.escape(address), lambda _match: redacted(address), text, flags=re.IGNORECASE)


def _validated(text: str) -> ValidatedEmail:
    if len(text) > MAX_TYPED:
        raise InvalidAddress(gettext("This is too long for an e-mail address."))
    try:
        # test_environment allows names under .test, which nobody owns: installations are tried out with them.
        valid = validate_email(text, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise InvalidAddress(gettext("This does not look like an e-mail address. Please check it.")) from error
    if any(mark in valid.local_part for mark in AMBIGUOUS):
        raise InvalidAddress(gettext("The part before the @ may not contain %, ! or =?."))
    return valid


def _is_unseen(character: str) -> bool:
    """Control, format (zero width, direction), surrogate and separator characters."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}


def _ascii_domain(domain: str) -> str:
    domain = domain.casefold()
    if domain.isascii():
        return domain
    return validate_email(f"x@{domain}", check_deliverability=False, test_environment=True).ascii_domain
