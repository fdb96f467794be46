"""The desk's sidebar: the sections in the order of an editor's day."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from articles.models import Publication

READERS = gettext_lazy("Readers")
# section -> (title, icon, app, model)
SECTIONS = {
    gettext_lazy("Desk"): [
        (gettext_lazy("Articles"), "article", "articles", "article"),
        (gettext_lazy("Topics"), "label", "articles", "topic"),
        (gettext_lazy("Authors"), "edit_note", "articles", "author"),
        (gettext_lazy("Feeds"), "rss_feed", "articles", "feed"),
        (gettext_lazy("Category rules"), "rule", "articles", "categoryrule"),
        (gettext_lazy("Boilerplate rules"), "content_cut", "articles", "boilerplaterule"),
        (gettext_lazy("Archives"), "inventory_2", "articles", "archive"),
    ],
    gettext_lazy("Newsletters"): [
        (gettext_lazy("Issues"), "newspaper", "digests", "issue"),
        (gettext_lazy("Newsletters"), "mail", "subscribers", "newsletter"),
        (gettext_lazy("Schedules"), "schedule", "digests", "schedule"),
        (gettext_lazy("Offers"), "sell", "digests", "offer"),
    ],
    READERS: [
        (gettext_lazy("Subscribers"), "group", "subscribers", "subscriber"),
        (gettext_lazy("Subscriptions"), "playlist_add_check", "subscribers", "subscription"),
        (gettext_lazy("Sign-ups"), "how_to_reg", "subscribers", "signup"),
        (gettext_lazy("Suppression list"), "block", "subscribers", "suppression"),
        (gettext_lazy("Import and export"), "import_export", "subscribers", "importrun"),
        (gettext_lazy("Reasons for leaving"), "waving_hand", "subscribers", "farewell"),
        (gettext_lazy("Consent"), "verified_user", "subscribers", "consentrecord"),
        (gettext_lazy("Labels"), "bookmark", "subscribers", "label"),
        (gettext_lazy("Bulk actions"), "checklist", "subscribers", "bulkaction"),
        (gettext_lazy("Sign-up protection"), "shield", "subscribers", "attack"),
        (gettext_lazy("Mail domains"), "domain_disabled", "subscribers", "maildomain"),
    ],
    gettext_lazy("Delivery"): [
        (gettext_lazy("Campaigns"), "rocket_launch", "delivery", "campaign"),
        (gettext_lazy("Sends"), "receipt_long", "delivery", "send"),
        (gettext_lazy("Events"), "monitor_heart", "engagement", "event"),
        (gettext_lazy("Speed limits"), "speed", "delivery", "speedlimit"),
        (gettext_lazy("Warm-up plans"), "trending_up", "delivery", "warmup"),
    ],
    gettext_lazy("Settings"): [
        (gettext_lazy("Publication"), "style", "articles", "publication"),
        (gettext_lazy("Editors"), "manage_accounts", "auth", "user"),
    ],
}


def stylesheet(request: HttpRequest) -> str:
    return static("css/admin.css")


def script(request: HttpRequest) -> str:
    return static("js/desk.js")


def site_name(request: HttpRequest) -> str:
    return Publication.current().title


def icon(request: HttpRequest) -> str:
    return static("icons/icon.svg")


def sections(request: HttpRequest) -> list[dict[str, Any]]:
    """What this user may look at."""
    shown: list[dict[str, Any]] = [{"items": [{"title": _("Today"), "icon": "home", "link": reverse("admin:index")}]}]
    for title, entries in SECTIONS.items():
        shown.append({"title": str(title), "items": [_entry(request, *entry) for entry in entries]})
    if request.user.has_perm("digests.send_alert"):
        shown[0]["items"].append({"title": _("Send an alert"), "icon": "bolt", "link": reverse("sending:alert")})
    if request.user.has_perm("subscribers.view_subscription"):
        growth = {"title": _("Growth"), "icon": "trending_up", "link": reverse("desk:growth")}
        next(each for each in shown if each.get("title") == str(READERS))["items"].insert(1, growth)
    if request.user.has_perm("engagement.view_rating"):
        answers = {"title": _("What readers think"), "icon": "thumbs_up_down", "link": reverse("desk:answers")}
        next(each for each in shown if each.get("title") == str(READERS))["items"].insert(2, answers)
    if settings.IS_MAILBOX_OPEN:
        mailbox = {"title": _("Mailbox"), "icon": "inbox", "link": reverse("mailbox:list")}
        shown[-2]["items"].append(mailbox)  # with what is on its way
    return shown


def _entry(request: HttpRequest, title: object, icon: str, app: str, model: str) -> dict[str, Any]:
    may_view = request.user.has_perm(f"{app}.view_{model}")
    return {
        "title": str(title),
        "icon": icon,
        "link": reverse(f"admin:{app}_{model}_changelist"),
        "permission": lambda _request: may_view,
    }
