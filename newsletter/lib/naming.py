"""What the publication is called."""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string


def site_name() -> str:
    """The name set at the desk, or SITE_NAME. The setting SITE_NAME_NOW says who knows: this part knows no articles."""
    return str(import_string(settings.SITE_NAME_NOW)())
