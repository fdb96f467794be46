"""What a publisher copies into other pages to put a newsletter's form there."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import override

from newsletter.subscribers.models import Newsletter
from newsletter.subscribers.protection import HONEYPOT

HEIGHT = 720  # CSS pixels: the form of a newsletter with two cadences on a phone


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to copy. ``name`` is part of an element's id."""

    name: str
    title: str
    explanation: str
    code: str


def embed_url(newsletter: Newsletter) -> str:
    return settings.SITE_URL + reverse("subscribers:embed", kwargs={"slug": newsletter.slug})


def snippets_of(newsletter: Newsletter) -> list[Snippet]:
    """Every way to put the form somewhere, the easiest first. Words in the code are in the newsletter's language."""
    with override(newsletter.language):
        codes = {"script": _script(newsletter), "frame": _frame(newsletter), "form": _form(newsletter)}
    return [
        Snippet(
            "script", _("One line"),
            _("For most pages. It sets no cookie, asks nobody else, and is as high as the form. "
              "Where the page forbids frames, it is a link."),
            codes["script"],
        ),
        Snippet("frame", _("A frame"), _("Where scripts are not allowed. Change the height if it does not fit."),
                codes["frame"]),
        Snippet("form", _("A plain form"), _("Looks like the page around it; leads to a page of this site."),
                codes["form"]),
        Snippet("json", _("For programs"),
                _("Answers 202 for every address that can be one, 422 with the fields that are wrong, and 429 when it "
                  "was too much. A “suggestion” in the answer is what may have been meant."),
                _json(newsletter)),
    ]  # fmt: skip


def _title(newsletter: Newsletter) -> str:
    return _("Sign up for “%(newsletter)s”") % {"newsletter": newsletter.name}


def _script(newsletter: Newsletter) -> str:
    url = settings.SITE_URL + reverse("subscribers:embed_script")
    title = escape(_title(newsletter))
    return f'<script src="{url}" data-newsletter="{newsletter.slug}" data-title="{title}" async></script>'


def _frame(newsletter: Newsletter) -> str:
    url, title = embed_url(newsletter), escape(_title(newsletter))
    return f'<iframe src="{url}" title="{title}" width="100%" height="{HEIGHT}" frameborder="0"></iframe>'


def _form(newsletter: Newsletter) -> str:
    label, button, trap = (escape(text) for text in (_("E-mail address"), _("Sign up"), _("Leave this empty")))
    lines = [
        f'<form method="post" action="{_subscribe_url()}">',
        f'  <input type="hidden" name="newsletters" value="{newsletter.slug}">',
        f'  <label>{label} <input type="email" name="email" autocomplete="email" required></label>',
        f'  <label hidden>{trap} <input name="{HONEYPOT}" tabindex="-1" autocomplete="off"></label>',
        f"  <button>{button}</button>",
        f"  <p>{escape(newsletter.consent_text)}</p>",
        "</form>",
    ]
    return "\n".join(lines)


def _json(newsletter: Newsletter) -> str:
    body = json.dumps({"email": "ada@example.org", "newsletters": [newsletter.slug]})
    return (
        f"curl {_subscribe_url()} -H 'Content-Type: application/json' -H 'Accept: application/json' \\\n  -d '{body}'"
    )


def _subscribe_url() -> str:
    return settings.SITE_URL + reverse("subscribers:sign_up")
