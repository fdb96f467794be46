"""SMTP on top of the standard library's: several connections, each with many messages under way.

``opening`` connects (smtplib does the greeting, STARTTLS and the log-in), ``replies`` reads what a server says,
``dialogue`` with ``plain``, ``pipelined`` and ``chunked`` knows the order of commands, without a socket; ``connection``
joins the two, ``judging`` is the policy, and ``engine`` the loop.
"""

from newsletter.delivery.transports.smtp.engine import SmtpTransport
from newsletter.delivery.transports.smtp.options import SmtpOptions

__all__ = ["SmtpOptions", "SmtpTransport"]
