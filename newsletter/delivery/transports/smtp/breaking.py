"""Why there is no connection, or no more."""

from __future__ import annotations

import smtplib
import ssl

from newsletter.delivery.refusals import words


def what_broke(error: Exception) -> str:
    """In words for people: the server's own if it had any, and no numbers of the system."""
    if isinstance(error, smtplib.SMTPResponseException):
        return words(error.smtp_code, error.smtp_error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
