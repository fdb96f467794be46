"""The list of those who get a newsletter's test mails: read as people type it, bounded, each once."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from newsletter.digests.desk_forms import MOST_TEST_ADDRESSES, AddressesField


def test_addresses_are_kept_once_each_however_they_are_written() -> None:
    field = AddressesField(required=False)

    kept = field.clean("ada@Gazette.Example, ben@gazette.example\nADA@gazette.example;\n")

    assert kept == ["ada@gazette.example", "ben@gazette.example"]
    assert field.clean("") == []
    assert not field.has_changed(kept, field.prepare_value(kept))


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("ada@gazette.example nobody", "nobody: An e-mail address has an @ in it"),
        ("\n".join(f"reader{n}@gazette.example" for n in range(MOST_TEST_ADDRESSES + 1)), "more than 10 addresses"),
    ],
)
def test_what_is_no_address_or_too_many_is_refused(typed: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        AddressesField(required=False).clean(typed)
