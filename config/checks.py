"""Our own system checks, which Django runs with `manage.py check --deploy`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.template import TemplateSyntaxError, engines
from django.utils.module_loading import import_string


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


@register(Tags.templates)
def every_mail_can_be_made(**_options: Any) -> list[CheckMessage]:
    """Templates of one's own are tried before anything starts; ours are tried by our tests.

    The trial needs models, which are not there yet when Django registers its checks.
    """
    if not settings.MAIL_TEMPLATES_DIR:
        return []
    return [Error(sentence, id="config.E002") for sentence in import_string("config.mail_trial.problems")()]


def _own_templates() -> Iterator[Path]:
    for part in ("templates", "articles", "config", "newsletter"):
        for path in sorted((Path(settings.BASE_DIR) / part).rglob("*")):
            if "templates" in path.parts and path.suffix in {".html", ".txt", ".xml"}:
                yield path
