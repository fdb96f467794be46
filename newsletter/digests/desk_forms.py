"""Forms of the desk for newsletters and issues: choices instead of codes, checked before they are kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import time
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
)

from articles.desk import DeskForm
from newsletter.digests.models import Issue, IssueItem
from newsletter.digests.schedule_form import DatesField, WeekdaysField, time_zone_field
from newsletter.digests.scheduling import times_of
from newsletter.digests.versions import StaleError, refuse_stale
from newsletter.lib.addresses import InvalidAddress, address_key, parse_address
from newsletter.subscribers import counting, lowering
from newsletter.subscribers.models import Cadence, Newsletter

MOST_TEST_ADDRESSES = 10


class AddressesField(forms.CharField):
    """Mail addresses, one a line or with spaces or commas between them; kept as a list, each once."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3, "inputmode": "email", "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        words = re.split(r"[,;\s]+", str(value or "").strip())
        found: dict[str, str] = {}
        for word in filter(None, words[: 10 * MOST_TEST_ADDRESSES]):
            try:
                address = parse_address(word)
            except InvalidAddress as error:
                raise forms.ValidationError(f"{word[:80]}: {error}") from None
            found.setdefault(address_key(address), address)
        if len(found) > MOST_TEST_ADDRESSES:
            raise forms.ValidationError(_("These are more than %(count)d addresses.") % {"count": MOST_TEST_ADDRESSES})
        return list(found.values())

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or []))
        except forms.ValidationError:
            return True


class NewsletterForm(DeskForm[Newsletter]):
    cadences = forms.MultipleChoiceField(
        label=gettext_lazy("Offered cadences"),
        choices=Cadence.choices,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("What readers of a digest may choose from. Each needs a schedule, or nothing is sent."),
    )
    time_zone = time_zone_field(
        label=gettext_lazy("Time zone"), initial=settings.TIME_ZONE, help_text=gettext_lazy("Of its dates and times.")
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES, initial="en")
    offered_weekdays = WeekdaysField(
        label=gettext_lazy("Days to choose from"),
        help_text=gettext_lazy("For weekly readers: the weekly schedule then makes an issue on each of these days."),
    )
    quiet_dates = DatesField(
        label=gettext_lazy("Quiet days"), required=False,
        help_text=gettext_lazy("One a line, or 2026-12-24 to 2027-01-02. No issue goes out; articles wait."),
    )  # fmt: skip

    test_addresses = AddressesField(
        label=gettext_lazy("Test mails go to"), required=False,
        help_text=gettext_lazy("Addresses, one a line, ten at most: who looks at an issue before it goes out. They "
                               "need not be readers. Empty: whoever sends the test."),
    )  # fmt: skip

    class Meta:
        model = Newsletter
        exclude = ["position", "accent_color"]
        widgets = {
            "consent_text": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "welcome_text": UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        }
        help_texts = {
            "slug": gettext_lazy("The end of its address; it cannot be changed later."),
            "kind": gettext_lazy("A digest is filled from new articles; the others are written by hand."),
            "description": gettext_lazy("One sentence on the sign-up page: what comes, and how often."),
            "is_open": gettext_lazy("Closed, it still goes to those who have it."),
            "reply_address": gettext_lazy("Empty: to the sender's address."),
            "sends_welcome": gettext_lazy("Once, right after somebody has confirmed, with a link to the latest issue."),
            "welcome_has_best": gettext_lazy(
                "Up to five articles in the topics that the reader chose. The digest then brings them others."
            ),
            "quiet_from": gettext_lazy("No hour of these can be chosen, and no article goes out by itself."),
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        offered, usual = cleaned.get("cadences"), cleaned.get("default_cadence")
        if offered and usual and usual not in offered:
            self.add_error("default_cadence", _("Choose one of the offered cadences."))
        if offered is not None:
            for cadence in Cadence:
                if cadence in self.initial.get("cadences", []) and cadence not in offered:
                    self._refuse_to_drop(cadence, offered)
        if (cleaned.get("quiet_from") is None) != (cleaned.get("quiet_until") is None):
            self.add_error("quiet_until", _("Quiet hours need a beginning and an end."))
        for name, at in self._runs_in_quiet_hours(cleaned):
            told = _("“%(schedule)s” runs at %(time)s, which is in them: move it first.")
            self.add_error("quiet_from", told % {"schedule": name, "time": f"{at:%H:%M}"})
        if (cleaned.get("sends_from") is None) != (cleaned.get("sends_until") is None):
            self.add_error("sends_until", _("The hours in which mails are handed over need a beginning and an end."))
        return cleaned

    def _runs_in_quiet_hours(self, cleaned: dict[str, Any]) -> Iterator[tuple[str, time]]:
        """Of its schedules those whose time would be quiet: of each the first such time."""
        asked = Newsletter(quiet_from=cleaned.get("quiet_from"), quiet_until=cleaned.get("quiet_until"))
        if not self.instance.pk or not {"quiet_from", "quiet_until"} & set(self.changed_data):
            return
        for schedule in self.instance.schedules.filter(is_active=True).exclude(cadence=Cadence.IMMEDIATE):
            quiet = [at for at in times_of(schedule) if asked.is_quiet_at(at)]
            if quiet:
                yield str(schedule.get_cadence_display()), quiet[0]

    def _refuse_to_drop(self, cadence: Cadence, offered: Collection[str]) -> None:
        """Readers who chose it would get nothing, or more than they wanted: nobody is moved upwards."""
        readers = counting.bounded(lowering.having(self.instance).filter(cadence=cadence))
        if not readers.count:
            return
        told = ngettext("%(count)s reader gets it %(cadence)s.", "%(count)s readers get it %(cadence)s.", readers.count)
        told %= {"count": readers.in_words, "cadence": cadence.label}
        advice = _("Nothing rarer is offered, and nobody is moved upwards: go on offering it.")
        rarer = Cadence.values[Cadence.values.index(cadence) + 1 :]
        if any(value in offered for value in rarer):
            advice = _(
                "First save a rarer usual cadence and use “Move readers to the usual cadence”; then take it away."
            )
        self.add_error("cadences", f"{told} {advice}")


class IssueForm(DeskForm[Issue]):
    class Meta:
        model = Issue
        exclude: ClassVar[list[str]] = []

    @property
    def seen(self) -> int | None:
        """The version that the page showed."""
        told = str(self.data.get("seen", ""))
        return int(told) if told.isdecimal() else None

    def clean(self) -> dict[str, Any]:
        """What somebody else changed meanwhile is not overwritten unseen."""
        cleaned = super().clean() or self.cleaned_data
        if self.instance.pk and self.seen is not None:
            try:
                refuse_stale(self.instance, seen=self.seen, touching=self.changed_data)
            except StaleError as error:
                raise forms.ValidationError(str(error)) from error
        return cleaned


class ItemForm(DeskForm[IssueItem]):
    class Meta:
        model = IssueItem
        fields = ["position", "state", "title", "summary"]
        widgets = {"summary": UnfoldAdminTextareaWidget(attrs={"rows": 1})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """In a table nothing but the head of a column names a field: each says its name, and which story's it is."""
        super().__init__(*args, **kwargs)
        story = self.instance.article.title if self.instance.pk else ""
        for name in ("state", "title", "summary"):
            field = self.fields[name]
            field.widget.attrs["aria-label"] = f"{field.label}: {story}"
