from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate  # noqa: TID251 - Django's way to say that permissions exist

from config import checks, roles  # noqa: F401 (importing checks registers them)


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "Broadsheet"

    def ready(self) -> None:
        post_migrate.connect(roles.keep_up, sender=apps.get_app_config("auth"), dispatch_uid="roles")
