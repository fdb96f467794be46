from django.apps import AppConfig

from config import checks  # noqa: F401 (importing it registers the checks)


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Broadsheet"
