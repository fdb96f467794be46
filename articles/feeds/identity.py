"""When are two items the same story? By id, else by canonical address, else by title within a few days."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.utils.text import slugify

from articles.feeds.parsing import ParsedItem

MAX_URL_LENGTH = 1000
MAX_KEY_LENGTH = 300
TITLE_KEY_MIN_BYTES = 16  # "Weather" or "Live" say nothing; six Chinese characters do
DEFAULT_PORTS = {"http": 80, "https": 443}

# Parameters that say how a reader came to a page and never which page it is.
TRACKING_PREFIXES = ("utm_", "mtm_", "pk_", "piwik_", "hsa_", "at_medium", "at_campaign", "at_custom", "at_link")
TRACKING_PARAMETERS = frozenset({
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "ttclid", "li_fat_id",
    "igshid", "igsh", "mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "oly_anon_id", "oly_enc_id",
    "s_cid", "ncid", "cmpid", "xtor", "wt_mc", "wt_zmc", "_ga", "_gl", "__twitter_impression", "ref_src",
})  # fmt: skip


def identity_of(*, guid: str, link: str, title: str) -> str:
    """SHA-256 of the item's id, of its link if it has none, of its title if it has neither. Raises ValueError."""
    guid = guid.strip()
    if guid:
        return digest(f"id:{guid}")
    if link:
        return digest(f"link:{canonical_url(link) or link}")
    if key := title_key(title):
        return digest(f"title:{key}")
    raise ValueError("an item without id, link and title has no identity")


def of(item: ParsedItem) -> str:
    """The item's identity, "" if it has none."""
    try:
        return identity_of(guid=item.guid, link=item.link, title=item.title)
    except ValueError:
        return ""


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def canonical_url(url: str) -> str:
    """The address without what does not say which page it is; "" if it is none or too long to be kept.

    Lower case scheme and host, no default port, no fragment (but "#!…", which is a page), no tracking parameters. The
    order of the others stays, and so do a trailing slash and "www.": servers may tell them apart.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname.rstrip(".")
    place = host if port in (None, DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    canonical = urlunsplit((parts.scheme, place, parts.path or "/", _own_query(parts), fragment))
    return canonical if len(canonical) <= MAX_URL_LENGTH else ""


def url_variants(canonical: str) -> list[str]:
    """The canonical addresses that are taken for the same page: http and https, with and without the last slash."""
    scheme, colon, rest = canonical.partition(":")
    path, mark, query = rest.partition("?")
    paths = {path, path.rstrip("/") or path, path if path.endswith("/") else path + "/"}
    return sorted(
        f"{a_scheme}{colon}{a_path}{mark}{query}" for a_scheme in {"http", "https", scheme} for a_path in paths
    )


def title_key(title: str) -> str:
    """The letters and digits of a title, without case and marks; "" if it has none."""
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", title).casefold())
    return "".join(letter for letter in letters if letter.isalnum())[:MAX_KEY_LENGTH]


def author_slug(name: str) -> str:
    """The name in the address of an author; a hash for a name without any Latin letter."""
    return slugify(name)[:80].strip("-") or f"author-{digest(name)[:10]}"


def is_telling(key: str) -> bool:
    """Whether a title is long enough that two items which share it tell the same story."""
    return len(key.encode()) >= TITLE_KEY_MIN_BYTES


def _own_query(parts: SplitResult) -> str:
    return "&".join(piece for piece in parts.query.split("&") if piece and not _is_tracking(piece))


def _is_tracking(piece: str) -> bool:
    name = re.split("[=;]", piece, maxsplit=1)[0].lower()
    return name in TRACKING_PARAMETERS or name.startswith(TRACKING_PREFIXES)
