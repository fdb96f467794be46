"""What a waiting issue would bring to most of its readers, so that an article's "in" is what they will get."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from newsletter.delivery import outlooks
from newsletter.digests import telling
from newsletter.digests.issue_sample import sample
from newsletter.digests.models import Issue
from newsletter.insights.wording import moment


@dataclass(frozen=True)
class Draw:
    """An issue with the articles that a reader of every topic gets of it, and those that most have had."""

    issue: Issue
    placed: frozenset[int]
    had: frozenset[int]

    @classmethod
    def of(cls, issue: Issue, *, now: datetime) -> Draw:
        """About ten queries."""
        forecast = outlooks.forecast_of(issue)
        had = outlooks.had_by_most(forecast) if forecast else telling.before(issue)
        selection = sample(issue, now=max(now, issue.send_at), received=had).selection
        return cls(issue, frozenset({*selection.stories, *selection.headlines}), had)

    def brings(self, article_pk: int) -> bool:
        return article_pk in self.placed

    def told_of(self, article_pk: int) -> str:
        """When the issue goes out that lists the article, and if it does not bring it, why."""
        values = {"at": moment(self.issue.send_at), "number": self.issue.number}
        if not self.brings(article_pk):
            if article_pk in self.had:
                return _("in #%(number)d, %(at)s, only for who has not had it") % values
            return _("no room for it in #%(number)d, %(at)s; readers of fewer topics may get it") % values
        if self.issue.status == Issue.Status.APPROVED:
            return _("goes out %(at)s in #%(number)d") % values
        if self.issue.status == Issue.Status.HELD:
            return _("in #%(number)d, which is held until somebody approves it") % values
        return _("in the draft of #%(number)d, planned for %(at)s") % values
