"""A reader's mail is what Python's `email` would have made of the same headers and texts."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, MIMEPart
from html import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsletter.delivery.encoding import dot_stuffed
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Letter, Outgoing
from newsletter.delivery.recipients import Recipient
from newsletter.digests.greetings import Greeting
from newsletter.digests.models import Issue
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.slots import Slot, fill
from newsletter.subscribers.models import Newsletter, Subscriber
from tests.factories import NOW

POLICY = policy.SMTP.clone(max_line_length=76)
UNFOLDED = POLICY.clone(refold_source="none")  # `email` folds long addresses into encoded words (cpython #85725)
ALL = "".join(f"{slot.value} {slot.mark}\n" for slot in Slot)
LATIN = (
    f"Good morning\n\n.A dot\n{ALL}"
    + "Words and more words = sentences. " * 60
    + f"\nLeave: {Slot.UNSUBSCRIBE_URL.mark}\n"
)
CYRILLIC = LATIN.replace("Words and more words", "Мост открыт после долгого ремонта")
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=120) | st.sampled_from(
    [
        "",
        "Ada",
        ".dot",
        "=20",
        "<b>&\"'",
        "é" * 80,
        "漢字",
        "%s %b",
        'Ada "the first" \\ Lovelace',
        "نسرين",
        "Ada\r\nBcc: x@example.org",
    ]
)
addresses = st.sampled_from(["ada@example.org", "a.very.long.local.part.with.dots.in.it.to.be.broken@example.org"])


def letter(text: str, *, slug: str = "latest-news") -> Letter:
    newsletter = Newsletter(
        pk=1, slug=slug, name="Latest news", sender_name="Gazette", sender_address="news@gazette.example",
        language="en", time_zone="Europe/Berlin",
    )  # fmt: skip
    campaign = Campaign(pk=7, issue=Issue(newsletter=newsletter, number=3, send_at=NOW), started_at=NOW)
    html = f"<p>{escape(text)}</p>\n" * 2
    mail = RenderedMail(subject="The bridge opens", text=text, html=html, greeting=Greeting("Hello {name},", "Hello,"))
    return Letter(campaign=campaign, mail=mail)


LETTERS = st.sampled_from([LATIN, CYRILLIC])


@pytest.fixture(scope="module")
def letters() -> dict[str, Letter]:
    return {text: letter(text) for text in (LATIN, CYRILLIC)}


def to(letter: Letter, name: str, email: str, kind: str, pk: int) -> Outgoing:
    signed_up_at = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    return letter.to(Recipient(pk, 5, pk + 1, pk + 2, email, name, kind, 0, signed_up_at, 0, ""))


def texts_of(message: Outgoing) -> tuple[str, str]:
    """What the letter says to this reader, in text and in HTML."""
    assert message.letter
    assert message.reader
    mail, values = message.letter.mail, message.reader.values
    return fill(mail.text, dict(values)), fill(mail.html, {name: escape(value) for name, value in values.items()})


def made_by_email(message: Outgoing) -> EmailMessage:
    """The same headers and texts, put together with `email` from the beginning."""
    data = message.data
    model = message_from_bytes(data, policy=UNFOLDED)
    text, html = texts_of(message)
    made = EmailMessage(policy=UNFOLDED)
    if not model.is_multipart():
        made.set_content(text, charset="utf-8", cte=model["Content-Transfer-Encoding"])
        return made
    made["Content-Type"] = "multipart/alternative"
    for kind, content, part in zip(("plain", "html"), (text, html), model.iter_parts(), strict=True):
        own = MIMEPart(policy=POLICY)
        own.set_content(content, subtype=kind, charset="utf-8", cte=part["Content-Transfer-Encoding"])
        made.attach(own)  # type: ignore[arg-type]
    made.set_boundary(model.get_boundary() or "")
    return made


def body(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[2]


kinds = st.sampled_from(Subscriber.Format.values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, email=addresses, kind=kinds, pk=st.integers(1, 2**40))
def test_latin_mail_is_byte_for_byte_what_email_makes(
    letters: dict[str, Letter], name: str, email: str, kind: str, pk: int
) -> None:
    message = to(letters[LATIN], name, email, kind, pk)

    assert body(message.data) == body(made_by_email(message).as_bytes())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, email=addresses, kind=kinds, pk=st.integers(1, 2**40))
def test_mail_in_another_script_is_the_same_but_for_where_its_base64_is_broken(
    letters: dict[str, Letter], name: str, email: str, kind: str, pk: int
) -> None:
    message = to(letters[CYRILLIC], name, email, kind, pk)

    assert body(message.data).replace(b"\r\n", b"") == body(made_by_email(message).as_bytes()).replace(b"\r\n", b"")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=names, email=addresses, kind=kinds, text=LETTERS)
def test_email_reads_the_mail_and_writes_the_same_bytes(
    letters: dict[str, Letter], name: str, email: str, kind: str, text: str
) -> None:
    message = to(letters[text], name, email, kind, 11)

    read = message_from_bytes(message.data, policy=UNFOLDED)

    assert read.as_bytes() == message.data
    assert not read.defects
    assert not any(part.defects for part in read.walk())
    assert read["To"].addresses[0].addr_spec == email
    assert [part.get_content().replace("\r\n", "\n") for part in read.walk() if not part.is_multipart()] == [
        each if each.endswith("\n") else each + "\n"
        for each in (texts_of(message) if kind == "html" else texts_of(message)[:1])
    ]
    assert message.stuffed == dot_stuffed(message.data)
    assert message.data.isascii()
