"""Our own system checks, which Django runs with `manage.py check --deploy`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.template import TemplateSyntaxError, engines


@register(Tags.templates, deploy=True)
def every_template_compiles(**_options: Any) -> list[CheckMessage]:
    """A template with an error would be found by the first reader otherwise."""
    engine = engines["django"]
    found: list[CheckMessage] = []
    for path in _own_templates():
        try:
            engine.from_string(path.read_text())
        except TemplateSyntaxError as error:
            found.append(Error(f"{path.relative_to(settings.BASE_DIR)}: {error}", id="config.E001"))
    return found


def _own_templates() -> Iterator[Path]:
    for part in ("templates", "articles", "config", "newsletter"):
        for path in sorted((Path(settings.BASE_DIR) / part).rglob("*")):
            if "templates" in path.parts and path.suffix in {".html", ".txt", ".xml"}:
                yield path
