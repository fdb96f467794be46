"""The exports that are recognized, one entry each. Headers as the products write them, in lower case; see
docs/importing.md for where each was seen.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from newsletter.subscribers.importing.formats import Flag, Format, Meaning, Test

ENDED, UNSUBSCRIBED, BLOCKED, BOUNCED, COMPLAINED, PENDING, SUBSCRIBED = (
    Meaning.ENDED, Meaning.UNSUBSCRIBED, Meaning.BLOCKED, Meaning.BOUNCED, Meaning.COMPLAINED, Meaning.PENDING,
    Meaning.SUBSCRIBED,
)  # fmt: skip

# --- Broadsheet: see exporting/columns.py -----------------------------------------------------------------------------
_OURS = Format(
    name="broadsheet",
    label=_("Broadsheet export"),
    marks={"email", "newsletter", "status", "consents"},
    columns={
        name: name
        for name in (
            "email", "name", "status", "cadence", "topics", "language", "time_zone", "signed_up_at", "confirmed_at",
            "ended_at", "consents", "person", "subscription", "note",
        )
    }
    | {"newsletter": "lists", "address_hash": "address_hash", "hash_key": "hash_key"},
)  # fmt: skip
_OUR_SUPPRESSIONS = Format(
    name="broadsheet_suppressions",
    label=_("Broadsheet suppression list"),
    marks={"email", "reason", "address_hash", "hash_key"},
    columns={"email": "email", "reason": "status", "note": "note", "since": "ended_at", "address_hash": "address_hash",
             "hash_key": "hash_key"},
)  # fmt: skip

# --- Mailchimp: three files without a status; OPTIN_* is the form, CONFIRM_* the link; times without a zone (UTC) -----
_MAILCHIMP_COLUMNS = {
    "email address": "email", "first name": "first_name", "last name": "last_name", "optin_time": "consent_at",
    "optin_ip": "consent_ip", "confirm_time": "confirmed_at", "confirm_ip": "confirmation_ip", "timezone": "time_zone",
    "tags": "labels",
}  # fmt: skip
_MAILCHIMP_MARKS = {"email address", "optin_time", "leid"}


def _mailchimp(kind: str, label: object, file_names: str, **more: object) -> Format:
    marks = _MAILCHIMP_MARKS | set(more.pop("marks", ()))  # type: ignore[call-overload]
    columns = _MAILCHIMP_COLUMNS | dict(more.pop("columns", {}))  # type: ignore[call-overload]
    name = f"mailchimp_{kind}"
    return Format(name=name, label=label, marks=marks, columns=columns, file_names=file_names, **more)  # type: ignore[arg-type]


_UNSUBSCRIBED_LABEL = _("Mailchimp export of unsubscribed people")
_CLEANED_LABEL = _("Mailchimp export of cleaned (bounced) people")
_SUBSCRIBED_LABEL = _("Mailchimp export of subscribed people")
_UNSUB_TIME, _CLEAN_TIME = {"unsub_time": "ended_at"}, {"clean_time": "ended_at"}
_MAILCHIMP = (
    _mailchimp("subscribed", _SUBSCRIBED_LABEL, "", meaning=SUBSCRIBED),
    _mailchimp("subscribed", _SUBSCRIBED_LABEL, "subscribed", meaning=SUBSCRIBED),
    _mailchimp(
        "unsubscribed", _UNSUBSCRIBED_LABEL, "", marks={"unsub_time"}, columns=_UNSUB_TIME, meaning=UNSUBSCRIBED
    ),
    _mailchimp("unsubscribed", _UNSUBSCRIBED_LABEL, "unsubscribed", columns=_UNSUB_TIME, meaning=UNSUBSCRIBED),
    _mailchimp("cleaned", _CLEANED_LABEL, "", marks={"clean_time"}, columns=_CLEAN_TIME, meaning=BOUNCED),
    _mailchimp("cleaned", _CLEANED_LABEL, "cleaned", columns=_CLEAN_TIME, meaning=BOUNCED),
    _mailchimp(
        "nonsubscribed", _("Mailchimp export of people who never subscribed"), "nonsubscribed", meaning=PENDING
    ),
    Format(
        name="mailchimp_api",
        label=_("Mailchimp list by its API"),
        marks={"email_address", "status", "timestamp_opt", "member_rating"},
        columns={"email_address": "email", "first_name": "first_name", "last_name": "last_name", "status": "status",
                 "timestamp_signup": "consent_at", "ip_signup": "consent_ip", "timestamp_opt": "confirmed_at",
                 "ip_opt": "confirmation_ip", "language": "language", "timezone": "time_zone"},
        words={"transactional": PENDING, "archived": UNSUBSCRIBED},
    ),
)  # fmt: skip

# --- Substack: active_subscription means *paying*; email_disabled means that they want no mail ------------------------
_SUBSTACK_FLAGS = (Flag("email_disabled", Test.YES, UNSUBSCRIBED),)
_SUBSTACK = (
    Format(
        name="substack",
        label=_("Substack export"),
        marks={"email", "active_subscription", "expiry", "email_disabled"},
        columns={"email": "email", "created_at": "signed_up_at", "prefer_digests": "prefers_digests"},
        flags=_SUBSTACK_FLAGS,
        meaning=SUBSCRIBED,
    ),
    Format(
        name="substack_paid",
        label=_("Substack export of paying people"),
        marks={"email", "expiry", "email_disabled", "type"},
        columns={"email": "email", "prefer_digests": "prefers_digests"},
        flags=_SUBSTACK_FLAGS,
        meaning=SUBSCRIBED,
    ),
)

_GHOST = Format(
    name="ghost",
    label=_("Ghost export"),
    marks={"email", "subscribed_to_emails", "complimentary_plan", "created_at"},
    columns={
        "email": "email",
        "name": "name",
        "created_at": "signed_up_at",
        "deleted_at": "ended_at",
        "labels": "labels",
    },
    flags=(Flag("subscribed_to_emails", Test.NO, UNSUBSCRIBED), Flag("deleted_at", Test.FILLED, UNSUBSCRIBED)),
    meaning=SUBSCRIBED,
)

_BUTTONDOWN = Format(
    name="buttondown",
    label=_("Buttondown export"),
    marks={"email", "subscriber_type", "subscription_date", "unsubscription_date"},
    columns={"email": "email", "subscriber_type": "status", "creation_date": "signed_up_at", "ip_address": "consent_ip",
             "referrer_url": "consent_page", "subscription_date": "consent_at", "unsubscription_date": "ended_at",
             "tags": "labels"},
    words=dict.fromkeys(["gifted", "trialed", "trial", "past_due", "churning", "churned", "paused_premium"], SUBSCRIBED)
    | {"spammy": COMPLAINED, "unpaid": SUBSCRIBED},
)  # fmt: skip

# --- beehiiv: inactive means unsubscribed -----------------------------------------------------------------------------
_BEEHIIV_COLUMNS = {"email": "email", "first name": "first_name", "last name": "last_name", "status": "status",
                    "created_at": "signed_up_at", "unsubscribed_at": "ended_at", "tags": "labels"}  # fmt: skip
_BEEHIIV_WORDS = {"invalid": BOUNCED, "validating": PENDING, "needs_attention": PENDING}
_BEEHIIV = (
    Format(name="beehiiv", label=_("beehiiv export"), marks={"email", "status", "tier", "unsubscribed_at"},
           columns=_BEEHIIV_COLUMNS, words=_BEEHIIV_WORDS),
    Format(name="beehiiv", label=_("beehiiv export"), marks={"email", "status", "open_rate", "acquisition_source"},
           columns=_BEEHIIV_COLUMNS, words=_BEEHIIV_WORDS),
)  # fmt: skip

_MAILERLITE = Format(
    name="mailerlite",
    label=_("MailerLite export"),
    marks={"subscriber", "sent", "opens", "clicks", "subscribed"},
    columns={"subscriber": "email", "name": "first_name", "last name": "last_name", "subscribed": "consent_at",
             "unsubscribed": "ended_at", "status": "status", "ip": "consent_ip", "groups": "labels"},
    flags=(Flag("unsubscribed", Test.FILLED, UNSUBSCRIBED),),
    words={"junk": COMPLAINED},
    hint=_("MailerLite writes one file for each status; this one is taken as the people who are subscribed."),
)  # fmt: skip

_LISTMONK = Format(
    name="listmonk",
    label=_("listmonk export"),
    marks={"uuid", "email", "name", "attributes", "status", "created_at"},
    columns={"email": "email", "name": "name", "status": "status", "created_at": "recorded_at"},
    hint=_("listmonk exports neither lists nor confirmations: make sure that this is the list you mean."),
)

_PHPLIST = Format(
    name="phplist",
    label=_("phpList export"),
    marks={"email", "is this subscriber confirmed", "is this subscriber blacklisted"},
    columns={"email": "email", "entered": "recorded_at", "list membership": "lists"},
    flags=(
        Flag("is this subscriber confirmed", Test.NO, PENDING),
        Flag("is this account disabled?", Test.YES, BLOCKED),
        Flag("is this subscriber blacklisted", Test.YES, BLOCKED),
    ),
    meaning=SUBSCRIBED,
)

_MAILTRAIN = Format(
    name="mailtrain",
    label=_("Mailtrain export"),
    marks={"cid", "status", "hash_email", "email"},
    columns={"email": "email", "status": "status", "merge_first_name": "first_name", "merge_last_name": "last_name"},
    words={"unsubscribed": ENDED},  # one file is one list
)

# --- MailPoet: headers in the site's language; one row for each person and list; inner quotes as \" -------------------
_MAILPOET = Format(
    name="mailpoet",
    label=_("MailPoet export"),
    marks={"email", "list status", "global status"},
    columns={"email": "email", "first name": "first_name", "last name": "last_name", "subscription ip": "consent_ip",
             "subscription time": "consent_at", "confirmation time": "confirmed_at",
             "confirmation ip": "confirmation_ip", "list status": "list_status", "global status": "status",
             "list": "lists"},
    has_backslash_quotes=True,
)  # fmt: skip

_KEILA = Format(
    name="keila",
    label=_("Keila export"),
    marks={"email", "first name", "last name", "data", "status", "external id"},
    columns={"email": "email", "first name": "first_name", "last name": "last_name", "status": "status"},
)

_BREVO = Format(
    name="brevo",
    label=_("Brevo export"),
    marks={"email", "email_blacklisted", "added_time"},
    columns={"email": "email", "firstname": "first_name", "lastname": "last_name", "added_time": "recorded_at"},
    flags=(Flag("email_blacklisted", Test.YES, UNSUBSCRIBED),),
    meaning=SUBSCRIBED,
)

# --- Kit: no header of its own making is known, so the file is read with care -----------------------------------------
_KIT_WORDS = {"cold": SUBSCRIBED}
_KIT_HINT = _("This looks like a Kit export, whose columns are not published: check the rows below with care.")
_KIT = (
    Format(name="kit", label=_("Kit export (presumably)"), marks={"first_name", "email_address", "state", "created_at"},
           columns={"first_name": "first_name", "email_address": "email", "state": "status",
                    "created_at": "recorded_at", "tags": "labels"}, words=_KIT_WORDS, hint=_KIT_HINT),
    Format(name="kit", label=_("Kit export (presumably)"), marks={"first_name", "email", "created_at", "status"},
           columns={"first_name": "first_name", "email": "email", "status": "status", "created_at": "recorded_at",
                    "tags": "labels"},
           words=_KIT_WORDS, hint=_KIT_HINT),
)  # fmt: skip

FORMATS = (
    _OURS, _OUR_SUPPRESSIONS, *_MAILCHIMP, *_SUBSTACK, _GHOST, _BUTTONDOWN, *_BEEHIIV, _MAILERLITE, _LISTMONK, _PHPLIST,
    _MAILTRAIN, _MAILPOET, _KEILA, _BREVO, *_KIT,
)  # fmt: skip

# --- a plain list: what its columns are usually called ----------------------------------------------------------------
_EMAIL = ("email", "e-mail", "mail", "email address", "e-mail address", "email_address", "emailaddress", "subscriber",
          "e-mail-adresse", "adresse e-mail", "correo electrónico", "correo", "courriel", "e-mailadres",
          "indirizzo email", "почта")  # fmt: skip
_USUAL: Mapping[str, tuple[str, ...]] = {
    "email": _EMAIL,
    "name": ("name", "full name", "full_name"),
    "first_name": ("first name", "first_name", "firstname", "given name", "vorname", "prénom", "prenom", "nombre",
                   "nome", "voornaam"),
    "last_name": ("last name", "last_name", "lastname", "surname", "family name", "nachname", "familienname",
                  "nom de famille", "apellido", "apellidos", "cognome", "achternaam", "sobrenome", "apelido"),
    "status": ("status", "state"),
    "lists": ("newsletter", "newsletters", "list", "lists", "groups"),
    "labels": ("tags", "labels"),
    "cadence": ("cadence",),
    "topics": ("topics",),
    "language": ("language", "locale"),
    "time_zone": ("time_zone", "time zone", "timezone"),
    "signed_up_at": ("signed_up_at", "date subscribed", "subscribed at", "signup date"),
    "recorded_at": ("created_at", "created at", "created", "date added", "added"),
    "consent_at": ("consent_at", "opt-in time", "optin_time", "opted_in_at"),
    "consent_ip": ("consent_ip", "ip_address", "ip", "optin_ip"),
    "consent_page": ("consent_page", "page_url"),
    "confirmed_at": ("confirmed_at", "confirm_time", "confirmation time"),
    "confirmation_ip": ("confirmation_ip", "confirm_ip", "confirmation ip"),
    "ended_at": ("ended_at", "unsubscribed_at", "unsub_time"),
}  # fmt: skip
GENERIC = Format(
    name="csv",
    label=_("list in a format of its own"),
    marks=(),
    columns={name: field for field, names in _USUAL.items() for name in names},
    asks_about_dates=True,
)
BY_NAME: Mapping[str, Format] = {each.name: each for each in (*reversed(FORMATS), GENERIC)}
