from __future__ import annotations

import gzip
from pathlib import Path

import brotli  # type: ignore[import-untyped]

from config.static_files import ThriftyCompressor, ThriftyStorage

SCRIPT = "export const answer = 42;\n" * 50


def test_content_under_two_names_is_compressed_once_and_lies_beside_both(tmp_path: Path) -> None:
    compressor = ThriftyCompressor(quiet=True)
    for name in ("main.js", "main.0123456789ab.js"):
        path = tmp_path / name
        path.write_text(SCRIPT)
        compressor.compress(str(path))

        assert brotli.decompress(Path(f"{path}.br").read_bytes()).decode() == SCRIPT
        assert gzip.decompress(Path(f"{path}.gz").read_bytes()).decode() == SCRIPT

    compressed = (compressor.compress_brotli, compressor.compress_gzip)
    assert [each.cache_info().misses for each in compressed] == [1, 1]


def test_every_name_keeps_its_file_and_gets_both_compressed_ones(tmp_path: Path) -> None:
    storage = ThriftyStorage(location=str(tmp_path), base_url="/static/")
    (tmp_path / "main.js").write_text(SCRIPT)

    list(storage.post_process({"main.js": (storage, "main.js")}))

    hashed = storage.stored_name("main.js")
    names = [f"{name}{suffix}" for name in ("main.js", hashed) for suffix in ("", ".br", ".gz")]
    assert {path.name for path in tmp_path.iterdir()} == {*names, "staticfiles.json"}
