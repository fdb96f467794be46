"""What the forms of this part send, as they are sent, turned into checked values."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.core.validators import slug_re
from django.http import HttpRequest, QueryDict
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _

from newsletter.lib.addresses import InvalidAddress, parse_address
from newsletter.lib.headers import one_line
from newsletter.lib.mail import header_text
from newsletter.lib.misspellings import meant
from newsletter.subscribers.hygiene import Verdict, verdict_on
from newsletter.subscribers.measuring import FIELD
from newsletter.subscribers.models import Newsletter, Subscriber
from newsletter.subscribers.preferences import Choice, Preferences
from newsletter.subscribers.protection import TIME_FIELD, client_address, is_timely, is_unproven
from newsletter.subscribers.shield import tally
from newsletter.subscribers.signup import SignUpForm

MAX_SLUGS = 200
MAX_NAME = Subscriber._meta.get_field("name").max_length
CHOICE_FIELD = "address_choice"  # "suggested" or "typed", from the buttons under "did you mean …?"
COMPLAINTS = {
    Verdict.DISPOSABLE: _(
        "We take no addresses of this domain, such as throw-away ones. Please use one that you keep."
    ),
    Verdict.NO_MAIL: _("No mail can reach this address: its domain takes none. Please check it."),
}


class SubscribeForm(forms.Form):
    """POST /subscribe/. Only the address and one newsletter are needed; what is odd in the rest is left out."""

    email = forms.Field(required=False)

    def __init__(self, request: HttpRequest, sent: QueryDict | None = None) -> None:
        self.sent: QueryDict = request.POST if sent is None else sent
        super().__init__(self.sent)
        self.request = request
        self.verdict = Verdict.WELCOME
        self.suggestion = ""

    def clean_email(self) -> str:
        typed = (self.cleaned_data["email"] or "").strip()
        if self.sent.get(CHOICE_FIELD) == "suggested":
            typed = meant(typed) or typed
        try:
            address = parse_address(typed)
        except InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error
        self.suggestion, self.verdict = meant(address), verdict_on(address)
        if complaint := COMPLAINTS.get(self.verdict):
            hint = _("Did you mean %(address)s?") % {"address": self.suggestion} if self.suggestion else ""
            raise forms.ValidationError(f"{complaint} {hint}".strip())
        return address

    @property
    def has_chosen_address(self) -> bool:
        """Whoever typed it was asked whether another address was meant, and has answered."""
        return self.sent.get(CHOICE_FIELD) in {"suggested", "typed"}

    def clean(self) -> dict[str, Any]:
        wanted = _slugs(self.sent, "newsletters")
        self.newsletters = tuple(Newsletter.objects.open().filter(slug__in=wanted).values_list("slug", flat=True))
        if not self.newsletters:
            self.add_error(None, _("Please choose at least one newsletter."))
        if not is_timely(self.sent.get(TIME_FIELD, "")):
            tally.note(tally.Layer.TIME)
            self.add_error(None, _("This form was too old or sent very quickly. Please send it once more."))
        return self.cleaned_data

    def sign_up_form(self) -> SignUpForm:
        """The checked request. Call it only on a valid form."""
        request = self.request
        return SignUpForm(
            email=self.cleaned_data["email"],
            newsletters=self.newsletters,
            topics=_slugs(self.sent, "topics"),
            cadence=self.sent.get("cadence", ""),
            name=clean_name(self.sent.get("name", "")),
            language=known_language(self.sent.get("language", "")),
            time_zone=known_zone(self.sent.get("time_zone", "")),
            page_url=self.page_url,
            ip_address=client_address(request),
            is_unproven=is_unproven(self.sent, email=self.cleaned_data["email"]),
            asks_measuring=FIELD in self.sent,
            user_agent=one_line(request.headers.get("User-Agent", ""))[:300],
        )

    @property
    def page_url(self) -> str:
        """The page that the form stood on, as far as its field or the browser says."""
        url = one_line(self.sent.get("page_url") or self.request.headers.get("Referer", ""))
        return url[:1000] if url.startswith(("https://", "http://")) else ""


def clean_name(text: str) -> str:
    """On one line, and without characters that would turn the direction of the text around it."""
    return header_text(text)[:MAX_NAME].strip()


def known_language(code: str) -> str:
    return code if code in dict(settings.LANGUAGES) and check_for_language(code) else ""


def known_zone(name: str) -> str:
    return name if name in available_timezones() else ""


def parse_preferences(sent: QueryDict, newsletters: list[Newsletter], *, today: date) -> Preferences:
    """What the preferences page sends: ``wanted`` slugs, and for each ``cadence-<slug>``, ``topics-<slug>`` and so on.

    A pause that would be over on ``today`` is none.
    """
    wanted = set(sent.getlist("wanted"))
    return Preferences(
        name=clean_name(sent.get("name", "")),
        language=known_language(sent.get("language", "")),
        time_zone=known_zone(sent.get("time_zone", "")),
        format=_format(sent.get("format", "")),
        paused_until=_coming_date(sent.get("paused_until", ""), today),
        allows_measuring=FIELD in sent,
        choices=tuple(
            Choice(
                newsletter=newsletter,
                is_wanted=newsletter.slug in wanted,
                cadence=sent.get(f"cadence-{newsletter.slug}", ""),
                topics=_slugs(sent, f"topics-{newsletter.slug}"),
                hour=_number(sent.get(f"hour-{newsletter.slug}", ""), 24),
                weekday=_number(sent.get(f"weekday-{newsletter.slug}", ""), 7),
            )
            for newsletter in newsletters
        ),
    )


def _slugs(sent: QueryDict, field: str) -> tuple[str, ...]:
    """What can be a slug at all: a NUL, for one, would make PostgreSQL refuse the query."""
    return tuple(text for text in sent.getlist(field)[:MAX_SLUGS] if slug_re.fullmatch(text))


def _format(text: str) -> str:
    return text if text in Subscriber.Format.values else Subscriber.Format.HTML.value


def _number(text: str, end: int) -> int | None:
    """A whole number from 0 up to, but not including, ``end``."""
    number = int(text) if len(text) <= 2 and text.isascii() and text.isdecimal() else end
    return number if number < end else None


def _coming_date(text: str, today: date) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day > today else None
