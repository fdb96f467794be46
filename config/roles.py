"""The roles at the desk, as groups, and what each may do; docs/editing.md has it as a table.

The groups are made, and given exactly these permissions, whenever the database is brought up to date. Who wants other
rules makes groups of their own. What a permission means for one article ``articles/roles.py`` decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.utils.translation import gettext_noop

LOOK, WORK, ALL = ("view",), ("view", "add", "change"), ("view", "add", "change", "delete")


def _models(actions: Iterable[str], app: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app}.{action}_{model}" for model in models for action in actions)


_LOOK_AROUND = _models(LOOK, "articles", "article", "topic", "author") | _models(
    LOOK, "digests", "issue", "schedule", "appearance"
) | _models(LOOK, "subscribers", "newsletter")  # fmt: skip

AUTHOR = _models(LOOK, "articles", "topic", "author") | _models(ALL, "articles", "article")
EDITOR = (
    _LOOK_AROUND
    | _models(ALL, "articles", "article", "topic", "author")
    | _models(WORK, "articles", "feed")
    | _models(ALL, "articles", "categoryrule", "boilerplaterule")
    | _models(LOOK, "engagement", "rating")
    | {"articles.edit_any_article", "articles.publish_article", "digests.send_alert"}
    | _models(("change",), "digests", "issue", "issueitem")
    | _models(("view", "add"), "digests", "issueitem")
)
PUBLISHER = (
    EDITOR
    | _models(ALL, "articles", "feed")
    | _models(("view", "add"), "articles", "archive")
    | _models(("view", "change"), "articles", "publication")
    | _models(WORK, "digests", "issue", "schedule", "appearance")
    | _models(ALL, "digests", "offer")
    | {"digests.approve_issue"}
    | _models(WORK, "subscribers", "newsletter")
    | _models(("view", "change"), "delivery", "campaign")
    | _models(LOOK, "delivery", "send")
    | _models(("view", "delete"), "delivery", "transportoutage")
    | _models(WORK, "delivery", "speedlimit", "warmup")
    | _models(LOOK, "engagement", "event")
    | _models(LOOK, "digests", "edition", "editionitem", "link")
    | _models(WORK, "subscribers", "subscriber", "subscription", "suppression", "label", "maildomain")
    | _models(("view", "add"), "subscribers", "importrun")
    | _models(("view", "change"), "subscribers", "attack", "livesite")
    | _models(LOOK, "subscribers", "signup", "confirmationmail", "consentrecord", "consentwording", "welcomemail")
    | _models(LOOK, "subscribers", "farewell", "bulkaction", "addresschange", "personalmail")
)
ADVERTISING = _LOOK_AROUND | _models(ALL, "digests", "offer") | _models(ALL, "articles", "article")
EVERYTHING = frozenset({"*"})

ROLES: Mapping[str, frozenset[str]] = {
    gettext_noop("Author"): AUTHOR,
    gettext_noop("Editor"): EDITOR,
    gettext_noop("Publisher"): PUBLISHER,
    gettext_noop("Advertising"): ADVERTISING,
    gettext_noop("Owner"): EVERYTHING,
}


def keep_up(sender: AppConfig, using: str = "default", **_options: Any) -> None:
    """Make the groups, and give each exactly its permissions.

    Django calls it after migrating, for ``auth``: our own parts come before it, so their permissions exist by then.
    """
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    create_permissions(sender, verbosity=0, using=using)
    permissions = permission_model.objects.using(using).select_related("content_type")
    known = {f"{each.content_type.app_label}.{each.codename}": each for each in permissions}
    for name, granted in ROLES.items():
        group, _is_new = group_model.objects.using(using).get_or_create(name=name)
        group.permissions.set([each for key, each in known.items() if granted == EVERYTHING or key in granted])
