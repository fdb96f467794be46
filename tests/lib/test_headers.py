"""Header values survive any text, and nothing can be injected with them."""

from __future__ import annotations

from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default

from hypothesis import given
from hypothesis import strategies as st

from newsletter.lib.headers import mailbox, one_line, unstructured

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)


def parse(header: str) -> str:
    message = message_from_bytes(f"{header}\r\n\r\n".encode(), policy=default)
    assert len(message.keys()) == 1
    return str(message[message.keys()[0]])


@given(text=texts)
def test_subject_is_ascii_folded_and_reads_back_as_it_was(text: str) -> None:
    header = f"Subject: {unstructured(text, name='Subject')}"

    assert header.isascii()
    assert all(len(line) <= 998 for line in header.split("\r\n"))
    assert all(line.startswith(" ") for line in header.split("\r\n")[1:])
    assert "?==?" not in header
    assert " ".join(parse(header).split()) == one_line(text)


@given(text=texts.filter(lambda text: not text.isascii()))
def test_encoded_words_keep_to_75_characters(text: str) -> None:
    value = unstructured(text, name="Subject")

    words = [word for word in value.split() if word.startswith("=?")]
    assert all(len(word) <= 75 for word in words)


@given(name=texts)
def test_any_name_gives_exactly_one_address(name: str) -> None:
    header = f"From: {mailbox(name, 'news@example.org')}"

    message = message_from_bytes(f"{header}\r\n\r\n".encode(), policy=default)

    addresses = message["From"].addresses
    assert [address.addr_spec for address in addresses] == ["news@example.org"]
    # Not addresses[0].display_name: Python's parser keeps the space between two encoded words of a phrase.
    phrase, _space, _address = header.removeprefix("From: ").replace("\r\n", "").rpartition("<")
    assert read_phrase(phrase.strip()) == one_line(name)


def read_phrase(phrase: str) -> str:
    if phrase.startswith('"'):
        return phrase[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return str(make_header(decode_header(phrase)))


def test_name_with_a_comma_is_quoted() -> None:
    assert mailbox("Harbor, Town & Sons", "a@example.org") == '"Harbor, Town & Sons" <a@example.org>'


def test_line_breaks_cannot_add_a_header() -> None:
    assert unstructured("Hello\r\nBcc: x@example.org", name="Subject") == "Hello Bcc: x@example.org"
