"""The process that finds the text of a web page: ``python -m articles.feeds.page_reading SECONDS MEGABYTES 0``.

See ``serving``. Links, pictures and tables are kept, navigation, comments and advertisements are not.
"""

from __future__ import annotations

import sys
from typing import Any

import trafilatura

from articles.feeds.serving import serve
from articles.sanitizing import clean_html, plain_text


def read(data: bytes, order: dict[str, Any]) -> dict[str, Any]:
    """``body_html``: the page's text, clean; "" if none was found."""
    found = trafilatura.extract(
        data,
        url=order["url"],
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_images=True,
        include_links=True,
        include_tables=True,
    )
    return {"body_html": _without_headline(clean_html(found or "", order["url"]))}


def _without_headline(html: str) -> str:
    """Without the headline, which the article has already; other headings of the first rank become second ones."""
    beginning, _tag, rest = html.partition("</h1>")
    if rest and beginning.startswith("<h1>") and plain_text(beginning):
        html = rest
    return html.replace("<h1>", "<h2>").replace("</h1>", "</h2>").strip()


if __name__ == "__main__":
    serve(read, seconds=int(sys.argv[1]), megabytes=int(sys.argv[2]))
