"""The issue desk, under the admin."""

from django.urls import path

from newsletter.delivery.issue_desk import views

app_name = "issue_desk"
urlpatterns = [
    path("issue-desk/<int:pk>/", views.desk, name="desk"),
    path("issue-desk/<int:pk>/state/", views.state, name="state"),
    path("issue-desk/<int:pk>/here/", views.here, name="here"),
    path("issue-desk/<int:pk>/preview/", views.preview, name="preview"),
    path("issue-desk/<int:pk>/find/", views.find_articles, name="find"),
    path("issue-desk/<int:pk>/versions/", views.version_list, name="versions"),
    path("issue-desk/<int:pk>/as-reader/", views.as_one_reader, name="as_reader"),
]
