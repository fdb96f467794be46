"""Providers' APIs through django-anymail: one call for many readers where the provider can."""
