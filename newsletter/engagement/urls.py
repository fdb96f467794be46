from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from newsletter.engagement import views, webhooks

app_name = "engagement"
urlpatterns: list[URLPattern | URLResolver] = [
    path("rate/<str:token>/", views.rate, name="rate"),
    path("rate/<str:token>/<slug:answer>/", views.rate, name="rate_with"),
    path("c/<str:token>/", views.click, name="click"),
    path("c/<str:token>/<int:number>/", views.click, name="follow"),
    path("o/<str:token>/", views.opened, name="open"),
]
if settings.WEBHOOK_SECRET:  # without one nobody could tell a provider's report from a forged one
    webhooks.connect()
    urlpatterns.append(path("webhooks/", include("anymail.urls")))
