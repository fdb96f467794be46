from django.urls import path

from newsletter.digests import views

app_name = "digests"
urlpatterns = [
    path("", views.newsletters, name="newsletters"),
    path("<slug:slug>/", views.newsletter, name="newsletter"),
    path("<slug:slug>/feed.xml", views.issue_feed, {"kind": "rss"}, name="feed"),
    path("<slug:slug>/atom.xml", views.issue_feed, {"kind": "atom"}, name="feed_atom"),
    path("<slug:slug>/latest/", views.latest, name="latest"),
    path("<slug:slug>/issues/<int:number>/", views.issue, name="issue"),
    path("<slug:slug>/letters/<str:token>/", views.private_issue, name="private_issue"),
]
