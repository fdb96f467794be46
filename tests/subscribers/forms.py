"""What the tests of this part share: sending the sign-up form and reading the mails it leads to."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

from newsletter.subscribers.models import Newsletter, SignUp
from newsletter.subscribers.signup import SignUpForm
from tests.servers.smtp import Received

Response = Any


def post_form(client: Client, *newsletters: Newsletter, email: str = "reader@example.org", **fields: Any) -> Response:
    data = {"email": email, "newsletters": [each.slug for each in newsletters], **fields}
    response: HttpResponseBase = client.post("/subscribe/", data)
    return response


def form(*newsletters: Newsletter, email: str = "reader@example.org", **fields: Any) -> SignUpForm:
    return SignUpForm(email=email, newsletters=tuple(each.slug for each in newsletters), **fields)


def last_sign_up() -> SignUp:
    return SignUp.objects.order_by("-pk")[0]


def link_in(message: Received, kind: str) -> str:
    """The path of the link of this kind in the mail's text."""
    body = message.parsed.get_body(("plain",))
    assert body is not None
    match = re.search(rf"https?://[^/\s]+(/{kind}/\S+)", body.get_content())
    assert match, body.get_content()
    return match[1]
