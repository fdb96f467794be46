"""What was decided for a reader when an issue was planned: the group of readers that they were in."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from newsletter.delivery.models import Send
from newsletter.digests.assembly import GroupKey
from newsletter.digests.models import ReaderGroup
from newsletter.subscribers.models import TopicSet

MOST_GROUPS = 500


@dataclass(frozen=True, slots=True)
class Decision:
    """``topics`` are what the group follows, None for all; ``had_count`` is how many of the issue's articles its
    readers had had by then, None where several groups got the same and it cannot be told which one it was.
    """

    topics: str | None
    had_count: int | None

    @property
    def in_words(self) -> str:
        if self.topics is None:
            who = _("It was planned for them with the readers of all topics")
        else:
            who = _("It was planned for them with the readers of these topics: %(topics)s") % {"topics": self.topics}
        if self.had_count is None:
            return f"{who}."
        had = ngettext(
            "who had had %(count)d of its articles by then.",
            "who had had %(count)d of its articles by then.",
            self.had_count,
        ) % {"count": self.had_count}
        return f"{who}, {had}"


def decided(send: Send, *, topics: str) -> Decision | None:
    """The reader's group; None where none fits. ``topics`` is the key of their choice then. At most two queries.

    The ledger does not name the group: it is one that got the send's edition, or none for the send's reason, and that
    follows these topics.
    """
    groups = ReaderGroup.objects.filter(issue=send.campaign.issue_id)
    if send.edition_id is not None:
        groups = groups.filter(edition=send.edition_id)
    elif send.reason in ReaderGroup.SkippedReason.values:
        groups = groups.filter(edition=None, skipped_reason=send.reason)
    else:
        return None  # suppressed: nothing was planned for them
    of_topics = groups.filter(Q(topic_set__key=topics) if topics else Q(topic_set=None))
    masks = set(of_topics.order_by("pk").values_list("received", flat=True)[:MOST_GROUPS])
    if not masks:
        return None
    names = str(TopicSet.objects.prefetch_related("topics").get(key=topics)) if topics else None
    counts = {GroupKey(None, mask).received_mask.bit_count() for mask in masks}
    return Decision(names, counts.pop() if len(counts) == 1 else None)
