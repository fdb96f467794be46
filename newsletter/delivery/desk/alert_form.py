"""What an editor writes for an alert, and what the desk knows of whom it would reach."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from newsletter.digests import alerts
from newsletter.digests.alerts import Wording
from newsletter.subscribers.counting import readers_in_words
from newsletter.subscribers.models import Newsletter

MOST_HEADLINE, MOST_SENTENCE = 150, 400  # characters: a subject line, and a sentence or two


class NewsletterField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Each newsletter with ``4,102 readers; last alert 3 hours ago``."""

    def __init__(self, *, now: datetime, **options: Any) -> None:
        super().__init__(alerts.newsletters(), empty_label=None, **options)
        self._now = now
        self._readers = readers_in_words(alerts.newsletters())

    def label_from_instance(self, obj: Any) -> str:
        told = _("%(readers)s readers; %(last)s")
        last = last_in_words(obj, now=self._now)
        return f"{obj}: " + told % {"readers": self._readers.get(obj.pk, "0"), "last": last}


class AlertForm(forms.Form):
    headline = forms.CharField(
        label=gettext_lazy("Headline"), max_length=MOST_HEADLINE, strip=True,
        widget=UnfoldAdminTextInputWidget(attrs={"enterkeyhint": "next"}),
        help_text=gettext_lazy("Of this mail only: its subject, and what stands above the article."),
    )  # fmt: skip
    sentence = forms.CharField(
        label=gettext_lazy("One sentence"), max_length=MOST_SENTENCE, required=False, strip=True,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3, "autofocus": True}),
        help_text=gettext_lazy("It stands above the article. Empty: the mail has the headline and the summary alone."),
    )  # fmt: skip

    def __init__(self, *arguments: Any, now: datetime, **options: Any) -> None:
        super().__init__(*arguments, **options)
        field = NewsletterField(now=now, label=_("To"), widget=forms.RadioSelect)
        field.initial = alerts.newsletters().values_list("pk", flat=True).first()
        self.fields["newsletter"] = field

    @property
    def chosen(self) -> Newsletter:
        newsletter: Newsletter = self.cleaned_data["newsletter"]
        return newsletter

    @property
    def wording(self) -> Wording:
        return Wording(headline=self.cleaned_data["headline"], sentence=self.cleaned_data["sentence"])


def last_in_words(newsletter: Newsletter, *, now: datetime) -> str:
    """``last alert 3 hours ago``"""
    last = alerts.last_alert(newsletter)
    if last is None or last.launched_at is None:
        return _("no alert before")
    return _("last alert %(span)s ago") % {"span": timesince(last.launched_at, now, depth=1)}
