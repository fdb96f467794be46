"""Where everything is reached. docs/interface.md lists the paths that the outside may rely on."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from articles import outlook
from config.media import serve_picture
from newsletter.delivery.disclosure import mails_to
from newsletter.digests.article_preview import mail_previews
from newsletter.engagement.disclosure import events_of, ratings_of
from newsletter.insights import article_list_standing, article_standing
from newsletter.subscribers.self_service import disclosure

# What readers may download of their own: each part tells what it holds.
disclosure.contribute("mails to you", mails_to)
disclosure.contribute("what was reported about mails to you", events_of)
disclosure.contribute("what you said of issues", ratings_of)

# What an article's page tells of newsletters: where it stands, what withdrawing it does, how mails show it.
outlook.contribute(
    standings=article_standing.standings, in_lists=article_list_standing.standings_in_list,
    effects=article_standing.effects_of_withdrawing, previews=mail_previews,
)  # fmt: skip

urlpatterns = [
    path("admin/", include("newsletter.insights.desk.urls")),
    path("admin/", include("newsletter.delivery.desk.urls")),
    path("admin/", include("newsletter.delivery.issue_desk.urls")),
    path("admin/", admin.site.urls),
    path("", include("newsletter.insights.urls")),
    path("", include("newsletter.engagement.urls")),
    path("newsletters/", include("newsletter.digests.urls")),
    path("", include("newsletter.subscribers.urls")),
    path("media/<path:path>", serve_picture, name="media"),
    path("", include("articles.urls")),
]
if settings.IS_MAILBOX_OPEN:
    urlpatterns.insert(1, path("mailbox/", include("newsletter.delivery.mailbox.urls")))
