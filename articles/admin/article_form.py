"""The form of an article: what may be typed, and that nobody saves over what they have not seen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.html import linebreaks
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from articles import pictures
from articles.desk import DeskForm
from articles.models import Article
from articles.sanitizing import clean_html
from articles.writing import revisions

MARKUP = re.compile(
    r"</?(p|br|div|h[1-6]|ul|ol|li|a|em|strong|b|i|blockquote|figure|img|table|pre|script)\b", re.IGNORECASE
)
# What reads well in an inbox; the form measures while one types.
TITLE_LENGTH, SUMMARY_LENGTH = (10, 78), (40, 240)


def measured(length: tuple[int, int]) -> dict[str, Any]:
    return {"data-shortest": length[0], "data-longest": length[1]}


class ArticleForm(DeskForm[Article]):
    """Text may be typed plainly; pictures are decoded before anything is kept of them.

    ``base`` is the digest of the version that the page showed. If the article says something else by now, the form
    refuses, ``conflict`` holds what it says, and the page can show both; sending it again then is deliberate.
    """

    working_values: Mapping[str, list[str]] | None = None  # a working copy's, to show instead of the article's own
    working_base = ""

    base = forms.CharField(required=False, widget=forms.HiddenInput)
    copy_pk = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Article
        exclude = ["status"]  # a status changes by what is done, never by hand
        widgets = {
            "summary": UnfoldAdminTextareaWidget(attrs={"rows": 3, "dir": "auto"}),
            "body": UnfoldAdminTextareaWidget(attrs={"rows": 18, "dir": "auto", "data-editor": ""}),
            "newsletter_title": UnfoldAdminTextInputWidget(attrs={"dir": "auto", **measured(TITLE_LENGTH)}),
            "newsletter_summary": UnfoldAdminTextareaWidget(
                attrs={"rows": 3, "dir": "auto", **measured(SUMMARY_LENGTH)}
            ),
        }
        help_texts = {
            "body": gettext_lazy(
                "Plain text, with an empty line between paragraphs; or HTML: headings (h2), lists, links, quotes. "
                "What is unsafe is removed."
            ),
            "slug": gettext_lazy("The end of the article's address. Empty: made from the headline."),
            "newsletter_title": gettext_lazy("Empty: the headline above. 10 to 78 characters fit an inbox."),
            "newsletter_summary": gettext_lazy("Empty: the summary above. 40 to 240 characters read well in a mail."),
            "embargo_until": gettext_lazy("Publishing it earlier keeps it hidden until then."),
            "expires_at": gettext_lazy("No newsletter carries it after that."),
            "picture_alt": gettext_lazy("What one would say to somebody who cannot see it."),
            "canonical_url": gettext_lazy("Where it was published first, if that was elsewhere."),
            "language": gettext_lazy("As in “en” or “pt-br”. Empty: the site's."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflict: revisions.Content | None = None
        if self.instance.pk and not self.is_bound:
            self.initial["base"] = revisions.digest_of(self.instance)
        if self.working_values is not None and not self.is_bound:
            self._show_working_copy(self.working_values)
        if "title" in self.fields:
            self.fields["title"].widget.attrs["dir"] = "auto"

    def _show_working_copy(self, values: Mapping[str, list[str]]) -> None:
        typed = QueryDict(mutable=True)
        for name, texts in values.items():
            typed.setlist(name, texts)
        for name, field in self.fields.items():
            if name not in {"base", "copy_pk"} and not isinstance(field, forms.FileField):
                self.initial[name] = field.widget.value_from_datadict(typed, {}, name)
        self.initial["base"] = self.working_base

    def clean_body(self) -> str:
        body = self.cleaned_data["body"].replace("\r\n", "\n")
        return clean_html(body if MARKUP.search(body) else linebreaks(body, autoescape=True))

    def clean_picture(self) -> Any:
        picture = self.cleaned_data["picture"]
        if picture and "picture" in self.changed_data:
            try:
                pictures.render(picture.read(pictures.MAX_BYTES + 1))
            except pictures.PictureError as error:
                raise forms.ValidationError(str(error)) from error
        return picture

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        has_new_picture = cleaned.get("picture") and "picture" in self.changed_data
        if has_new_picture and not cleaned.get("picture_alt"):
            self.add_error("picture_alt", _("Describe the picture in a few words, for readers who cannot see it."))
        if self.instance.pk:
            self._refuse_if_stale(str(cleaned.get("base", "")))
        return cleaned

    def _refuse_if_stale(self, base: str) -> None:
        """The row is locked from here to the end of the request's transaction."""
        stored = Article.objects.select_for_update().get(pk=self.instance.pk)
        content = revisions.content_of(stored)
        if base == revisions.digest(content):
            return
        self.conflict = content
        data = QueryDict(mutable=True)
        data.update(self.data)  # every value of every field
        data[self.add_prefix("base")] = revisions.digest(content)
        self.data = data
        self.add_error(
            None,
            _(
                "Somebody else has saved this article meanwhile. Your text stands below, nothing of it is lost; what "
                "differs is shown above it. Save again to replace theirs with yours (theirs stays among the versions)."
            ),
        )
