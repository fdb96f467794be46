from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from newsletter.engagement import views, webhooks

app_name = "engagement"
urlpatterns: list[URLPattern | URLResolver] = [
    path("rate/<str:token>/", views.rate, name="rate"),
    path("rate/<str:token>/<slug:answer>/", views.rate, name="rate_with"),
]
if settings.WEBHOOK_SECRET:  # without one nobody could tell a provider's report from a forged one
    webhooks.connect()
    urlpatterns.append(path("webhooks/", include("anymail.urls")))
