"""Frames, players and plug-ins in a text become links to what they show: a page or a mail of ours embeds nothing.

Works on HTML whose attributes nh3 has written (name="value", quotes and "<" inside escaped). What comes out is to be
cleaned like any other text. Such a link has its own address as its title; by that it is known again (``without``).
"""

from __future__ import annotations

import html as entities
import re
from urllib.parse import parse_qs, urlsplit

from articles.addresses import absolute_url

TAGS = frozenset({"iframe", "embed", "object", "video", "audio", "source"})
ATTRIBUTES = frozenset({"src", "data", "data-src", "title", "width", "height", "style"})
MOST = 40  # of one text
MAX_TEXT = 100

# What nobody reads: counters, advertisements, buttons.
UNWANTED = (
    "googletagmanager.com", "doubleclick.net", "googlesyndication.com", "google-analytics.com", "amazon-adsystem.com",
    "adform.net", "taboola.com", "outbrain.com", "facebook.com/plugins/like", "facebook.com/plugins/share",
    "facebook.com/plugins/page", "facebook.com/plugins/follow", "platform.twitter.com/widgets/",
)  # fmt: skip

_EMBED = re.compile(r"<(?:iframe|embed|object|video|audio)\b", re.IGNORECASE)
_ATTRIBUTES = r'((?: [a-z-]+="[^"]*")*)'
_TOKEN = re.compile(
    rf"<(iframe|object){_ATTRIBUTES}>(.*?)</\1>|<(/?)(p|embed|video|audio|source){_ATTRIBUTES}>", re.DOTALL
)
_INNER = re.compile(rf"<embed{_ATTRIBUTES}>")
_ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
_LINK = re.compile(r'(?:<p>)?<a href="([^"]+)" title="\1"[^>]*>[^<]*</a>(?:</p>)?')
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_VIDEO = re.compile(r"/embed/([\w-]{6,20})/?")


def are_in(html: str) -> bool:
    return _EMBED.search(html) is not None


def linked(html: str, base_url: str) -> str:
    """The HTML with a link in the place of each embed: in a paragraph of its own unless it stands in one."""
    known: set[str] = set()
    depth = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal depth
        if match[5] == "p":
            depth = 0 if match[4] else 1
            return match[0]
        if match[4] or len(known) >= MOST:
            return ""
        written = match[6] if match[5] else match[2] + "".join(_INNER.findall(match[3]))
        link = _link(written, base_url, known, html)
        return f"<p>{link}</p>" if link and not depth else link

    return _TOKEN.sub(replaced, html)


def without(cleaned_html: str) -> str:
    """Clean HTML without the links that embeds became: for summaries, which are to be sentences."""
    return _LINK.sub("", cleaned_html)


def _link(written: str, base_url: str, known: set[str], html: str) -> str:
    """The link, or "" if there is nothing to read, or if the text links to it anyway."""
    attributes = {name: entities.unescape(value) for name, value in _ATTRIBUTE.findall(written)}
    named = (attributes.get(name, "") for name in ("data-src", "src", "data"))
    source = next((value for value in named if value and not value.startswith(("about:", "data:"))), "")
    url = absolute_url(f"https:{source}" if source.startswith("//") and not base_url else source, base_url)
    url = absolute_url(shown_at(url)) if url else ""
    is_counter = any(attributes.get(side) in {"0", "1"} for side in ("width", "height"))
    if not url or is_counter or _HIDDEN.search(attributes.get("style", "")) or any(name in url for name in UNWANTED):
        return ""
    written_url = entities.escape(url)
    if url in known or f'href="{written_url}"' in html:
        return ""
    known.add(url)
    return link_to(url, text=attributes.get("title", ""))


def link_to(url: str, *, text: str = "") -> str:
    """The link that stands for an embed of this address; without a text of its own it reads as the address."""
    text = " ".join(text.split()) or url.partition("://")[2].removeprefix("www.").rstrip("/")
    text = text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"
    return f'<a href="{entities.escape(url)}" title="{entities.escape(url)}">{entities.escape(text)}</a>'


def shown_at(url: str) -> str:
    """The page for people behind the address of a well-known player; any other address as it is."""
    parts = urlsplit(url)
    host, query = (parts.hostname or "").removeprefix("www."), parse_qs(parts.query)
    if host in {"youtube.com", "youtube-nocookie.com"}:
        if "list" in query:
            return f"https://www.youtube.com/playlist?list={query['list'][0]}"
        found = _VIDEO.fullmatch(parts.path)
        return f"https://www.youtube.com/watch?v={found[1]}" if found else url
    if host == "player.vimeo.com" and parts.path.startswith("/video/"):
        return f"https://vimeo.com/{parts.path.removeprefix('/video/')}"
    if host in {"open.spotify.com", "dailymotion.com"} and parts.path.startswith("/embed/"):
        return f"https://{parts.hostname}/{parts.path.removeprefix('/embed/')}"
    for player, parameter in (("w.soundcloud.com", "url"), ("facebook.com", "href")):
        if host == player and query.get(parameter, [""])[0].startswith("https://"):
            return query[parameter][0]
    return url
