"""What is done to several articles at once. Every action asks first, and says what it will do to how many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.widgets import UnfoldAdminSelectMultipleWidget, UnfoldAdminSelectWidget

from articles import outlook, roles
from articles.admin.category_rules import tell_of_learned
from articles.desk import each, tell
from articles.feeds import mapping
from articles.long_lists import LongListAdmin
from articles.models import Article, CategoryRule, Topic
from articles.writing import revisions

ASKED = "asked"
MOST_EFFECTS = 12


class TopicsForm(forms.Form):
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.all(), label=gettext_lazy("Topics"), widget=UnfoldAdminSelectMultipleWidget
    )
    what = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[
            ("add", gettext_lazy("Add these topics")),
            ("remove", gettext_lazy("Remove these topics")),
            ("set", gettext_lazy("Have these topics and no others")),
        ],
        widget=UnfoldAdminSelectWidget,
    )


class MailableForm(forms.Form):
    mailable = forms.ChoiceField(
        label=gettext_lazy("In newsletters"),
        choices=[
            ("1", gettext_lazy("They may go into newsletters")),
            ("0", gettext_lazy("They stay on the site only")),
        ],
        widget=UnfoldAdminSelectWidget,
    )


@dataclass(frozen=True)
class Question:
    """What is asked, and of which articles the answer is no already."""

    title: str
    verb: str
    said: str
    refused: str
    details: tuple[str, ...] = ()
    is_dangerous: bool = False


type Deed = Callable[[Article, datetime], bool]


class ArticleActions(LongListAdmin[Article]):
    """The actions on ticked articles, for the article's admin class."""

    actions = ["publish_selected", "withdraw_selected", "topics_selected", "mailable_selected"]

    @admin.action(description=gettext_lazy("Publish…"), permissions=["publish"])
    def publish_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> HttpResponse | None:
        question = Question(
            title=_("Publish these articles?"),
            verb=_("Publish"),
            said=_("published"),
            refused=_("%(count)d were published already, or are not yours to publish."),
            details=(_("The site shows them at once, or when their embargo ends; newsletters may carry them."),),
        )
        return self._ask_then(request, rows, question, Article.publish, allowed=roles.may_publish)

    @admin.action(description=gettext_lazy("Withdraw from the site and from mails…"), permissions=["publish"])
    def withdraw_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> HttpResponse | None:
        now = timezone.now()
        effects = [] if ASKED in request.POST else _effects(each(rows), now)
        question = Question(
            title=_("Withdraw these articles?"),
            verb=_("Withdraw"),
            said=_("withdrawn"),
            refused=_("%(count)d were not published, or are not yours to withdraw."),
            details=(_("The site says that they were withdrawn. They can be published again."), *effects),
            is_dangerous=True,
        )
        return self._ask_then(request, rows, question, Article.withdraw, allowed=roles.may_publish)

    @admin.action(description=gettext_lazy("Change topics…"), permissions=["change"])
    def topics_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> HttpResponse | None:
        form = TopicsForm(request.POST if ASKED in request.POST else None)
        question = Question(
            title=_("Change the topics of these articles?"),
            verb=_("Change the topics"),
            said=_("changed"),
            refused=_("%(count)d are not yours to change."),
            details=(_("Readers who follow a topic get what has it, from the next issue on."),),
        )

        learned: dict[int, CategoryRule] = {}

        def change(article: Article, now: datetime) -> bool:
            before = _topic_pks(article)
            with _versions(article, request, now):
                getattr(article.topics, form.cleaned_data["what"])(*_argument(form))
            rules = mapping.learn(article, before=before, after=_topic_pks(article), now=now)
            learned.update(
                (rule.pk, rule) for rule in rules
            )  # the second article may make active what the first taught
            return True

        answer = self._ask_then(request, rows, question, change, form=form)
        tell_of_learned(request, list(learned.values()))
        return answer

    @admin.action(description=gettext_lazy("Newsletters or site only…"), permissions=["change"])
    def mailable_selected(self, request: HttpRequest, rows: QuerySet[Article]) -> HttpResponse | None:
        form = MailableForm(request.POST if ASKED in request.POST else None)
        question = Question(
            title=_("May newsletters carry these articles?"),
            verb=_("Save"),
            said=_("changed"),
            refused=_("%(count)d are not yours to change."),
        )

        def change(article: Article, now: datetime) -> bool:
            with _versions(article, request, now):
                article.is_mailable = form.cleaned_data["mailable"] == "1"
                article.save(update_fields=["is_mailable", "updated_at"])
            return True

        return self._ask_then(request, rows, question, change, form=form)

    def _ask_then(
        self, request: HttpRequest, rows: QuerySet[Article], question: Question, deed: Deed, *,
        form: forms.Form | None = None, allowed: Callable[..., bool] = roles.may_change,
    ) -> HttpResponse | None:  # fmt: skip
        """Ask; when the answer comes, do it to each that this person may change, and say how many it were."""
        selected = each(rows)
        if ASKED not in request.POST or (form is not None and not form.is_valid()):
            return self._question_page(request, selected, question, form)
        now = timezone.now()
        with transaction.atomic():
            locked = Article.objects.select_for_update().filter(pk__in=[row.pk for row in selected]).order_by("pk")
            done = [article for article in locked if allowed(request.user, article) and deed(article, now)]
        tell(request, done, said=question.said, refused=question.refused, total=len(selected))
        return None

    def _question_page(
        self, request: HttpRequest, selected: list[Article], question: Question, form: forms.Form | None
    ) -> HttpResponse:
        count = len(selected)
        context = {
            **self.admin_site.each_context(request),
            "title": question.title, "question": question, "opts": self.opts, "form": form, "asked": ASKED,
            "action": request.POST.get("action", ""), "checkbox_name": ACTION_CHECKBOX_NAME,
            "back": request.get_full_path(),
            "keys": [row.pk for row in selected], "first": selected[:8], "more": max(0, count - 8),
            "how_many": ngettext("%(count)d article", "%(count)d articles", count) % {"count": count},
        }  # fmt: skip
        return TemplateResponse(request, "admin/articles/article/bulk.html", context)


@contextmanager
def _versions(article: Article, request: HttpRequest, now: datetime) -> Iterator[None]:
    """Keep what the article says before and after."""
    revisions.note_found(article, now=now)
    yield
    revisions.record(article, editor=request.user, now=now)  # type: ignore[arg-type]


def _topic_pks(article: Article) -> set[int]:
    return set(article.topics.order_by().values_list("pk", flat=True))


def _argument(form: forms.Form) -> Iterable[Any]:
    """``add`` and ``remove`` take topics one by one, ``set`` takes them all."""
    topics = list(form.cleaned_data["topics"])
    return [topics] if form.cleaned_data["what"] == "set" else topics


def _effects(articles: list[Article], now: datetime) -> list[str]:
    """What withdrawing would do to mails, of the first few that are in any."""
    found: list[str] = []
    for article in articles[:50]:
        found += [f"{article.title}: {effect}" for effect in outlook.effects_of_withdrawing(article, now=now)]
        if len(found) > MOST_EFFECTS:
            return [*found[:MOST_EFFECTS], "…"]
    return found
