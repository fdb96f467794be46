"""A trial of every mail template with made-up values, so that a broken one is found before a reader is mailed.

No database is asked: what is tried are the templates, ours or those that MAIL_TEMPLATES_DIR puts in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace

from django.conf import settings
from django.template import TemplateDoesNotExist, TemplateSyntaxError
from django.utils import translation

from articles.mail_look import Logo, mail_look
from newsletter.digests import blocks, trial_mails
from newsletter.digests.blocks import RenderingError
from newsletter.digests.models import Issue
from newsletter.lib import mail
from newsletter.subscribers.models import Cadence, Newsletter, Subscription

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
ADDRESSES = (
    "confirm_url",
    "preferences_url",
    "unsubscribe_url",
    "undo_url",
    "keep_url",
    "less_url",
    "leave_url",
    "latest_url",
    "page_url",
    "url",
)
# A mail without these would be of no use, or against the law.
NEEDED = {
    "address_changed": ["undo_url"],
    "confirm_address": ["confirm_url"],
    "confirmation": ["confirm_url"],
    "my_link": ["preferences_url"],
    "new_link": ["preferences_url"],
    "still_interested": ["keep_url", "leave_url"],
    "welcome": ["unsubscribe_url"],
}
MAILS = (
    "address_changed", "already_subscribed", "attack_mode", "attack_over", "cadence_lowered", "campaign_paused",
    "confirm_address",
    "confirmation", "issue_held", "issue_opened", "my_link", "new_link", "still_interested", "welcome",
)  # fmt: skip


def problems() -> Iterator[str]:
    """A sentence for each mail that cannot be made, with the template's name and what is wrong."""
    blocks.forget()
    for name in MAILS:
        yield from _tried(f"email/{name}", partial(_try_mail, name))
    for trial in trial_mails.trials(now=NOW):
        yield from _tried(f"email/digest ({trial.name})", trial.run)


def _tried(name: str, run: Callable[[], object]) -> Iterator[str]:
    try:
        run()
    except RenderingError as error:
        yield str(error)
    except (TemplateDoesNotExist, TemplateSyntaxError, ValueError, TypeError, LookupError, AttributeError) as error:
        yield f"{name}: {error}"


def _try_mail(name: str) -> None:
    values = _values()
    with translation.override(settings.LANGUAGE_CODE):
        parts = mail.render_parts(name, values)
    for needed in NEEDED.get(name, []):
        if not all(str(values[needed]) in part for part in (parts.text, parts.html)):
            raise ValueError(f"{{{{ {needed} }}}} must be in body.txt and body.html")


def _values() -> dict[str, object]:
    """What any of our mails shows; each takes what it knows."""
    newsletter = Newsletter(
        pk=1, name="Latest news", slug="sample", description="Each morning.", sender_name="The Harbor Gazette",
        postal_address="1 Quay Street, Port Example", welcome_text="Good to have you.",
    )  # fmt: skip
    subscription = Subscription(newsletter=newsletter, cadence=Cadence.WEEKLY)
    site = settings.SITE_URL
    return {
        **vars(mail_look(accent="#8a2f1d")),
        **{name: f"{site}/{name}/of-a-trial/" for name in ADDRESSES},
        "logo": Logo(f"{site}/media/logo.png", 300, 60), "start": "left", "end": "right", "slant": "italic",
        "site_name": "The Harbor Gazette", "site_url": site, "language": "en", "direction": "ltr",
        "newsletter": newsletter, "newsletters": [newsletter], "subscription": subscription, "days": 7,
        "new_address": "new@example.org", "quiet_minutes": 60, "mails_per_hour": 200, "is_proof_asked": True,
        "stories": [SimpleNamespace(headline="A headline", summary="A summary.", url=f"{site}/articles/a/")],
        "attack": SimpleNamespace(peak=120, started_at=NOW, ended_at=NOW),
        "lowered": [SimpleNamespace(subscription=subscription, before=SimpleNamespace(label="once a day"))],
        "issue": Issue(newsletter=newsletter, number=7, send_at=NOW, reason="waits for an approval"),
        "story_count": 8, "needs_approval": True,
    }  # fmt: skip
