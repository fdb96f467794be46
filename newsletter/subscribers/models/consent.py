"""Proof of consent: every wording that was shown, and who agreed to it or withdrew."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar, NoReturn

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.models.newsletters import Newsletter
from newsletter.subscribers.models.people import Subscriber


class ConsentWordingManager(models.Manager["ConsentWording"]):
    def current(self, newsletter: Newsletter) -> ConsentWording:
        """The wording that the newsletter's form shows now, kept as a version of its own."""
        return self.stated(newsletter, newsletter.consent_text)

    def stated(self, newsletter: Newsletter, text: str, *, language: str = "") -> ConsentWording:
        """What people are said to have agreed to, or how: the words of an import, for one."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        wording, _created = self.get_or_create(
            newsletter=newsletter,
            text_hash=digest,
            defaults={
                "text": text,
                "language": language or newsletter.language,
            },
        )
        return wording


class ConsentWording(models.Model):
    """One version of the sentence that readers of a newsletter agree to. Never edited; a new text is a new row."""

    newsletter = models.ForeignKey(Newsletter, on_delete=models.PROTECT, related_name="wordings")
    text = models.TextField(_("text"))
    text_hash = models.CharField(max_length=64)
    language = models.CharField(_("language"), max_length=16)
    created_at = models.DateTimeField(_("first used"), db_default=Now())

    objects: ClassVar[ConsentWordingManager] = ConsentWordingManager()

    class Meta:
        verbose_name = _("consent wording")
        verbose_name_plural = _("consent wordings")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["newsletter", "text_hash"], name="one_wording_per_newsletter_and_text")
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.text[:60]}"


class AppendOnlyError(TypeError):
    """Somebody tried to change or delete a record that is kept as proof."""


class AppendOnlyQuerySet(models.QuerySet["ConsentRecord"]):
    def update(self, **kwargs: object) -> NoReturn:
        raise AppendOnlyError("consent records are never edited")

    def delete(self) -> NoReturn:
        raise AppendOnlyError("consent records are never deleted")

    def take_back(self) -> int:
        """Forget what a mistaken import claimed; who was in it agreed to nothing here. Returns how many."""
        return self.filter(import_run__isnull=False)._raw_delete(self.db)

    def anonymize(self) -> int:
        """The person is erased, the proof stays without them. Returns how many."""
        return super().update(subscriber=None, ip_address=None, confirmation_ip=None, user_agent="", note="")

    def shorten_addresses(self, *, ip_address: str | None, confirmation_ip: str | None) -> int:
        """Keep the network instead of the visitor's own IP address (see retention.py). Returns how many."""
        return super().update(ip_address=ip_address, confirmation_ip=confirmation_ip, is_ip_cut=True)

    def forget_traces(self) -> int:
        """Keep neither IP address nor browser. Returns how many."""
        return super().update(ip_address=None, confirmation_ip=None, user_agent="")


class ConsentRecord(models.Model):
    """Proof, append-only: who agreed to what wording or withdrew, when, how and from where (GDPR Art. 7(1)).

    When a person is erased, ``subscriber`` becomes null and only the keyed hash of the address remains.
    """

    class Action(models.TextChoices):
        GIVEN = "given", _("given")
        WITHDRAWN = "withdrawn", _("withdrawn")

    class Method(models.TextChoices):
        CONFIRMED = "confirmed", _("confirmation link")
        ONE_CLICK = "one_click", _("one-click in the mail program")
        PAGE = "page", _("unsubscribe page")
        PREFERENCES = "preferences", _("preferences page")
        IMPORT = "import", _("import")
        EDITOR = "editor", _("entered by an editor")
        FEEDBACK = "feedback", _("bounce or complaint")
        ERASURE = "erasure", _("erasure")

    class Ground(models.TextChoices):
        """What an editor says that the consent stands on, of somebody whom they entered by hand."""

        PAPER = "paper", _("a signed paper form")
        CONTRACT = "contract", _("a contract or a purchase")
        IN_PERSON = "in_person", _("said in person")
        TELEPHONE = "telephone", _("said on the telephone")
        OTHER = "other", _("something else")

    subscriber = models.ForeignKey(
        Subscriber, on_delete=models.SET_NULL, null=True, related_name="consent_records", verbose_name=_("subscriber")
    )
    address_hash = models.CharField(max_length=64, db_index=True)
    newsletter = models.ForeignKey(  # its wording, which the database does check, holds the newsletter as well
        Newsletter, on_delete=models.PROTECT, related_name="+", verbose_name=_("newsletter"), db_index=False,
        db_constraint=False,
    )  # fmt: skip
    action = models.CharField(_("consent"), max_length=9, choices=Action)
    method = models.CharField(_("how"), max_length=11, choices=Method)
    wording = models.ForeignKey(  # no index: wordings are never deleted, and nobody asks by them
        ConsentWording, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("wording"),
        db_index=False,
    )  # fmt: skip
    ground = models.CharField(_("ground"), max_length=9, choices=Ground, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    asked_at = models.DateTimeField(_("form used at"), null=True)
    page_url = models.CharField(_("page"), max_length=1000, blank=True)
    ip_address = models.GenericIPAddressField(_("IP address of the form's user"), null=True, blank=True)
    confirmation_ip = models.GenericIPAddressField(_("IP address of the confirmation"), null=True, blank=True)
    is_ip_cut = models.BooleanField(_("IP addresses shortened"), default=False)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    at = models.DateTimeField(_("at"))
    import_run = models.ForeignKey(  # no index: an import's rows lie together, and are walked by their ids
        "subscribers.ImportRun", on_delete=models.PROTECT, null=True, editable=False, related_name="+", db_index=False,
        db_constraint=False,  # a mark, checked a million times for nothing: runs are never deleted
        help_text="the import that made this row, if one did",
    )  # fmt: skip

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent record")
        verbose_name_plural = _("consent records")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["newsletter", "action", "at"], name="consent_of_newsletter"),
            models.Index(fields=["at"], name="consent_at"),
            models.Index(fields=["method"], name="consent_method"),
            models.Index(
                fields=["is_ip_cut", "at"],
                condition=Q(ip_address__isnull=False) | Q(confirmation_ip__isnull=False) | ~Q(user_agent=""),
                name="consent_with_traces",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(action="given") | Q(wording__isnull=False), name="given_consent_has_wording"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.newsletter}: {self.get_action_display()}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise AppendOnlyError("consent records are never edited")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnlyError("consent records are never deleted")
