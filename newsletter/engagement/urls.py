from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from newsletter.engagement import webhooks

app_name = "engagement"
urlpatterns: list[URLPattern | URLResolver] = []
if settings.WEBHOOK_SECRET:  # without one nobody could tell a provider's report from a forged one
    webhooks.connect()
    urlpatterns.append(path("webhooks/", include("anymail.urls")))
