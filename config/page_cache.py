"""Public pages, kept for a few seconds, so that a rush on the front page costs a small machine nothing.

What is kept is the same for everybody: no page that says ``kept`` (articles/caching.py) depends on a cookie. It is kept
in the process, with its ETag and its compressed form; when it has grown old, one request makes it anew while the others
still get the old one. Nothing is invalidated: PAGE_CACHE_SECONDS is how late a change may show, far less than browsers
may keep the page anyway. Whoever is signed in to the desk is always shown the page as it is now.

Pages are bounded by what they weigh. Anybody can ask for a million searches and old pages of lists: these have a small
corner of their own, and push out nothing but each other.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe
from django.utils.translation import get_language

from newsletter.lib.keeping import Kept

MOST_BYTES = 32_000_000
MOST_BYTES_BY_PARAMETERS = 4_000_000
MOST_BYTES_OF_ONE = 500_000
WEIGHT_BESIDES = 2_000  # of a page's headers and key
SMALLEST_TO_COMPRESS = 500
PARAMETERS = {"before", "q", "page"}  # what a page of ours is told by; with any other it is not kept
COMPRESSIBLE = ("text/", "application/json", "application/feed+json", "application/ld+json", "application/xml",
                "application/rss+xml", "application/atom+xml")  # fmt: skip
# Made anew for every page and good for a day: that alone makes it no other page. The hour keeps it from growing old.
FORM_TIME = re.compile(rb'name="form_time" value="[^"]*"')

type Key = tuple[object, ...]


@dataclass(frozen=True)
class _Page:
    """A response, as it was made."""

    status: int
    headers: dict[str, str]
    packed: bytes
    is_compressed: bool
    fresh_until: float

    @property
    def content(self) -> bytes:
        return gzip.decompress(self.packed) if self.is_compressed else self.packed

    @property
    def weight(self) -> int:
        return len(self.packed) + WEIGHT_BESIDES


class PageCache:
    """Middleware. It stands behind what decides on the language, and before what is different for everybody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._pages: Kept[Key, _Page] = Kept(MOST_BYTES)
        self._pages_by_parameters: Kept[Key, _Page] = Kept(MOST_BYTES_BY_PARAMETERS)
        self._being_made: set[Key] = set()
        self._lock = Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = _key(request)
        page = self._look_up(request, key) if key else None
        if page:
            return _answer(request, page)
        try:
            response = self._get_response(request)
            return self._taken(request, response, key)
        finally:
            with self._lock:
                self._being_made.discard(key or ())

    def _kept_with(self, request: HttpRequest) -> Kept[Key, _Page]:
        return self._pages_by_parameters if request.GET else self._pages

    def _look_up(self, request: HttpRequest, key: Key) -> _Page | None:
        """The page, unless this request should make it."""
        page = self._kept_with(request).get(key)
        if page is None:
            return None
        with self._lock:
            if page.fresh_until > time.monotonic() or key in self._being_made:
                return page
            self._being_made.add(key)
            return None

    def _taken(self, request: HttpRequest, response: HttpResponseBase, key: Key | None) -> HttpResponseBase:
        """Keep the response, if it says that it may be kept, and send it like any kept one."""
        if not isinstance(response, HttpResponse) or not hasattr(response, "kept_here"):
            return response
        here = settings.PAGE_CACHE_SECONDS if response.kept_here is None else response.kept_here
        page = _page(response, seconds=here if settings.PAGE_CACHE_SECONDS else 0)
        if key and page.fresh_until and not response.cookies and len(response.content) <= MOST_BYTES_OF_ONE:
            self._kept_with(request).put(key, page, weight=page.weight)
        return _answer(request, page, response)


def _key(request: HttpRequest) -> Key | None:
    """What tells pages apart; None if this request is never answered from here."""
    is_plain = request.method in {"GET", "HEAD"} and PARAMETERS.issuperset(request.GET)
    if not is_plain or settings.SESSION_COOKIE_NAME in request.COOKIES or not settings.PAGE_CACHE_SECONDS:
        return None
    host = request.META.get("HTTP_HOST", "")
    return request.method, request.scheme, host, request.get_full_path(), get_language()


def _page(response: HttpResponse, *, seconds: float) -> _Page:
    content = response.content
    headers = dict(response.items())
    if response.status_code == 200:
        headers.setdefault("ETag", _etag(content))
    is_text = response.get("Content-Type", "").startswith(COMPRESSIBLE) and len(content) >= SMALLEST_TO_COMPRESS
    packed = gzip.compress(content, compresslevel=6, mtime=0) if is_text else content
    return _Page(response.status_code, headers, packed, is_text, time.monotonic() + seconds if seconds else 0)


def _etag(content: bytes) -> str:
    """Weak: the same page, compressed or not."""
    hour = str(int(time.time()) // 3600).encode() if FORM_TIME.search(content) else b""
    digest = hashlib.sha256(FORM_TIME.sub(b"", content) + hour)
    return f'W/"{digest.hexdigest()[:32]}"'


def _answer(request: HttpRequest, page: _Page, made: HttpResponse | None = None) -> HttpResponseBase:
    is_sent_compressed = page.is_compressed and "gzip" in request.headers.get("Accept-Encoding", "")
    content = page.packed if is_sent_compressed else page.content
    response = made or HttpResponse(status=page.status)
    response.content = content
    for name, value in page.headers.items():
        response[name] = value
    if page.is_compressed:
        patch_vary_headers(response, ["Accept-Encoding"])
    if is_sent_compressed:
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(content))
    etag, changed_at = page.headers.get("ETag"), parse_http_date_safe(page.headers.get("Last-Modified", ""))
    conditional = get_conditional_response(request, etag=etag, last_modified=changed_at, response=response)
    return conditional or response
