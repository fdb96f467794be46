"""Rules about templates: they compile, name what exists, run no inline script, and speak through gettext."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from django.contrib.staticfiles import finders
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.backends.django import DjangoTemplates
from django.template.base import Lexer, Token, TokenType
from django.urls import NoReverseMatch, get_resolver, reverse

from tests.architecture.sources import ROOT

MAIL_FILES = {"subject.txt", "body.txt", "body.html"}
FIRST_STRING = re.compile(r"""^(?P<tag>\w+)\s+["'](?P<value>[^"']+)["']""")
LETTERS = re.compile(r"[^\W\d_]{2,}")
SPOKEN_ATTRIBUTES = {"alt", "title", "aria-label", "placeholder", "content"}
SPOKEN_METAS = {"description"}  # of all <meta content>, these are read by people
INLINE = re.compile(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
SCRIPT = re.compile(r"<script\b(?![^>]*\b(?:src=|type=\"application/))", re.IGNORECASE)


@dataclass(frozen=True)
class Template:
    """One template: its name for Django, and what it says."""

    name: str
    text: str

    @property
    def is_mail(self) -> bool:
        return self.name.startswith("email/")

    @property
    def is_public(self) -> bool:
        return not self.is_mail and not self.name.startswith("admin/")


def all_templates() -> list[Template]:
    """Every template of ours, in order."""
    folder = ROOT / "templates"
    paths = sorted(path for path in folder.rglob("*") if path.suffix in {".html", ".txt", ".xml"})
    return [Template(path.relative_to(folder).as_posix(), path.read_text()) for path in paths]


def incomplete_mails(folder: Path) -> list[str]:
    """A mail without a text part is half a mail. Folders whose name begins with _ hold parts."""
    mails = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("_"))
    return [
        f"{mail.name} lacks {name}"
        for mail in mails
        for name in sorted(MAIL_FILES - {path.name for path in mail.iterdir()})
    ]


def broken(template: Template) -> Iterator[str]:
    """A template that does not compile, or names a template, page or file that is not there."""
    engine = engines["django"]
    assert isinstance(engine, DjangoTemplates)
    try:
        engine.from_string(template.text)
    except TemplateSyntaxError as error:
        yield f"{template.name}: {error}"
    for token in _tokens(template, TokenType.BLOCK):
        if match := FIRST_STRING.match(token.contents):
            yield from (
                f"{template.name}:{token.lineno} {problem}" for problem in _missing(match["tag"], match["value"])
            )


def inline_code(template: Template) -> Iterator[str]:
    """The content security policy forbids it, so a browser would silently leave it out."""
    if not template.is_public:
        return
    for number, line in enumerate(template.text.splitlines(), 1):
        if INLINE.search(line) or SCRIPT.search(line):
            yield f"{template.name}:{number} has an inline script or style: {line.strip()[:60]}"


def untranslated(template: Template) -> Iterator[str]:
    """Words that a reader sees go through {% translate %} or {% blocktranslate %}."""
    words = _spoken_html(template) if template.name.endswith(".html") else _literal(template)
    for line in words.splitlines():
        if LETTERS.search(line):
            yield f"{template.name} says {line.strip()[:60]!r}"


def _missing(tag: str, value: str) -> Iterator[str]:
    if tag in {"include", "extends"}:
        try:
            engines["django"].get_template(value)
        except TemplateDoesNotExist:
            yield f"names the template {value}, which is not there"
        except TemplateSyntaxError:
            pass  # that template's own finding
    elif tag == "static" and not finders.find(value):
        yield f"names the file {value}, which is not there"
    elif tag == "url" and not _is_url_name(value):
        yield f"names the page {value}, which is not there"


def _is_url_name(name: str) -> bool:
    namespace, _colon, bare = name.rpartition(":")
    if namespace == "admin":
        return True  # which pages it has depends on what is registered
    resolver = get_resolver()
    if namespace:
        if namespace not in resolver.namespace_dict:
            return False
        resolver = resolver.namespace_dict[namespace][1]
        return bare in resolver.reverse_dict
    try:
        reverse(bare)
    except NoReverseMatch:
        return bare in resolver.reverse_dict
    return True


def _tokens(template: Template, kind: TokenType) -> Iterator[Token]:
    return (token for token in Lexer(template.text).tokenize() if token.token_type is kind)


def _literal(template: Template) -> str:
    """What stands in the template outside of tags, variables, comments and translated blocks."""
    text, is_silent = "", False
    for token in Lexer(template.text).tokenize():
        if token.token_type is TokenType.BLOCK:
            tag = token.contents.split()[0]
            if tag in {"blocktranslate", "comment"}:
                is_silent = True
            elif tag in {"endblocktranslate", "endcomment"}:
                is_silent = False
        if is_silent:
            continue
        if token.token_type is TokenType.TEXT:
            text += token.contents
        else:
            text += "x" if text.endswith(("<", "</")) else " "  # a variable may name an element
    return text


def _spoken_html(template: Template) -> str:
    reader = _Reader()
    reader.feed(_literal(template))
    reader.close()
    return "\n".join(reader.spoken)


class _Reader(HTMLParser):
    """Collects what people read or hear of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.spoken: list[str] = []
        self.is_silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_silent = tag in {"style", "script"}
        values = dict(attrs)
        if tag == "meta" and values.get("name") not in SPOKEN_METAS:
            return
        self.spoken += [value for name, value in attrs if name in SPOKEN_ATTRIBUTES and value]

    def handle_endtag(self, tag: str) -> None:
        self.is_silent = False

    def handle_data(self, data: str) -> None:
        if not self.is_silent:
            self.spoken.append(data)
