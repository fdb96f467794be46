"""The compiled editions of a campaign, each made once per worker, kept while its readers come one after another."""

from __future__ import annotations

import logging
from collections import OrderedDict

from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError
from newsletter.delivery.personalization import Letter, Outgoing
from newsletter.delivery.settling import Ledger
from newsletter.digests.models import Edition, EditionItem, EditionOffer, Issue, Offer
from newsletter.digests.rendering import IssueRenderer, RenderingError
from newsletter.lib.addresses import InvalidAddress
from newsletter.subscribers.models import Subscription

logger = logging.getLogger(__name__)

KEPT = 64


class LetterBox:
    """Makes readers' messages. ``refresh`` must be called for every batch: it learns what was withdrawn meanwhile."""

    def __init__(self, campaign: Campaign) -> None:
        issue = Issue.objects.select_related("newsletter").get(pk=campaign.issue_id)
        campaign.issue = issue
        self._campaign = campaign
        self._renderer = IssueRenderer(issue)
        self._letters: OrderedDict[int, Letter | None] = OrderedDict()
        self._withdrawn: frozenset[int] = frozenset()
        self._offers: dict[int, Offer] = {}

    def refresh(self) -> None:
        """Two queries: the articles that were withdrawn since, the offers that were not stopped.

        Editions made with what is gone are made anew.
        """
        issue = self._campaign.issue_id
        withdrawn = frozenset(Article.objects.withdrawn().filter(issues=issue).values_list("pk", flat=True))
        offers = {offer.pk: offer for offer in Offer.objects.filter(carriers__issue=issue, is_stopped=False)}
        if withdrawn != self._withdrawn or offers.keys() != self._offers.keys():
            self._withdrawn, self._offers = withdrawn, offers
            self._letters.clear()

    def message(self, send: Send, subscription: Subscription, *, ledger: Ledger) -> Outgoing | None:
        """The reader's message. None if there is none; the ledger then knows why.

        Raises SenderRefusedError if the newsletter's own address is none.
        """
        assert send.subscriber
        assert send.edition_id
        try:
            letter = self._letter(send.edition_id)
        except RenderingError as error:
            self._blame(send.edition_id, error)
            ledger.note(Outcome(send.pk, Fate.DEFERRED, f"{Send.Reason.RENDERING.label}: {error}"[:500]))
            return None
        if letter is None:
            ledger.skip(send, Send.Reason.WITHDRAWN)
            return None
        try:
            return letter.to(send, subscription, send.subscriber)
        except InvalidAddress as error:
            ledger.note(Outcome(send.pk, Fate.REFUSED, str(error)))
            return None

    def _letter(self, edition_id: int) -> Letter | None:
        if edition_id in self._letters:
            self._letters.move_to_end(edition_id)
            return self._letters[edition_id]
        items = list(EditionItem.objects.filter(edition=edition_id).order_by("position", "pk"))
        mail = self._renderer.render(items, withdrawn=self._withdrawn, offers=self._offers_in(edition_id))
        try:
            letter = Letter(campaign=self._campaign, mail=mail) if mail else None
        except InvalidAddress as error:
            raise SenderRefusedError(_("the newsletter's own address: %(error)s") % {"error": error}) from error
        self._letters[edition_id] = letter
        if len(self._letters) > KEPT:
            self._letters.popitem(last=False)
        return letter

    def _offers_in(self, edition_id: int) -> list[Offer]:
        if not self._offers:
            return []
        carried = EditionOffer.objects.filter(edition=edition_id).order_by("pk").values_list("offer_id", flat=True)
        return [self._offers[pk] for pk in carried if pk in self._offers]

    def _blame(self, edition_id: int, error: RenderingError) -> None:
        """The operator finds the reason at the edition; its readers are tried again until the deadline."""
        logger.warning("edition %s cannot be rendered: %s", edition_id, error)
        Edition.objects.filter(pk=edition_id).update(error=str(error))
