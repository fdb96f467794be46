"""The desk's pages that look at several parts at once; under the admin, and for its users only."""

from django.urls import path

from newsletter.insights.desk import views

app_name = "desk"
urlpatterns = [
    path("today/", views.today_now, name="today"),
    path("readers/<int:pk>/", views.timeline, name="timeline"),
    path("readers/<int:pk>/issues/", views.issues, name="issues"),
    path("readers/<int:pk>/why/", views.why, name="why"),
    path("growth/", views.growth, name="growth"),
    path("answers/", views.answers, name="answers"),
    path("answers/<int:pk>/", views.answers_to, name="answers_to"),
]
