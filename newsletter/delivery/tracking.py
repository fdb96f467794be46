"""The mail of a reader who agreed to be measured: its links lead through this site, a picture tells of its opening.

It is made from the mail that everybody gets, which stays as it is. What is made a measured link is known by its
address: stories, offers and what an editor links to, never the links to leave, to change or to read it in a browser.
A measured link is the reader's own value and, behind it, the number of its destination.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape

from newsletter.digests.models import Issue, Link
from newsletter.digests.rendering import RenderedMail
from newsletter.lib.slots import Slot

_HREF = re.compile(r'href="([^"]+)"')
_ADDRESS = re.compile("https?://[^\\s<>\ue000]+")
_BEHIND = ").,;:!?"  # what may follow an address in a text and is no part of it
PICTURE = f'<img src="{Slot.OPEN_URL.mark}" width="1" height="1" alt="" role="presentation">'


def numbers(issue: Issue, mail: RenderedMail) -> dict[str, int]:
    """The number of each destination of the mail, by its address; kept from now on. Two queries."""
    wanted = {_hash(url): url for url in mail.links}
    rows = [Link(issue=issue, url=url, url_hash=key, article_id=mail.links[url]) for key, url in wanted.items()]
    Link.objects.bulk_create(rows, ignore_conflicts=True)
    known = Link.objects.filter(issue=issue, url_hash__in=wanted)
    return {wanted[key]: pk for key, pk in known.values_list("url_hash", "pk")}


def measured(mail: RenderedMail, links: Mapping[str, int], *, counts_opens: bool) -> RenderedMail:
    """The same mail with these links measured, and the picture if opens are."""
    html = _HREF.sub(lambda found: _in_html(found, links), mail.html)
    if counts_opens:
        body, end, rest = html.rpartition("</body>")
        html = f"{body}{PICTURE}{end}{rest}"
    return replace(mail, html=html, text=_ADDRESS.sub(lambda found: _in_text(found[0], links), mail.text))


def _in_html(found: re.Match[str], links: Mapping[str, int]) -> str:
    number = links.get(unescape(found[1]))
    return f'href="{_link(number)}"' if number else found[0]


def _in_text(address: str, links: Mapping[str, int]) -> str:
    bare = address if address in links else address.rstrip(_BEHIND)
    return _link(links[bare]) + address[len(bare) :] if bare in links else address


def _link(number: int) -> str:
    return f"{Slot.CLICK_URL.mark}{number}/"


def _hash(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
