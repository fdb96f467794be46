"""The compiled editions of a campaign, each made once per worker, kept while its readers come one after another."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Iterable
from weakref import WeakKeyDictionary

from django.utils.translation import gettext as _

from articles.models import Article
from newsletter.delivery import tracking
from newsletter.delivery.models import Campaign, Send
from newsletter.delivery.outcomes import Fate, Outcome, SenderRefusedError
from newsletter.delivery.personalization import Letter, Outgoing
from newsletter.delivery.recipients import Recipient
from newsletter.delivery.settling import Ledger
from newsletter.digests.assembly import tells_the_silent_apart
from newsletter.digests.models import Edition, EditionItem, EditionOffer, Issue, Offer
from newsletter.digests.rendering import IssueRenderer, RenderingError
from newsletter.lib.addresses import InvalidAddress

logger = logging.getLogger(__name__)

KEPT, KEPT_SIZE = 64, 16_000_000  # letters, and characters of all of them together
REFRESH_EVERY = 1.0  # seconds


class LetterBox:
    """Makes readers' messages. ``refresh`` must be called for every batch: it learns what was withdrawn meanwhile."""

    def __init__(self, campaign: Campaign) -> None:
        issue = Issue.objects.select_related("newsletter").get(pk=campaign.issue_id)
        campaign.issue = issue
        self._campaign = campaign
        self._renderer = IssueRenderer(issue)
        self._letters: OrderedDict[int, Letter | RenderingError | None] = OrderedDict()
        self._measuring: WeakKeyDictionary[Letter, Letter] = WeakKeyDictionary()  # as long as the letter itself is kept
        self._size = 0
        self._items: dict[int, list[EditionItem]] = {}
        self._withdrawn: frozenset[int] = frozenset()
        self._offers: dict[int, Offer] = {}
        self._refresh_at = 0.0

    def refresh(self) -> None:
        """Two queries, once a second: the articles that were withdrawn since, the offers that were not stopped.

        Editions made with what is gone are made anew.
        """
        if self._refresh_at > time.monotonic():
            return
        self._refresh_at = time.monotonic() + REFRESH_EVERY
        issue = self._campaign.issue_id
        withdrawn = frozenset(Article.objects.withdrawn().filter(issues=issue).values_list("pk", flat=True))
        offers = {offer.pk: offer for offer in Offer.objects.filter(carriers__issue=issue, is_stopped=False)}
        if withdrawn != self._withdrawn or offers.keys() != self._offers.keys():
            self._withdrawn, self._offers = withdrawn, offers
            self._letters.clear()
            self._size = 0

    def prepare(self, readers: Iterable[Recipient]) -> None:
        """One query for the articles of all the editions that these readers get and that are not made yet."""
        wanted = {reader.edition_id for reader in readers} - self._letters.keys()
        self._items = {pk: [] for pk in wanted}
        for item in EditionItem.objects.filter(edition__in=wanted).order_by("position", "pk"):
            self._items[item.edition_id].append(item)

    def message(self, reader: Recipient, *, ledger: Ledger) -> Outgoing | None:
        """The reader's message. None if there is none; the ledger then knows why.

        Raises SenderRefusedError if the newsletter's own address is none.
        """
        letter = self._letter(reader.edition_id)
        if reader.allows_measuring and isinstance(letter, Letter):
            letter = self._measured(letter)
        if isinstance(letter, RenderingError):
            ledger.note(Outcome(reader.send_pk, Fate.DEFERRED, f"{Send.Reason.RENDERING.label}: {letter}"[:500]))
            return None
        if letter is None:
            ledger.skip(reader.send_pk, Send.Reason.WITHDRAWN)
            return None
        try:
            return letter.to(reader)
        except InvalidAddress as error:
            ledger.note(Outcome(reader.send_pk, Fate.REFUSED, str(error)))
            return None

    def _letter(self, edition_id: int) -> Letter | RenderingError | None:
        """The edition compiled, or why it cannot be; None if nothing is left to say."""
        if edition_id in self._letters:
            self._letters.move_to_end(edition_id)
            return self._letters[edition_id]
        letter: Letter | RenderingError | None
        try:
            letter = self._make(edition_id)
        except RenderingError as error:
            self._blame(edition_id, error)
            letter = error
        self._letters[edition_id] = letter
        self._size += _size(letter)
        while len(self._letters) > 1 and (self._size > KEPT_SIZE or len(self._letters) > KEPT):
            _edition_id, oldest = self._letters.popitem(last=False)
            self._size -= _size(oldest)
        return letter

    def _measured(self, letter: Letter) -> Letter:
        """The same edition for readers who agreed to be measured; itself if its newsletter measures nothing."""
        newsletter = self._campaign.issue.newsletter
        if not newsletter.is_measured:
            return letter
        if letter not in self._measuring:
            links = tracking.numbers(self._campaign.issue, letter.mail) if newsletter.measures_clicks else {}
            mail = tracking.measured(letter.mail, links, counts_opens=newsletter.measures_opens)
            self._measuring[letter] = Letter(campaign=self._campaign, mail=mail)
        return self._measuring[letter]

    def _make(self, edition_id: int) -> Letter | None:
        items = self._items.pop(edition_id, None)
        if items is None:  # it was made before and went, or was never prepared
            items = list(EditionItem.objects.filter(edition=edition_id).order_by("position", "pk"))
        offers, is_short = self._offers_in(edition_id), self._is_short(edition_id)
        mail = self._renderer.render(items, withdrawn=self._withdrawn, offers=offers, is_short=is_short)
        try:
            return Letter(campaign=self._campaign, mail=mail) if mail else None
        except InvalidAddress as error:
            raise SenderRefusedError(_("the newsletter's own address: %(error)s") % {"error": error}) from error

    def _is_short(self, edition_id: int) -> bool:
        """Whether it is for readers who have been silent for long; asked only where there are such."""
        tells_apart = tells_the_silent_apart(self._campaign.issue)
        return tells_apart and Edition.objects.filter(pk=edition_id, is_short=True).exists()

    def _offers_in(self, edition_id: int) -> list[Offer]:
        if not self._offers:
            return []
        carried = EditionOffer.objects.filter(edition=edition_id).order_by("pk").values_list("offer_id", flat=True)
        return [self._offers[pk] for pk in carried if pk in self._offers]

    def _blame(self, edition_id: int, error: RenderingError) -> None:
        """The operator finds the reason at the edition; its readers are tried again until the deadline."""
        logger.warning("edition %s cannot be rendered: %s", edition_id, error)
        Edition.objects.filter(pk=edition_id).update(error=str(error))


def _size(letter: Letter | RenderingError | None) -> int:
    """About what it takes, in characters: the texts themselves, and as much again compiled."""
    return 2 * (len(letter.mail.html) + len(letter.mail.text)) if isinstance(letter, Letter) else 0
