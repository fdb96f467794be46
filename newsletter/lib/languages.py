"""Which languages our words are in, and choosing among them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation


@cache
def translated_languages() -> frozenset[str]:
    """The site's own language, English, and those that there are catalogs for."""
    catalogs = (folder.parent.name for path in settings.LOCALE_PATHS for folder in Path(path).glob("*/LC_MESSAGES"))
    return frozenset({settings.LANGUAGE_CODE, "en", *(translation.to_language(name) for name in catalogs)})


def is_translated(language: str) -> bool:
    """Whether pages and mails can be in it: ``de-at`` is, where there is ``de``."""
    known = translated_languages()
    return language in known or language.partition("-")[0] in known


def speak(*wanted: str) -> None:
    """Go on in the first of these that we are translated into, for the rest of the request; as before if in none.

    Django's own words and dates come in many more: a page would have dates in Finnish among words in English.
    """
    language = next((each for each in wanted if each and is_translated(each)), "")
    if language:
        translation.activate(language)
