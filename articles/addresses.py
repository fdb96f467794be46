"""Web addresses out of documents. Needs no Django, so that the feed reader's own process can use it."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

MAX_URL_LENGTH = 2000
LINK_SCHEMES = frozenset({"http", "https", "mailto"})
PICTURE_SCHEMES = frozenset({"http", "https"})

_URL_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\ud800-\udfff\u2028\u2029\\<>\"^`{|}]")


def absolute_url(url: str, base_url: str = "", *, schemes: frozenset[str] = PICTURE_SCHEMES) -> str:
    """The address made absolute, or "" if it is not one of these schemes or could be read in two ways."""
    url = url.strip(" \t\r\n\f")
    if not url:
        return ""
    try:
        if base_url and not _has_scheme(url):
            url = urljoin(base_url, url)
        url = _URL_UNSAFE.sub(_percent_encoded, url)
        parts = urlsplit(url)
        host = parts.hostname  # a broken address raises ValueError here
    except ValueError:
        return ""
    if parts.scheme not in schemes or len(url) > MAX_URL_LENGTH or "%00" in url[:12]:
        return ""
    if parts.scheme == "mailto":
        return url if "@" in parts.path else ""
    return url if host and url[len(parts.scheme) :].startswith("://") else ""


def _has_scheme(url: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url) is not None


def _percent_encoded(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
