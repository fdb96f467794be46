"""The words that readers meet, and the catalogs of config/locale that have them in other languages.

A template is taken apart by Django's own parser, a module by Python's; babel reads and writes the catalogs. A site
needs none of this: it reads the compiled files, which are committed. `make catalogs` runs it: every catalog gets what
is new, loses what is gone, and is compiled. docs/operations.md says how a language is added.

The desk speaks English: of its templates and modules nothing is read. Where a module speaks to both, MODULES names the
classes and functions whose words readers meet.
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

import django
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.template import Engine, Node, engines
from django.template.base import FilterExpression, Variable
from django.templatetags.i18n import BlockTranslateNode, TranslateNode
from django.utils.translation import to_language, to_locale, trim_whitespace

# Templates that only the desk and the operator see.
DESK_TEMPLATES = (
    "admin/", "mailbox/", "unfold/", "digests/article_preview.html",
    "email/attack_mode/", "email/attack_over/", "email/campaign_paused/", "email/issue_held/", "email/issue_opened/",
)  # fmt: skip
EVERYTHING: frozenset[str] = frozenset()
# Modules with words for readers, and the classes and functions that have them.
MODULES: dict[str, frozenset[str]] = {
    "articles/syndication.py": EVERYTHING,
    "config/templatetags/publication.py": EVERYTHING,
    "newsletter/digests/ads.py": EVERYTHING,
    "newsletter/digests/correcting.py": EVERYTHING,
    "newsletter/digests/issue_feed.py": EVERYTHING,
    "newsletter/digests/looks.py": EVERYTHING,
    "newsletter/digests/prose.py": EVERYTHING,
    "newsletter/digests/rendering.py": frozenset({"question_of"}),
    "newsletter/digests/stories.py": EVERYTHING,
    "newsletter/engagement/models.py": frozenset({"Answer"}),
    "newsletter/lib/addresses.py": EVERYTHING,
    "newsletter/lib/dates.py": EVERYTHING,
    "newsletter/subscribers/forms.py": EVERYTHING,
    "newsletter/subscribers/measuring.py": EVERYTHING,
    "newsletter/subscribers/models/farewells.py": frozenset({"Reason"}),
    "newsletter/subscribers/models/newsletters.py": frozenset({"Cadence"}),
    "newsletter/subscribers/models/people.py": frozenset({"Weekday", "Format"}),
    "newsletter/subscribers/pages.py": EVERYTHING,
    "newsletter/subscribers/rhythm.py": EVERYTHING,
    "newsletter/subscribers/self_service/forms.py": EVERYTHING,
    "newsletter/subscribers/surfaces/answers.py": frozenset({"as_json"}),
    "newsletter/subscribers/surfaces/snippets.py": frozenset({"_title", "_form"}),
}
# The functions that mark words: which of their arguments are the words, and whether the first is a context.
MARKS = {
    "_": 1, "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2,
    "pgettext": 1, "pgettext_lazy": 1, "npgettext": 2, "npgettext_lazy": 2,
}  # fmt: skip
NOBODY = re.compile(rb"^\"(?:Report-Msgid-Bugs-To|Last-Translator|Language-Team|Generated-By):.*\n", re.MULTILINE)
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%")


@dataclass(frozen=True, slots=True)
class Words:
    """Something to translate, as gettext names it, and the file that says it."""

    file: str
    one: str
    many: str = ""
    context: str | None = None


def words_of_readers(root: Path) -> list[Words]:
    """All that readers meet in the checkout at ``root``, in the order of the files, each as often as it is said."""
    found = [words for path in sorted(MODULES) for words in _of_module(root / path, path, MODULES[path])]
    engine: Engine = engines["django"].engine  # type: ignore[attr-defined]  # of Django's own backend
    templates = root / "templates"
    for path in sorted(each for each in templates.rglob("*") if each.suffix in {".html", ".txt"}):
        name = path.relative_to(templates).as_posix()
        if not name.startswith(DESK_TEMPLATES):
            nodes = engine.from_string(path.read_text()).nodelist
            found += [Words(f"templates/{name}", *said) for said in _of_node(list(nodes), set())]
    return found


def _of_module(path: Path, name: str, scopes: frozenset[str]) -> Iterator[Words]:
    tree = ast.parse(path.read_text())
    named = [each for each in ast.walk(tree) if getattr(each, "name", "") in scopes]
    for call in (call for scope in named or [tree] for call in ast.walk(scope) if isinstance(call, ast.Call)):
        mark = call.func.id if isinstance(call.func, ast.Name) else ""
        texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if mark in MARKS and texts:
            context = texts.pop(0) if mark.startswith(("p", "np")) else None
            one, many = (*texts[: MARKS[mark]], "")[:2]
            yield Words(name, one, many, context)


def _of_node(part: Any, seen: set[int]) -> Iterator[tuple[str, str, str | None]]:
    """What a compiled template says, wherever in it: ``{% translate %}``, ``{% blocktranslate %}`` and ``_("...")``."""
    if id(part) in seen:
        return
    seen.add(id(part))
    if isinstance(part, list | tuple):
        inner: list[Any] = list(part)
    elif isinstance(part, dict):
        inner = list(part.values())
    elif isinstance(part, Node | FilterExpression | Variable):
        yield from _said(part)
        slots = [getattr(part, name) for name in getattr(part, "__slots__", ()) if hasattr(part, name)]
        inner = [*slots, *getattr(part, "__dict__", {}).values()]
    else:
        return
    for each in inner:
        yield from _of_node(each, seen)


def _said(part: Node | FilterExpression | Variable) -> Iterator[tuple[str, str, str | None]]:
    context = getattr(part, "message_context", None)
    context = getattr(context, "var", context)
    if isinstance(part, TranslateNode):
        said = part.filter_expression.var
        yield str(said if isinstance(said, str) else said.literal), "", context
    elif isinstance(part, BlockTranslateNode):
        forms = [part.render_token_list(tokens)[0] for tokens in (part.singular, part.plural) if tokens]
        one, many = (*(trim_whitespace(form) if part.trimmed else form for form in forms), "")[:2]
        yield one, many, context
    elif isinstance(part, Variable) and part.translate:
        yield str(part.literal), "", context


def languages_of(root: Path) -> list[str]:
    """What there are catalogs for."""
    return sorted(to_language(folder.parent.name) for folder in (root / "config" / "locale").glob("*/LC_MESSAGES"))


def po_path(root: Path, language: str) -> Path:
    return root / "config" / "locale" / to_locale(language) / "LC_MESSAGES" / "django.po"


def catalog_of(root: Path, language: str) -> Catalog:
    """The catalog as it is; an empty one for a new language."""
    path = po_path(root, language)
    if not path.exists():
        return Catalog(locale=to_locale(language), creation_date=datetime.now(UTC), revision_date=datetime.now(UTC))
    with path.open("rb") as file:
        return read_po(file, locale=to_locale(language), abort_invalid=True)


def updated(root: Path, language: str, words: list[Words]) -> Catalog:
    """The catalog with exactly these words, and the translations that there are."""
    known = catalog_of(root, language)
    catalog = Catalog(
        locale=to_locale(language), header_comment="# Words of Broadsheet that readers meet; see docs/operations.md.",
        project="Broadsheet", version="1", last_translator="", language_team="", fuzzy=False,
        creation_date=known.creation_date, revision_date=known.revision_date,
    )  # fmt: skip
    catalog.mime_headers = [
        (name, _plural_forms(language) if name == "Plural-Forms" else value) for name, value in catalog.mime_headers
    ]
    for each in words:
        had = known.get(each.one, each.context)
        is_same = had is not None and bool(had.pluralizable) == bool(each.many)
        said: Any = (each.one, each.many) if each.many else each.one
        catalog.add(said, had.string if had and is_same else "", locations=[(each.file, 0)], context=each.context)
    return catalog


def _plural_forms(language: str) -> str:
    """As Django counts in this language: one rule for its words and ours."""
    path = Path(django.__file__).parent / "conf" / "locale" / to_locale(language) / "LC_MESSAGES" / "django.mo"
    with path.open("rb") as file:
        return GNUTranslations(file).info()["plural-forms"]


def po_bytes(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalog, width=120, include_lineno=False)
    return NOBODY.sub(b"", file.getvalue())


def mo_bytes(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def problems_of(catalog: Catalog) -> list[str]:
    """A sentence for each translation that is missing, uncertain, or names other placeholders than the English."""
    found = []
    for message in catalog:
        if not message.id:
            continue
        wanted, strings = _as_tuple(message.id), _as_tuple(message.string)
        is_short = message.pluralizable and len(strings) != catalog.num_plurals
        if is_short or message.fuzzy or not all(strings):
            found.append(f"not translated: {wanted[0]!r}")
            continue
        allowed = {frozenset(PLACEHOLDER.findall(each)) for each in wanted}
        most = frozenset().union(*allowed)
        for string in strings:
            used = frozenset(PLACEHOLDER.findall(string))
            is_right = used <= most if message.pluralizable else used in allowed
            if not is_right or ("%" in PLACEHOLDER.sub("", string) and "%" not in PLACEHOLDER.sub("", wanted[0])):
                found.append(f"other placeholders: {wanted[0]!r}: {string!r}")
    return found


def findings(root: Path, language: str, words: list[Words]) -> list[str]:
    """What is wrong with the catalog, in sentences: it is stale, not complete, not right, or not compiled."""
    catalog, wanted = catalog_of(root, language), updated(root, language, words)
    new = [f"not in the catalog: {key[0]!r}" for key in _keys(wanted) if key not in _keys(catalog)]
    gone = [f"said no more: {key[0]!r}" for key in _keys(catalog) if key not in _keys(wanted)]
    compiled = po_path(root, language).with_suffix(".mo")
    is_same = compiled.exists() and _strings(compiled.read_bytes()) == _strings(mo_bytes(catalog))
    return [*new, *gone, *problems_of(wanted), *([] if is_same else ["django.mo is not of this django.po"])]


def _keys(catalog: Catalog) -> dict[tuple[Any, ...], None]:
    """In their order: what is said, with its plural, and in which context."""
    return {(*_as_tuple(each.id), each.context): None for each in catalog if each.id}


def _strings(compiled: bytes) -> dict[Any, Any]:
    """What a compiled catalog says, and how it counts; not by whom and when it was made."""
    catalog = read_mo(BytesIO(compiled))
    said = {(str(each.id), each.context): list(_as_tuple(each.string)) for each in catalog if each.id}
    return {"plural": catalog.plural_expr, **said}


def _as_tuple(text: Any) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def write(root: Path, languages: Iterable[str], words: list[Words]) -> int:
    """Bring the catalogs up to date and compile them. Returns how many have something left to translate."""
    unfinished = 0
    for language in languages:
        catalog = updated(root, language, words)
        path = po_path(root, language)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(po_bytes(catalog))
        path.with_suffix(".mo").write_bytes(mo_bytes(catalog))
        problems = problems_of(catalog)
        unfinished += bool(problems)
        print(f"{language}: {len(catalog)} texts", *problems, sep="\n  ")  # noqa: T201 (this is what it is for)
    return unfinished


if __name__ == "__main__":
    django.setup()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", help="further ones: it, pt-br")
    wanted = {*languages_of(settings.BASE_DIR), *parser.parse_args().languages}
    raise SystemExit(1 if write(settings.BASE_DIR, sorted(wanted), words_of_readers(settings.BASE_DIR)) else 0)
