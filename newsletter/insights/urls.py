from django.urls import path

from newsletter.insights import views

app_name = "insights"
urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("healthz/web", views.healthz_web, name="healthz_web"),
    path("metrics", views.prometheus, name="metrics"),
]
