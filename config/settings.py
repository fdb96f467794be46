"""All settings, from the environment, secure by default. docs/operations.md explains each variable."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from django.utils.csp import CSP

from config import broker, environment, timezones

timezones.use_packaged_database()

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(environment.text("DATA_DIR", str(BASE_DIR / "var"))).resolve()

# --- who we are -------------------------------------------------------------------------------------------------------
HOST = environment.text("HOST", "127.0.0.1")
PORT = environment.port("PORT", 8000)
SITE_URL = environment.site_url("SITE_URL", f"http://localhost:{PORT}")
SITE_NAME = environment.text("SITE_NAME", "The Harbor Gazette")
SITE_NAME_NOW = "articles.models.publication.site_name"  # what was set at the desk goes before SITE_NAME
MAIL_LOOK_NOW = "articles.mail_look.look_of_the_publication"
WHY_NO_MAIL = "newsletter.subscribers.live_site.why_no_mail"
WELCOME_CONTENTS = "newsletter.delivery.newcomers.contents"
_site = urlsplit(SITE_URL)
_is_https = _site.scheme == "https"

# --- Django -----------------------------------------------------------------------------------------------------------
DEBUG = environment.boolean("DEBUG", default=False)
SECRET_KEY = environment.text("SECRET_KEY", "") or environment.kept_secret(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", "")
ADDRESS_HASH_KEY = environment.text("ADDRESS_HASH_KEY", SECRET_KEY)
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ",".join({_site.hostname or "localhost", "localhost", "127.0.0.1"}))
CSRF_TRUSTED_ORIGINS = [f"{_site.scheme}://{_site.netloc}"]

INSTALLED_APPS = [
    "config",
    "newsletter.insights",
    "newsletter.engagement",
    "newsletter.delivery",
    "newsletter.digests",
    "newsletter.subscribers",
    "articles",
    "anymail",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "config.middleware.admin_content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.middleware.page_language",
    "config.page_cache.PageCache",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# A folder whose email/ holds templates that go before those of the same name in templates/email/.
MAIL_TEMPLATES_DIR = environment.folders("MAIL_TEMPLATES_DIR")
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [*MAIL_TEMPLATES_DIR, BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.site",
            ],
        },
    }
]

# --- database, broker, cache ------------------------------------------------------------------------------------------
DATABASES = {"default": environment.database("DATABASE_URL", environment.sqlite_url(DATA_DIR / "db.sqlite3"))}
REDIS_URL = environment.redis_url("REDIS_URL")
IS_BROKER_EMBEDDED = not REDIS_URL
BROKER_SOCKET = broker.socket_path(DATA_DIR)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL or f"unix://{quote(str(BROKER_SOCKET))}?db=0",
        "KEY_PREFIX": "cache",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},  # a page must not hang on a broker that does
    }
}

# --- Celery: the broker is a doorbell, the database is the truth ------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{quote(str(BROKER_SOCKET))}?virtual_host=0"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT, CELERY_TASK_SOFT_TIME_LIMIT = 300, 240
CELERY_TASK_CREATE_MISSING_QUEUES = True
CELERY_TASK_DEFAULT_QUEUE = "interactive"
# By urgency: what a person waits for; `urgent`, where delivery's sweep of alerts is and rings; the sweeps, which launch
# and recover; campaigns; what is long and waits for others. One worker is kept for the first two, one for the sweeps:
# what beat rings is a sweep unless it says otherwise.
CELERY_TASK_ROUTES = {
    "articles.tasks.*": {"queue": "feeds"},
    "newsletter.delivery.tasks.sweep_alerts": {"queue": "urgent"},
    "newsletter.delivery.tasks.sweep": {"queue": "sweeps"},
    "newsletter.delivery.tasks.forget": {"queue": "sweeps"},
    "newsletter.delivery.tasks.drain": {"queue": "campaigns"},
    "newsletter.delivery.tasks.fill": {"queue": "campaigns"},
    "newsletter.delivery.tasks.end": {"queue": "campaigns"},
    "newsletter.delivery.tasks.look_ahead": {"queue": "feeds"},  # as long as a launch, with many readers
    "newsletter.delivery.tasks.count_correction": {"queue": "feeds"},
    "newsletter.digests.tasks.*": {"queue": "sweeps"},
    "newsletter.engagement.tasks.*": {"queue": "sweeps"},
    "newsletter.insights.tasks.count_reading*": {"queue": "feeds"},  # seconds, where a million got it
    "newsletter.insights.tasks.*": {"queue": "sweeps"},
    "newsletter.subscribers.tasks.clean_up": {"queue": "sweeps"},
    "newsletter.subscribers.tasks.sweep*": {"queue": "sweeps"},
    "newsletter.subscribers.tasks.watch_sign_ups": {"queue": "sweeps"},
    "newsletter.digests.tasks.check_links": {"queue": "feeds"},  # other people's servers may be slow
    "newsletter.digests.tasks.check_senders": {"queue": "feeds"},
    "newsletter.subscribers.tasks.go_on_with_import": {"queue": "feeds"},  # long; no mail may wait behind it
    "newsletter.subscribers.tasks.go_on_with_bulk_action": {"queue": "feeds"},
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0  # seconds; on SIGQUIT, what runs may end, the rest goes back to the queue
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_POOL_ACQUIRE_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,  # longer than the time limit, or a running task would be handed out again
    "unacked_restore_interval": 15,
    "unacked_restore_throttle": 1,
    "queue_order_strategy": "priority",
    "socket_timeout": 10,
    "socket_connect_timeout": 2,
    "max_retries": 1,  # or kombu tries for six seconds to connect, while somebody waits for a page
    "interval_start": 0,
    "interval_max": 0,
    "socket_keepalive": not IS_BROKER_EMBEDDED,
    "health_check_interval": 25,
}
CELERY_BEAT_SCHEDULER = "config.beat.SteadyScheduler"
CELERY_BEAT_SCHEDULE = {
    "poll-due-feeds": {"task": "articles.tasks.poll_due_feeds", "schedule": 15.0, "options": {"expires": 15}},
    "ask-hubs": {"task": "articles.tasks.ask_hubs", "schedule": 20.0, "options": {"expires": 20}},
    "import-deliveries": {"task": "articles.tasks.import_deliveries", "schedule": 10.0, "options": {"expires": 10}},
    "forget-unsaved": {"task": "articles.tasks.forget_unsaved", "schedule": 3600.0, "options": {"expires": 600}},
    "complete-articles": {"task": "articles.tasks.complete_articles", "schedule": 60.0, "options": {"expires": 60}},
    "go-on-with-archives": {"task": "articles.tasks.sweep_archives", "schedule": 15.0, "options": {"expires": 15}},
    "fetch-awaited-pictures": {
        "task": "articles.tasks.fetch_awaited_pictures",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "mail-waiting-sign-ups": {
        "task": "newsletter.subscribers.tasks.sweep",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "mail-what-readers-asked-for": {
        "task": "newsletter.subscribers.tasks.sweep_personal_mails",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "send-owed-welcomes": {
        "task": "newsletter.subscribers.tasks.sweep_welcomes",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "weigh-articles": {
        "task": "newsletter.engagement.tasks.weigh_articles",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "watch-silent-readers": {
        "task": "newsletter.engagement.tasks.watch_silence",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "watch-sign-ups": {
        "task": "newsletter.subscribers.tasks.watch_sign_ups",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "go-on-with-imports": {
        "task": "newsletter.subscribers.tasks.sweep_imports",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "go-on-with-bulk-actions": {
        "task": "newsletter.subscribers.tasks.sweep_bulk_actions",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "clean-up-readers": {"task": "newsletter.subscribers.tasks.clean_up", "schedule": 60.0, "options": {"expires": 60}},
    "look-ahead": {"task": "newsletter.delivery.tasks.look_ahead", "schedule": 15.0, "options": {"expires": 15}},
    "forget-deliveries": {"task": "newsletter.delivery.tasks.forget", "schedule": 600.0, "options": {"expires": 600}},
    "forget-events": {"task": "newsletter.engagement.tasks.forget", "schedule": 600.0, "options": {"expires": 600}},
    "run-due-schedules": {"task": "newsletter.digests.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "tell-editors": {"task": "newsletter.digests.tasks.tell_editors", "schedule": 15.0, "options": {"expires": 15}},
    "check-senders": {"task": "newsletter.digests.tasks.check_senders", "schedule": 60.0, "options": {"expires": 60}},
    "check-links": {"task": "newsletter.digests.tasks.check_links", "schedule": 20.0, "options": {"expires": 20}},
    "forget-versions": {"task": "newsletter.digests.tasks.forget", "schedule": 3600.0, "options": {"expires": 600}},
    "launch-alerts": {"task": "newsletter.delivery.tasks.sweep_alerts", "schedule": 2.0, "options": {"expires": 2}},
    "drain-campaigns": {"task": "newsletter.delivery.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
    "count-for-the-desk": {"task": "newsletter.insights.tasks.refresh", "schedule": 60.0, "options": {"expires": 60}},
    "count-clicks": {
        "task": "newsletter.insights.tasks.count_readings",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    "heartbeat": {"task": "newsletter.insights.tasks.heartbeat", "schedule": 10.0, "options": {"expires": 10}},
}

# --- mail: `default` for what a person waits for, `campaigns` for bulk ------------------------------------------------
_mailer_url = environment.text("MAILER_URL", "mailbox:")
_campaign_mailer_url = environment.text("CAMPAIGN_MAILER_URL", _mailer_url)
MAILERS = {
    "default": environment.mailer("MAILER_URL", _mailer_url),
    "campaigns": environment.mailer("CAMPAIGN_MAILER_URL", _campaign_mailer_url),
    **environment.transports("TRANSPORTS"),
}
# Which of them campaigns go by, and which of these are a newsletter's own. Several share the work, or stand in.
TRANSPORTS = [name for name in MAILERS if name not in {"default", "campaigns"}] or ["campaigns"]
NEWSLETTER_TRANSPORTS = environment.transports_of_newsletters("NEWSLETTER_TRANSPORTS", TRANSPORTS)
MAILBOX_BACKEND = "newsletter.delivery.mailbox.backend.EmailBackend"
IS_MAILBOX_OPEN = any(entry["BACKEND"] == MAILBOX_BACKEND for entry in MAILERS.values()) and (
    DEBUG or IS_BROKER_EMBEDDED
)
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", f"news@{_site.hostname or 'localhost'}")
UNSUBSCRIBE_MAILBOX = environment.mail_address("UNSUBSCRIBE_MAILBOX")
WEBHOOK_SECRET = environment.text("WEBHOOK_SECRET", "")
ANYMAIL = {"WEBHOOK_SECRET": WEBHOOK_SECRET} if WEBHOOK_SECRET else {}

# --- what we do -------------------------------------------------------------------------------------------------------
PAGE_CACHE_SECONDS = environment.number("PAGE_CACHE_SECONDS", 5)
ARTICLE_GRACE_MINUTES = environment.number("ARTICLE_GRACE_MINUTES", 0)
CONFIRMATION_DAYS = environment.number("CONFIRMATION_DAYS", 7)
SHORTEN_IP_AFTER_DAYS = environment.number("SHORTEN_IP_AFTER_DAYS", 30)
FORGET_IP_AFTER_DAYS = environment.number("FORGET_IP_AFTER_DAYS", 365)
FORGET_DELIVERY_DETAIL_AFTER_DAYS = environment.number("FORGET_DELIVERY_DETAIL_AFTER_DAYS", 180)
ARCHIVE_SENDS_AFTER_DAYS = environment.number("ARCHIVE_SENDS_AFTER_DAYS", 400)
FORGET_EVENT_DETAIL_AFTER_DAYS = environment.number("FORGET_EVENT_DETAIL_AFTER_DAYS", 30)
PRIVACY_URL = environment.web_address("PRIVACY_URL")
SIGN_UP_HONEYPOT = environment.boolean("SIGN_UP_HONEYPOT", default=True)
SIGN_UP_MIN_SECONDS = environment.number("SIGN_UP_MIN_SECONDS", 2)
SIGN_UPS_PER_NETWORK_AND_HOUR = environment.number("SIGN_UPS_PER_NETWORK_AND_HOUR", 60)
SIGN_UPS_PER_DOMAIN_AND_HOUR = environment.number("SIGN_UPS_PER_DOMAIN_AND_HOUR", 500)
SIGN_UPS_PER_HOUR = environment.number("SIGN_UPS_PER_HOUR", 1000)
CONFIRMATION_MAILS_PER_HOUR = environment.number("CONFIRMATION_MAILS_PER_HOUR", 1000)
CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK = environment.number("CONFIRMATION_MAILS_PER_HOUR_UNDER_ATTACK", 200)
UNPROVEN_MAILS_PER_HOUR = environment.number("UNPROVEN_MAILS_PER_HOUR", 20)
PROOF_OF_WORK = environment.choice("PROOF_OF_WORK", "attack", among=("off", "attack", "always"))
PROOF_OF_WORK_EFFORT = environment.number("PROOF_OF_WORK_EFFORT", 1000)
ATTACK_FACTOR = environment.number("ATTACK_FACTOR", 10)
ATTACK_MIN_SIGN_UPS = environment.number("ATTACK_MIN_SIGN_UPS", 50)
ATTACK_QUIET_MINUTES = environment.number("ATTACK_QUIET_MINUTES", 60)
OPERATOR_EMAIL = environment.words("OPERATOR_EMAIL", "")
DISPOSABLE_ADDRESSES = environment.choice("DISPOSABLE_ADDRESSES", "accept", among=("accept", "refuse", "ignore"))
DNS_LOOKUP_SECONDS = environment.number("DNS_LOOKUP_SECONDS", 0)
DNS_SERVERS = environment.words("DNS_SERVERS", "")
DKIM_SELECTOR = environment.text("DKIM_SELECTOR", "")
IMPORT_MAX_MEGABYTES = environment.number("IMPORT_MAX_MEGABYTES", 1000)
IMPORT_FILE_DAYS = environment.number("IMPORT_FILE_DAYS", 7)
IMPORT_CONFIRMATIONS_PER_HOUR = environment.number("IMPORT_CONFIRMATIONS_PER_HOUR", 500)
SENDERS_PER_CAMPAIGN = environment.number("SENDERS_PER_CAMPAIGN", 2)
BOUNCE_ALARM_PERCENT = environment.number("BOUNCE_ALARM_PERCENT", 5)
BOUNCE_ALARM_MAILS = environment.number("BOUNCE_ALARM_MAILS", 500)
COMPLAINT_ALARM_PERCENT = environment.percent("COMPLAINT_ALARM_PERCENT", 0.3)
SEND_DEADLINE_HOURS = environment.number("SEND_DEADLINE_HOURS", 24)
MAILS_PER_READER_AND_DAY = environment.number("MAILS_PER_READER_AND_DAY", 0)  # 0: no cap
FEED_TIMEOUT_SECONDS = environment.number("FEED_TIMEOUT_SECONDS", 20)
METRICS_TOKEN = environment.text("METRICS_TOKEN", "")
FEED_MAX_MEGABYTES = environment.number("FEED_MAX_MEGABYTES", 10)
FEED_ALLOWED_NETWORKS = environment.networks("FEED_ALLOWED_NETWORKS", "")
FEED_CONNECTIONS = environment.number("FEED_CONNECTIONS", 16)

# --- language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = environment.text("LANGUAGE_CODE", "en")
DESK_LANGUAGE = LANGUAGE_CODE if LANGUAGE_CODE.startswith("en") else "en"  # it is translated into no other
TIME_ZONE = environment.text("TIME_ZONE", "UTC")
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]

# --- files ------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = DATA_DIR / "media"
PRIVATE_ROOT = DATA_DIR / "media-private"  # lists and archives that are being brought in; no URL leads here
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.ThriftyStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o644

# --- security ---------------------------------------------------------------------------------------------------------
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "object-src": [CSP.NONE],
    "worker-src": [CSP.SELF],
}
ADMIN_CSP = {  # unfold's Alpine evaluates expressions and sets styles; only /admin/ allows it
    **SECURE_CSP,
    "img-src": [CSP.SELF, "data:"],
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = _is_https and environment.boolean("SSL_REDIRECT", default=True)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^healthz/web$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if _is_https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _is_https
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if environment.boolean("BEHIND_PROXY", default=False) else None
)
TRUSTED_PROXIES = environment.networks("TRUSTED_PROXIES", environment.PRIVATE_NETWORKS)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = _is_https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"  # none in the database: they name people
X_FRAME_OPTIONS = "DENY"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"without_tokens": {"()": "config.logs.WithoutTokens"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING")},
    "loggers": {
        **{name: {"level": os.environ.get("LOG_LEVEL", "INFO")} for name in ("articles", "newsletter", "config")},
        **{name: {"filters": ["without_tokens"]} for name in ("django.request", "django.security.csrf")},
        # At DEBUG they write whole contexts and the parameters of queries: addresses and links.
        **{name: {"level": "INFO"} for name in ("django.template", "django.db.backends")},
    },
}

# --- the desk: unfold, in warm grays and one accent -------------------------------------------------------------------
UNFOLD = {
    "SITE_TITLE": "config.admin.navigation.site_name",
    "SITE_HEADER": "config.admin.navigation.site_name",
    "SITE_SUBHEADER": "Broadsheet",
    "SITE_SYMBOL": "newspaper",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": "config.admin.navigation.icon"}],
    "SITE_URL": "/",
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "4px",
    "STYLES": ["config.admin.navigation.stylesheet"],
    "SCRIPTS": ["config.admin.navigation.script"],
    "DASHBOARD_CALLBACK": "config.admin.dashboard.add_to_context",
    "SIDEBAR": {"navigation": "config.admin.navigation.sections"},
    "COLORS": {
        "base": {
            "50": "#faf8f5", "100": "#f3f0eb", "200": "#e5e0d8", "300": "#d0c9be", "400": "#a59d91", "500": "#736b61",
            "600": "#564f47", "700": "#423c36", "800": "#2b2723", "900": "#1d1a17", "950": "#12100e",
        },
        "primary": {
            "50": "#fbf4f1", "100": "#f6e6e0", "200": "#eccabf", "300": "#e0a795", "400": "#d88770", "500": "#d67c63",
            "600": "#8a2f1d", "700": "#76281a", "800": "#5f2217", "900": "#4d1e15", "950": "#2b0f0a",
        },
    },
}  # fmt: skip
