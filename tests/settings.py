"""The product's settings, on a workspace of the test process's own, with the few changes that tests need."""

# ruff: noqa: E402, F403, F405 (the environment must be ready before the settings read it)

from tests import workspace

workspace.prepare()

from config.settings import *

# A file, not the default in-memory database: threads and other processes must meet the locks of the real thing.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
# The mailbox is closed where a Redis is configured, and must be tested there as well.
IS_MAILBOX_OPEN = True
# Hashed names need collectstatic; the journeys run the product with it.
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PAGE_CACHE_SECONDS = 0  # a test looks at what it has just made
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT.mkdir(exist_ok=True)  # whitenoise warns of a folder that is missing, and warnings are errors
