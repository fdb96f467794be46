"""Did you mean …@gmail.com? A guess at the great mail domain that somebody meant and mistyped.

Only a hint: whoever says that their address is right is believed. Addresses are never changed by themselves.
"""

from __future__ import annotations

# The domains that most readers have, as written. Short on purpose: every further name makes false guesses likelier.
GREAT_DOMAINS = (
    "gmail.com", "googlemail.com", "yahoo.com", "yahoo.co.uk", "yahoo.fr", "hotmail.com", "hotmail.co.uk", "hotmail.fr",
    "outlook.com", "outlook.de", "live.com", "msn.com", "icloud.com", "me.com", "mac.com", "aol.com", "comcast.net",
    "proton.me", "protonmail.com", "gmx.de", "gmx.net", "gmx.com", "gmx.at", "web.de", "t-online.de", "freenet.de",
    "mail.com", "mail.ru", "yandex.ru", "orange.fr", "free.fr", "wanadoo.fr", "laposte.net", "libero.it", "ziggo.nl",
    "btinternet.com", "fastmail.com", "posteo.de", "mailbox.org", "qq.com", "163.com",
)  # fmt: skip
# Close to a name above, and somebody's all the same.
REAL_DOMAINS = frozenset({"gmx.ch", "mail.de", "email.com", "ymail.com", "live.de", "live.nl", "live.fr", "gmx.fr",
                          "ail.com", "mail.com.au", "hotmail.de", "hotmail.it", "hotmail.es", "yahoo.de", "yahoo.it",
                          "yahoo.es", "yahoo.ca", "yahoo.in", "outlook.fr", "outlook.es", "outlook.it", "free.de",
                          "me.net", "mac.net", "web.com", "fmail.com", "zmail.com", "hmail.com", "gmail.co.uk",
                          "126.com", "yandex.com", "yandex.ua", "fastmail.fm", "posteo.net", "posteo.at",
                          "proton.ch", "pm.me", "aim.com", "orange.com", "qq.cn", "gmx.us", "gmx.info"})  # fmt: skip
LONGEST = 40  # what is longer is none of these, and is not measured


def meant(address: str) -> str:
    """The same address at the great domain that was most likely meant; "" if there is nothing to guess."""
    local, at, domain = address.rpartition("@")
    domain = domain.lower()
    if not (local and at) or len(domain) > LONGEST or domain in GREAT_DOMAINS or domain in REAL_DOMAINS:
        return ""
    nearest = min(GREAT_DOMAINS, key=lambda great: (distance(domain, great), great[:1] != domain[:1]))
    return f"{local}@{nearest}" if distance(domain, nearest) <= _most_slips(nearest) else ""


def distance(one: str, other: str) -> int:
    """How many slips lie between two words: a letter too many, too few or wrong, or two neighbors swapped."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        line = [row]
        for column, target in enumerate(other, 1):
            cost = min(last[column] + 1, line[column - 1] + 1, last[column - 1] + (letter != target))
            is_swap = row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == target
            line.append(min(cost, before[column - 2] + 1) if is_swap else cost)
        before, last = last, line
    return last[-1]


def _most_slips(domain: str) -> int:
    """One slip in a short name would already be another name."""
    if len(domain) < len("gmx.de") + 1:
        return 0
    return 2 if len(domain) > len("gmail.com") else 1
