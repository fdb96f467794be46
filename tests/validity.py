"""What is wrong with a page or a mail as HTML, before a browser mends it in silence.

Stricter than the standard where that is simpler: every element that may have an end tag must have it, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


VOID = _names("area base br col embed hr img input link meta source track wbr")
BLOCK = _names(
    "address article aside blockquote dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre search section table ul"
)
PHRASING_ONLY = _names("p h1 h2 h3 h4 h5 h6 span a em strong b i code pre label time small")
MAY_HOLD_BLOCKS = frozenset(["a"])  # transparent: what its parent may hold
PRESSED = _names("a button input select textarea label details iframe")
CHILDREN = {
    "ul": {"li", "script", "template"}, "ol": {"li", "script", "template"}, "dl": {"dt", "dd", "div"},
    "table": {"caption", "colgroup", "thead", "tbody", "tfoot", "tr"}, "tr": {"td", "th"},
    "thead": {"tr"}, "tbody": {"tr"}, "tfoot": {"tr"}, "select": {"option", "optgroup", "hr"},
}  # fmt: skip
PARENTS = {"li": {"ul", "ol", "menu"}, "tr": {"table", "thead", "tbody", "tfoot"}, "td": {"tr"}, "th": {"tr"},
           "dt": {"dl", "div"}, "dd": {"dl", "div"}, "legend": {"fieldset"}, "summary": {"details"},
           "figcaption": {"figure"}, "option": {"select", "optgroup", "datalist"}}  # fmt: skip
REFERENCES = ("for", "aria-describedby", "aria-labelledby", "aria-controls", "form", "list")
BARE_AMPERSAND = re.compile(r"&(?!(?:[a-z][a-z0-9]*|#\d+|#x[0-9a-f]+);)", re.IGNORECASE)


def faults(html: str) -> list[str]:
    """Each fault in words, with its line."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    start = [] if re.match(r"\s*<!doctype html>", html, re.IGNORECASE) else ["it does not begin with <!doctype html>"]
    return start + reader.found + list(reader.at_the_end())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.named: list[tuple[str, str, int]] = []
        self.has_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_at_place(tag)
        self._look_at_attributes(tag, attrs)
        self.has_title = self.has_title or tag == "title"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID and "svg" not in self.open and tag != "svg":
            self._say(f"<{tag}/> does not close itself")
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag in self.open:
            self._say(f"</{tag}> while <{self.open[-1]}> is open")
            while self.open.pop() != tag:
                pass
        else:
            self._say(f"</{tag}> without its beginning")

    def handle_data(self, data: str) -> None:
        if BARE_AMPERSAND.search(data) and not {"script", "style"} & set(self.open):
            self._say("& that should be &amp;")
        if data.strip() and self.open and self.open[-1] in CHILDREN:
            self._say(f"words straight in <{self.open[-1]}>: {data.strip()[:30]!r}")

    def at_the_end(self) -> Iterator[str]:
        if self.open:
            yield f"still open at the end: {' '.join(self.open)}"
        if not self.has_title:
            yield "it has no <title>"
        yield from (f"line {line}: {name} names {id_}, which is not there" for name, id_, line in self.named
                    if id_ not in self.ids)  # fmt: skip

    def _look_at_place(self, tag: str) -> None:
        parent = self.open[-1] if self.open else ""
        if parent in CHILDREN and tag not in CHILDREN[parent]:
            self._say(f"<{tag}> straight in <{parent}>")
        if tag in PARENTS and parent not in PARENTS[tag]:
            self._say(f"<{tag}> in <{parent}>")
        if tag in BLOCK and (holder := self._nearest_holder()):
            self._say(f"<{tag}> in <{holder}>")
        if tag in PRESSED - {"label", "input"} and {"a", "button"} & set(self.open):
            self._say(f"<{tag}> in a link or a button")
        if tag == "form" and "form" in self.open:
            self._say("<form> in <form>")

    def _nearest_holder(self) -> str:
        """The element around here that holds phrases only, or nothing."""
        holder = next((tag for tag in reversed(self.open) if tag not in MAY_HOLD_BLOCKS), "")
        return holder if holder in PHRASING_ONLY else ""

    def _look_at_attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) < len(attrs):
            self._say(f"<{tag}> has an attribute twice")
        if tag == "img" and "alt" not in values:
            self._say("<img> without alt")
        if id_ := values.get("id"):
            if id_ in self.ids:
                self._say(f"id {id_} twice")
            self.ids.add(id_)
        for name in REFERENCES:
            self.named += [(name, each, self.getpos()[0]) for each in (values.get(name) or "").split()]
        if tag == "a" and re.fullmatch(r"#[\w-]+", values.get("href") or ""):
            self.named.append(("href", (values["href"] or "")[1:], self.getpos()[0]))

    def _say(self, words: str) -> None:
        self.found.append(f"line {self.getpos()[0]}: {words}")
