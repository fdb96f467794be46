"""Cells that are safe to open in a spreadsheet: text that would be a formula there is marked with an apostrophe."""

from __future__ import annotations

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """``text`` as a cell that no spreadsheet computes (OWASP: CSV injection)."""
    return f"'{text}" if _is_formula(text) else text


def plain_cell(cell: str) -> str:
    """The inverse of ``safe_cell``, without surrounding white space. Takes off phpList's mark as well."""
    text = cell.strip()
    if not text.startswith("'") or not _is_formula(text):
        return text
    return text[1:].lstrip()


def _is_formula(text: str) -> bool:
    """Is it one, or would it be without the apostrophes before it?"""
    return text.lstrip("' ").startswith(_FORMULA_STARTS)
