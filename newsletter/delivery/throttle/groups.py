"""Which mail domains are one to whoever receives: the big providers judge all their domains together."""

from __future__ import annotations

import re
from functools import lru_cache

OTHERS = ""
# name of the group: the beginnings of its domains, whatever the country behind them
_BRANDS = {
    "gmail.com": ("gmail", "googlemail"),
    "outlook.com": ("outlook", "hotmail", "live", "msn", "passport", "windowslive"),
    "yahoo.com": ("yahoo", "ymail", "rocketmail", "aol", "aim", "myyahoo"),
    "icloud.com": ("icloud", "me", "mac"),
    "gmx.net": ("gmx",),
    "web.de": ("web",),
    "proton.me": ("proton", "protonmail"),
    "mail.ru": ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"),
    "orange.fr": ("orange.fr", "wanadoo.fr"),
    "comcast.net": ("comcast.net",),
}
_ONLY = {"me": {"me.com"}, "mac": {"mac.com"}, "web": {"web.de"}, "aim": {"aim.com"}, "proton": {"proton.me"}}
_COUNTRY = re.compile(r"(com?\.)?[a-z]{2}|com|net")
GROUP_OF_BRAND = {brand: group for group, brands in _BRANDS.items() for brand in brands}


def group_of(address: str) -> str:
    """``gmail.com`` for both of Google's domains; OTHERS for a domain that belongs to none of the big providers."""
    return _group_of_domain(address.rpartition("@")[2].lower())


@lru_cache(maxsize=65_536)
def _group_of_domain(domain: str) -> str:
    if domain in GROUP_OF_BRAND:
        return GROUP_OF_BRAND[domain]
    brand, _dot, rest = domain.partition(".")
    if brand not in GROUP_OF_BRAND or not _COUNTRY.fullmatch(rest) or domain not in _ONLY.get(brand, {domain}):
        return OTHERS
    return GROUP_OF_BRAND[brand]
