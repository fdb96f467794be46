"""Adding a feed: an address is looked at first, and what the feed has is shown before anything is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from articles.feeds import first_import, identity, network
from articles.feeds.discovering import Finding
from articles.feeds.first_import import FirstImport
from articles.feeds.network import AddressRefused
from articles.feeds.parsing import ParsedItem
from articles.models import Feed, Topic

CHOOSE = "choose"
MOST_SHOWN = 100
SALT = "articles.adding_feeds"


class AddressForm(forms.Form):
    url = forms.CharField(
        label=gettext_lazy("Address"), max_length=1000,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "url", "autocomplete": "url", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "Of the feed, or of the site: its feeds are looked for. Nothing is kept before you say so."
        ),
    )  # fmt: skip

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"].strip()
        if "://" not in url:
            url = f"https://{url}"
        try:
            network.check_address(url)
        except AddressRefused as refused:
            raise forms.ValidationError(str(refused)) from refused
        if known := Feed.objects.filter(url=url).first():
            raise forms.ValidationError(_("“%(feed)s” has this address already.") % {"feed": known})
        return url


class NewFeedForm(forms.ModelForm):  # type: ignore[type-arg]
    first = forms.ChoiceField(
        label=gettext_lazy("What to take of what it has now"),
        choices=[*FirstImport.choices, (CHOOSE, gettext_lazy("what is ticked below"))],
        initial=FirstImport.EVERYTHING, widget=UnfoldAdminRadioSelectWidget,
        help_text=gettext_lazy("At most its ten newest can be mailed; the rest never comes as news."),
    )  # fmt: skip
    shown = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = Feed
        fields = ["url", "title", "is_trusted", "topics", "poll_minutes"]
        widgets = {
            "url": forms.HiddenInput,
            "title": UnfoldAdminTextInputWidget,
            "is_trusted": UnfoldBooleanSwitchWidget,
            "topics": UnfoldAdminCheckboxSelectMultipleWidget,
            "poll_minutes": UnfoldAdminIntegerFieldWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        topics = self.fields["topics"]
        assert isinstance(topics, forms.ModelMultipleChoiceField)
        topics.queryset = Topic.objects.order_by("position", "name", "pk")
        topics.required = False

    def clean_url(self) -> str:
        return AddressForm.clean_url(self)  # type: ignore[arg-type]

    def clean_shown(self) -> list[Row]:
        try:
            return [Row(**row) for row in signing.loads(self.cleaned_data["shown"], salt=SALT)]
        except (signing.BadSignature, TypeError):
            raise forms.ValidationError(_("Please look at the address again.")) from None


@dataclass(frozen=True)
class Row:
    """An item as the page shows it and as it comes back with the form, signed."""

    identity: str
    title: str
    published_at: str = ""  # ISO 8601
    about: str = ""

    @classmethod
    def of(cls, item: ParsedItem) -> Row:
        date = item.published_at.isoformat() if item.published_at else ""
        about = [*item.authors[:3], *item.categories[:5], _("with a picture") if item.picture else ""]
        return cls(identity.of(item), item.title, date, ", ".join(filter(None, about))[:200])

    @property
    def date(self) -> datetime | None:
        return datetime.fromisoformat(self.published_at) if self.published_at else None


def new_feed_form(finding: Finding) -> NewFeedForm:
    """The second form, filled in with what was found."""
    assert finding.parsed is not None
    rows = [Row.of(item) for item in finding.parsed.items]
    shown = signing.dumps([row.__dict__ for row in rows if row.identity], salt=SALT, compress=True)
    return NewFeedForm(initial={"url": finding.url, "title": finding.parsed.title, "shown": shown})


def save(form: NewFeedForm, *, ticked: set[str], now: datetime) -> Feed:
    """The feed, due at once; what is not wanted of it is known already."""
    feed: Feed = form.save(commit=False)
    feed.next_poll_at = now
    feed.save()
    form.save_m2m()
    rows: list[Row] = form.cleaned_data["shown"]
    choice = form.cleaned_data["first"]
    if choice == CHOOSE:
        left_out = [row for row in rows if row.identity not in ticked]
    else:
        first = FirstImport(choice)
        left_out = [row for row in rows if not first_import.is_wanted(row.date, choice=first, now=now)]
    first_import.leave_out(feed, [(row.identity, row.title) for row in left_out], now)
    return feed
