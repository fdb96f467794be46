"""The feed reader's own process: ``python -m articles.feeds.reading SECONDS MEGABYTES MAX_ITEMS``.

Kept by ``readers``: a document that drives the parser mad costs this process and nothing else. See ``serving``.
"""

from __future__ import annotations

import sys
from typing import Any

from articles.feeds.extracting import extract
from articles.feeds.linked_feeds import feeds_named_in
from articles.feeds.serving import serve


def read(data: bytes, *, url: str, content_type: str, max_items: int) -> dict[str, Any]:
    """The feed; or {"error": …}, with the feeds that it names if it is a web page."""
    result = extract(data, url=url, content_type=content_type, max_items=max_items)
    if "error" in result:
        result["named_feeds"] = feeds_named_in(data, url=url)
    return result


def main() -> None:
    seconds, megabytes, max_items = map(int, sys.argv[1:])
    serve(
        lambda data, order: read(data, url=order["url"], content_type=order["content_type"], max_items=max_items),
        seconds=seconds,
        megabytes=megabytes,
    )


if __name__ == "__main__":
    main()
