"""Static files with a hash in their names, beside the ones without, which modules and the error pages name."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import brotli  # type: ignore[import-untyped]
from whitenoise.compress import Compressor  # type: ignore[import-untyped]
from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]

BROTLI_QUALITY = 10  # the best, 11, makes them two per cent smaller and takes two and a half times as long


class ThriftyStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Compresses once what lies there under two names, which is half of a first start's work with static files."""

    def create_compressor(self, **options: Any) -> Compressor:
        return ThriftyCompressor(**options)

    def compress_files(self, paths: set[str]) -> Iterator[tuple[str, str]]:
        yield from super().compress_files(paths)
        del self.compressor  # and all that it remembers


class ThriftyCompressor(Compressor):  # type: ignore[misc]
    """Remembers what it made of which content."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.compress_brotli = functools.cache(functools.partial(brotli.compress, quality=BROTLI_QUALITY))
        self.compress_gzip = functools.cache(super().compress_gzip)
