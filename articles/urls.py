from django.urls import path

from articles import views
from articles.feeds.views import push

app_name = "articles"
urlpatterns = [
    path("", views.front, name="front"),
    path("articles/<slug:slug>/", views.article, name="article"),
    path("topics/<slug:slug>/", views.topic, name="topic"),
    path("feed.xml", views.feed, name="feed"),
    path("feeds/push/<str:token>/", push, name="push"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("robots.txt", views.robots, name="robots"),
]
