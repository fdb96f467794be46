"""The desk's pages for topics and authors."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from articles.desk import DeskAdmin, display
from articles.models import Author, Topic


@admin.register(Topic)
class TopicAdmin(DeskAdmin[Topic]):
    list_display = ["name", "description", "article_count"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    ordering = ["position", "name", "pk"]
    ordering_field = "position"
    hide_ordering_field = True
    fields = ["name", "slug", "description"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        return super().get_queryset(request).annotate(article_count=Count("articles"))

    @display(description=gettext_lazy("articles"), ordering="article_count")
    def article_count(self, topic: Any) -> int:
        return int(topic.article_count)


@admin.register(Author)
class AuthorAdmin(DeskAdmin[Author]):
    list_display = ["name", "article_count"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Author]:
        return super().get_queryset(request).annotate(article_count=Count("articles"))

    @display(description=gettext_lazy("articles"), ordering="article_count")
    def article_count(self, author: Any) -> int:
        return int(author.article_count)
