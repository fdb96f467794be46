"""Reads HTML as a mail program does: elements with their attributes and text, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    parents: list[Element]
    texts: list[str] = field(default_factory=list)
    has_own_text: bool = False

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    @property
    def style(self) -> str:
        return self.attributes.get("style", "")

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


class Reading(HTMLParser):
    """``Reading(html).all("a")``. Reading fails on an element that is closed in the wrong place or not at all."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.comments: list[str] = []
        self._open: list[Element] = []
        self.feed(html)
        self.close()
        assert not self._open, f"never closed: {[element.tag for element in self._open]}"

    def all(self, tag: str, class_: str = "") -> list[Element]:
        return [each for each in self.elements if each.tag == tag and (not class_ or class_ in each.classes)]

    def one(self, tag: str, class_: str = "") -> Element:
        (element,) = self.all(tag, class_)
        return element

    def texts(self, tag: str, class_: str = "") -> list[str]:
        return [element.text for element in self.all(tag, class_)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        element = Element(tag, attributes, list(self._open))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self._open[-1].has_own_text = True
        for element in self._open:
            element.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)
