"""The publisher's colors and type, as a stylesheet that lies over the site's own."""

from __future__ import annotations

import re

from articles.models import Publication

HEX = re.compile(r"[0-9a-f]{6}")
Typeface = Publication.Typeface
# Faces that readers' systems have; the last names before the generic one keep plain Linux desktops readable.
FAMILIES = {
    Typeface.BOOK: "",
    Typeface.CLASSIC: '"Times New Roman", Times, Tinos, "Liberation Serif", "Noto Serif", serif',
    Typeface.OLD_STYLE: '"Palatino Linotype", Palatino, "Book Antiqua", "URW Palladio L", P052, "Noto Serif", serif',
    Typeface.SLAB: 'Rockwell, "Rockwell Nova", "Roboto Slab", "DejaVu Serif", "Sitka Small", serif',
    Typeface.HUMANIST: 'Optima, Candara, "Gill Sans", "Noto Sans", "Source Sans Pro", sans-serif',
    Typeface.GROTESQUE: '"Helvetica Neue", Helvetica, Arial, Arimo, "Liberation Sans", sans-serif',
}
ARABIC = '"Noto Naskh Arabic", "Geeza Pro"'


def stylesheet(accent: str, typeface: str) -> str | None:
    """CSS for an accent (six hexadecimal digits) and a typeface; None if there is no such thing."""
    if not HEX.fullmatch(accent) or typeface not in FAMILIES:
        return None
    chosen = Publication(accent_color=f"#{accent}", typeface=typeface)
    family = FAMILIES[Typeface(typeface)]
    rules = [
        f"--brand: #{accent};",
        f"--accent: light-dark({chosen.accent}, {chosen.accent_on_dark});",
    ]
    if family:
        first, _comma, generic = family.rpartition(", ")
        rules.append(f"--serif: {first}, {ARABIC}, {generic};")
    # No layer: what is in none wins over every layer.
    return ":root {\n" + "".join(f"  {rule}\n" for rule in rules) + "}\n"
