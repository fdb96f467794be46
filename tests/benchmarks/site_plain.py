"""What one writes in an hour: Django as it comes, with every story looked up on its own and nothing kept."""

# ruff: noqa: F403 (settings are one long list of names)

from __future__ import annotations

from config.settings import *

ROOT_URLCONF = "tests.benchmarks.site_plain_urls"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
