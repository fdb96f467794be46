"""Whatever colors a publisher takes, everything in a mail can be read, on light and on dark screens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.colors import contrast
from articles.mail_look import FACES, PALETTES, Palette, logo_of, mail_look
from articles.models import Publication

COLORS = st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}")


@given(accent=COLORS, tone=st.sampled_from(sorted(PALETTES)))
def test_accent_can_be_read_on_every_ground_and_words_on_the_accent(accent: str, tone: str) -> None:
    look = mail_look(accent=accent, tone=tone)
    palette = look.palette

    light = [contrast(look.accent, ground) for ground in (palette.page, palette.card)]
    dark = [contrast(look.accent_dark, ground) for ground in (palette.dark_page, palette.dark_card)]

    assert min(*light, *dark) >= 4.5


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_ink_and_gray_can_be_read_on_every_ground(palette: Palette) -> None:
    light = [(ink, ground) for ink in (palette.ink, palette.muted) for ground in (palette.page, palette.card)]
    grounds = (palette.dark_page, palette.dark_card)
    dark = [(ink, ground) for ink in (palette.dark_ink, palette.dark_muted) for ground in grounds]
    words_in_place_of_pictures = [(palette.muted, palette.wash), (palette.dark_muted, palette.dark_wash)]

    assert min(contrast(*pair) for pair in [*light, *dark, *words_in_place_of_pictures]) >= 4.5


@pytest.mark.parametrize("palette", PALETTES.values(), ids=PALETTES)
def test_nothing_is_pure_black_or_white(palette: Palette) -> None:
    assert not {"#000000", "#ffffff"} & set(vars(palette).values())


def test_every_typeface_of_the_site_has_its_like_in_mails() -> None:
    assert set(FACES) == set(Publication.Typeface.values)
    assert all(face.stack.split(", ")[-1] in {"serif", "sans-serif"} for face in FACES.values())
    assert not any('"' in face.stack for face in FACES.values())  # it stands in style="…"


def test_unknown_tone_or_typeface_counts_as_the_usual() -> None:
    assert mail_look(accent="#8a2f1d", tone="?", typeface="?") == mail_look(accent="#8a2f1d")


def test_logo_is_shown_sharp_and_never_too_large() -> None:
    publication = Publication(logo="publication/logo.png", logo_width=960, logo_height=120)

    logo = logo_of(publication)

    assert logo
    assert (logo.width, logo.height) == (300, 38)
    assert logo.url.startswith("http")
    assert logo.url.endswith("/media/publication/logo.png")
    assert logo_of(Publication()) is None
