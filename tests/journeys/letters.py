"""Looking at mail as its readers do, and at its source as their mail programs do."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

from tests.product import Product, eventually

LINK = re.compile(r"https?://[^\s<>\")]+")


def letter_in_mailbox(site: Product, address: str, *, subject: str = "", after: int = 0) -> dict[str, Any]:
    """The newest mail to the address in /mailbox/messages.json, once there is one newer than ``after``."""

    def look() -> dict[str, Any] | None:
        listed = site.get(f"/mailbox/messages.json?to={address}").json()["messages"]
        found = (mail for mail in listed if mail["id"] > after and subject in mail["subject"])
        return next(found, None)

    letter = eventually(look)
    assert letter
    return letter


def source(site: Product, letter: dict[str, Any]) -> EmailMessage:
    return parse(site.get(f"/mailbox/{letter['id']}.eml").data)


def parse(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    """The text of the ``plain`` or ``html`` part."""
    body = message.get_body((kind,))
    assert body, f"no {kind} part"
    content = body.get_content()
    assert isinstance(content, str)
    return content


def links(message: EmailMessage) -> list[str]:
    """Where the HTML part's links lead, in order."""
    reader = _Links()
    reader.feed(part(message, "html"))
    return reader.found


def link(message: EmailMessage, path: str) -> str:
    """The first link of the HTML part that has this in it."""
    found = [address for address in links(message) if path in address]
    assert found, f"no link with {path} among {links(message)}"
    return found[0]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and (address := dict(attrs).get("href")):
            self.found.append(address)
