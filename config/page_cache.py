"""Public pages, kept for a few seconds, so that a rush on the front page costs a small machine nothing.

What is kept is the same for everybody: no page that says ``kept`` (articles/caching.py) depends on a cookie. It is kept
in the process, with its ETag and its compressed form; when it has grown old, one request makes it anew while the others
still get the old one. Nothing is invalidated: PAGE_CACHE_SECONDS is how late a change may show, far less than browsers
may keep the page anyway. Whoever is signed in to the desk is always shown the page as it is now.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import parse_http_date_safe
from django.utils.translation import get_language

MOST_PAGES = 500
MOST_BYTES = 500_000  # of one page
SMALLEST_TO_COMPRESS = 500
PARAMETERS = {"before", "q"}  # any other would let anybody push every page out
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
    content: bytes
    compressed: bytes
    fresh_until: float


class PageCache:
    """Middleware. It stands behind what decides on the language, and before what is different for everybody."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._pages: OrderedDict[Key, _Page] = OrderedDict()
        self._being_made: set[Key] = set()
        self._lock = Lock()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        key = _key(request)
        page = self._look_up(key) if key else None
        if page:
            return _answer(request, page)
        try:
            response = self._get_response(request)
            return self._taken(request, response, key)
        finally:
            with self._lock:
                self._being_made.discard(key or ())

    def _look_up(self, key: Key) -> _Page | None:
        """The page, unless this request should make it."""
        with self._lock:
            page = self._pages.get(key)
            if page is None:
                return None
            self._pages.move_to_end(key)
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
        if key and page.fresh_until and not response.cookies and len(page.content) <= MOST_BYTES:
            with self._lock:
                self._pages[key] = page
                while len(self._pages) > MOST_PAGES:
                    self._pages.popitem(last=False)
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
    compressed = gzip.compress(content, compresslevel=6, mtime=0) if is_text else b""
    return _Page(response.status_code, headers, content, compressed, time.monotonic() + seconds if seconds else 0)


def _etag(content: bytes) -> str:
    """Weak: the same page, compressed or not."""
    hour = str(int(time.time()) // 3600).encode() if FORM_TIME.search(content) else b""
    digest = hashlib.sha256(FORM_TIME.sub(b"", content) + hour)
    return f'W/"{digest.hexdigest()[:32]}"'


def _answer(request: HttpRequest, page: _Page, made: HttpResponse | None = None) -> HttpResponseBase:
    is_compressed = page.compressed and "gzip" in request.headers.get("Accept-Encoding", "")
    content = page.compressed if is_compressed else page.content
    response = made or HttpResponse(status=page.status)
    response.content = content
    for name, value in page.headers.items():
        response[name] = value
    if page.compressed:
        patch_vary_headers(response, ["Accept-Encoding"])
    if is_compressed:
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(content))
    etag, changed_at = page.headers.get("ETag"), parse_http_date_safe(page.headers.get("Last-Modified", ""))
    conditional = get_conditional_response(request, etag=etag, last_modified=changed_at, response=response)
    return conditional or response
