from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from newsletter.digests import blocks


@pytest.fixture
def gazette(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """A site at https://gazette.example without pictures, and no piece of a mail rendered yet."""
    settings.SITE_URL = "https://gazette.example"
    settings.MEDIA_ROOT = tmp_path
    blocks.forget()
    yield
    blocks.forget()
