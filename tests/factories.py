"""Valid rows for tests. Each function fills in what the test is not about; keyword arguments set what it is about."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from articles.models import Article, Author, Feed, Topic
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Edition, EditionItem, Issue, IssueItem, Offer, Schedule
from newsletter.subscribers.models import (
    ConsentRecord,
    ConsentWording,
    Newsletter,
    SignUp,
    Subscriber,
    Subscription,
    TopicSet,
)

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # a Monday morning
PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)


def make_topic(**fields: Any) -> Topic:
    number = next(_numbers)
    return Topic.objects.create(**{"name": f"Topic {number}", "slug": f"topic-{number}", **fields})


def make_author(**fields: Any) -> Author:
    number = next(_numbers)
    return Author.objects.create(**{"name": f"Author {number}", "slug": f"author-{number}", **fields})


def make_feed(**fields: Any) -> Feed:
    number = next(_numbers)
    return Feed.objects.create(**{"url": f"http://127.0.0.1/{number}.xml", "next_poll_at": NOW, **fields})


def make_article(*, topics: Iterable[Topic] = (), authors: Iterable[Author] = (), **fields: Any) -> Article:
    """A published one, released an hour before NOW."""
    number = next(_numbers)
    released_at = fields.get("released_at", NOW - timedelta(hours=1))
    values = {
        "title": f"Headline {number}",
        "summary": f"What happened, in sentence {number}.",
        "body": f"<p>The whole story {number}.</p>",
        "status": Article.Status.PUBLISHED,
        "first_seen_at": released_at or NOW,
        "released_at": released_at,
    }
    article = Article.objects.create(**{**values, **fields})
    article.topics.set(topics)
    article.authors.set(authors)
    return article


def make_newsletter(**fields: Any) -> Newsletter:
    number = next(_numbers)
    values = {
        "name": f"Newsletter {number}",
        "slug": f"newsletter-{number}",
        "consent_text": "I want the latest news by e-mail.",
        "sender_name": "The Harbor Gazette",
        "sender_address": "news@example.com",
        "postal_address": "The Harbor Gazette, 1 Quay Street, Port Example",
    }
    return Newsletter.objects.create(**{**values, **fields})


def make_subscriber(**fields: Any) -> Subscriber:
    return Subscriber.objects.create(**{"email": f"reader{next(_numbers)}@example.org", **fields})


def make_subscription(
    *,
    newsletter: Newsletter | None = None,
    subscriber: Subscriber | None = None,
    topics: Iterable[Topic] = (),
    email: str = "",
    **fields: Any,
) -> Subscription:
    """An active one, confirmed a day before NOW, to every topic unless ``topics`` are given."""
    values = {
        "newsletter": newsletter or make_newsletter(),
        "subscriber": subscriber or make_subscriber(**({"email": email} if email else {})),
        "status": Subscription.Status.ACTIVE,
        "confirmed_at": NOW - timedelta(days=1),
        "topic_set": TopicSet.objects.of(topics),
    }
    return Subscription.objects.create(**{**values, **fields})


def make_consent(subscription: Subscription, **fields: Any) -> ConsentRecord:
    """That the subscription was confirmed with the newsletter's present wording."""
    values = {
        "subscriber": subscription.subscriber,
        "address_hash": subscription.subscriber.address_hash,
        "newsletter": subscription.newsletter,
        "action": ConsentRecord.Action.GIVEN,
        "method": ConsentRecord.Method.CONFIRMED,
        "wording": ConsentWording.objects.current(subscription.newsletter),
        "at": subscription.confirmed_at or NOW,
    }
    return ConsentRecord.objects.create(**{**values, **fields})


