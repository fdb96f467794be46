"""What will be said: schedules, issues and their items, the editions of an issue, offers, and how it appears."""

from newsletter.digests.models.appearances import Appearance
from newsletter.digests.models.corrections import Correction
from newsletter.digests.models.desk import DeskPresence, IssueNotice, IssueVersion, LinkCheck, SenderDomain
from newsletter.digests.models.editions import Edition, EditionItem, EditionOffer, ReaderGroup
from newsletter.digests.models.issues import Issue, IssueItem, IssueQuerySet
from newsletter.digests.models.links import Link
from newsletter.digests.models.offers import IssueOffer, Offer, OfferQuerySet
from newsletter.digests.models.schedules import Schedule, ScheduleQuerySet, every_day

__all__ = [
    "Appearance",
    "Correction",
    "DeskPresence",
    "Edition",
    "EditionItem",
    "EditionOffer",
    "Issue",
    "IssueItem",
    "IssueNotice",
    "IssueOffer",
    "IssueQuerySet",
    "IssueVersion",
    "Link",
    "LinkCheck",
    "Offer",
    "OfferQuerySet",
    "ReaderGroup",
    "Schedule",
    "ScheduleQuerySet",
    "SenderDomain",
    "every_day",
]
