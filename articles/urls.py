from django.urls import path

from articles import views
from articles.feeds.views import push

app_name = "articles"
urlpatterns = [
    path("", views.front, name="front"),
    path("articles/<slug:slug>/", views.article, name="article"),
    path("topics/<slug:slug>/", views.topic, name="topic"),
    path("authors/<slug:slug>/", views.author, name="author"),
    path("search/", views.search, name="search"),
    path("archive/", views.archive, name="archive"),
    path("archive/<int:year>/<int:month>/", views.month, name="month"),
    path("feed.xml", views.feed, {"kind": "rss"}, name="feed"),
    path("atom.xml", views.feed, {"kind": "atom"}, name="feed_atom"),
    path("feed.json", views.feed, {"kind": "json"}, name="feed_json"),
    path("topics/<slug:slug>/feed.xml", views.topic_feed, {"kind": "rss"}, name="topic_feed_rss"),
    path("topics/<slug:slug>/atom.xml", views.topic_feed, {"kind": "atom"}, name="topic_feed_atom"),
    path("topics/<slug:slug>/feed.json", views.topic_feed, {"kind": "json"}, name="topic_feed_json"),
    path("feeds/push/<str:token>/", push, name="push"),
    path("sitemap.xml", views.sitemap, name="sitemap"),
    path("sitemaps/pages.xml", views.sitemap_of_pages, name="sitemap_of_pages"),
    path("sitemaps/articles-<int:number>.xml", views.sitemap_of_articles, name="sitemap_of_articles"),
    path("news-sitemap.xml", views.news_sitemap, name="news_sitemap"),
    path("robots.txt", views.robots, name="robots"),
    path("look/<str:accent>-<str:typeface>.css", views.look, name="look"),
]