def make_sign_up(*, subscriptions: Iterable[Subscription] = (), **fields: Any) -> SignUp:
    """One whose confirmation mail waits to be sent."""
    wanted = list(subscriptions)
    if not wanted:
        wanted = [make_subscription(status=Subscription.Status.PENDING, confirmed_at=None)]
    values = {
        "subscriber": wanted[0].subscriber,
        "created_at": NOW,
        "expires_at": max(NOW, timezone.now()) + timedelta(days=7),
    }
    sign_up = SignUp.objects.create(**{**values, **fields})
    sign_up.subscriptions.set(wanted)
    return sign_up


def make_schedule(**fields: Any) -> Schedule:
    """Daily at six in UTC, due at NOW."""
    values = {"newsletter": fields.get("newsletter") or make_newsletter(), "time": time(6), "next_run_at": NOW}
    return Schedule.objects.create(**{**values, **fields})


def make_issue(*, articles: Iterable[Article] = (), **fields: Any) -> Issue:
    """A draft with these articles in this order, planned for NOW."""
    values = {"newsletter": fields.get("newsletter") or make_newsletter(), "number": next(_numbers), "send_at": NOW}
    values["is_approved_by_hand"] = fields.get("approved_by") is not None
    issue = Issue.objects.create(**{**values, **fields})
    for position, article in enumerate(articles):
        IssueItem.objects.create(issue=issue, article=article, position=position)
    return issue


def make_edition(*, articles: Iterable[Article] = (), **fields: Any) -> Edition:
    """An edition with these articles as stories in this order."""
    stories = list(articles) or [make_article()]
    values = {
        "issue": fields.get("issue") or make_issue(articles=stories, status=Issue.Status.APPROVED, approved_at=NOW),
        "content_key": hashlib.sha256(str(next(_numbers)).encode()).hexdigest(),
    }
    edition = Edition.objects.create(**{**values, **fields})
    for position, article in enumerate(stories):
        EditionItem.objects.create(edition=edition, article=article, position=position)
    return edition


def make_campaign(**fields: Any) -> Campaign:
    """Of an issue that is launched, so that no sweep launches it again."""
    issue = fields.get("issue") or make_edition().issue
    Issue.objects.filter(pk=issue.pk, launched_at=None).update(launched_at=NOW)
    values = {"issue": issue, "started_at": NOW}
    return Campaign.objects.create(**{**values, **fields})


def make_send(
    *,
    edition: Edition | None = None,
    campaign: Campaign | None = None,
    subscription: Subscription | None = None,
    **fields: Any,
) -> Send:
    """A queued one, of a campaign, an edition and a subscription that fit together unless they are given."""
    if edition is None:
        newsletter = subscription.newsletter if subscription else make_newsletter()
        approved = make_issue(newsletter=newsletter, status=Issue.Status.APPROVED, approved_at=NOW)
        edition = make_edition(issue=campaign.issue if campaign else approved)
    campaign = campaign or make_campaign(issue=edition.issue)
    subscription = subscription or make_subscription(newsletter=edition.issue.newsletter)
    values = {
        "edition": edition,
        "campaign": campaign,
        "subscriber": subscription.subscriber,
    }
    return Send.objects.create(**{**values, **fields})


def send_to(subscription: Subscription, **fields: Any) -> Send:
    """The one send of the newsletter to its reader. Raises Send.DoesNotExist, Send.MultipleObjectsReturned."""
    of_newsletter = Send.objects.filter(campaign__issue__newsletter=subscription.newsletter_id)
    return of_newsletter.get(subscriber=subscription.subscriber_id, **fields)


def make_offer(**fields: Any) -> Offer:
    values = {
        "advertiser": "Quay Coffee",
        "title": "Two cups for one",
        "url": "https://coffee.example.com/two",
        "starts_on": NOW.date(),
        "ends_on": NOW.date() + timedelta(days=6),
    }
    return Offer.objects.create(**{**values, **fields})


def make_editor(**fields: Any) -> User:
    """An editor who may do everything in the admin; the password is PASSWORD."""
    username = fields.pop("username", f"editor{next(_numbers)}")
    return User.objects.create_superuser(username=username, password=PASSWORD, **fields)
