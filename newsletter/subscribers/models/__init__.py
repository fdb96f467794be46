"""Who wants what, with whose consent, and who must never be mailed."""

from newsletter.subscribers.models.address_changes import AddressChange
from newsletter.subscribers.models.attacks import Attack
from newsletter.subscribers.models.bulk_actions import BulkAction, BulkPart
from newsletter.subscribers.models.changes import Change
from newsletter.subscribers.models.consent import AppendOnlyError, ConsentRecord, ConsentWording
from newsletter.subscribers.models.desk import Label, StoredCount
from newsletter.subscribers.models.domains import MailDomain
from newsletter.subscribers.models.farewells import Farewell
from newsletter.subscribers.models.imports import ImportChange, ImportRefusal, ImportRun
from newsletter.subscribers.models.live_sites import LiveSite
from newsletter.subscribers.models.measuring import MeasuringConsent
from newsletter.subscribers.models.newsletters import Cadence, Newsletter, TopicSet, default_cadences
from newsletter.subscribers.models.people import Subscriber, Subscription, SubscriptionQuerySet, Suppression, Weekday
from newsletter.subscribers.models.personal_mails import PersonalMail
from newsletter.subscribers.models.sign_ups import ConfirmationMail, SignUp
from newsletter.subscribers.models.silences import Silence
from newsletter.subscribers.models.welcomes import WelcomeArticle, WelcomeMail

__all__ = [
    "AddressChange",
    "AppendOnlyError",
    "Attack",
    "BulkAction",
    "BulkPart",
    "Cadence",
    "Change",
    "ConfirmationMail",
    "ConsentRecord",
    "ConsentWording",
    "Farewell",
    "ImportChange",
    "ImportRefusal",
    "ImportRun",
    "Label",
    "LiveSite",
    "MailDomain",
    "MeasuringConsent",
    "Newsletter",
    "PersonalMail",
    "SignUp",
    "Silence",
    "StoredCount",
    "Subscriber",
    "Subscription",
    "SubscriptionQuerySet",
    "Suppression",
    "TopicSet",
    "Weekday",
    "WelcomeArticle",
    "WelcomeMail",
    "default_cadences",
]
