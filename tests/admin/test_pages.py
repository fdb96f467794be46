"""Every page of the desk opens, finds and filters; none needs a query per row; looking at it changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.utils import get_fields_from_path
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from articles.models import Archive, BoilerplateRule, CategoryRule, Feed, Publication, Topic
from config.demo import filling
from newsletter.delivery.models import MailboxMessage, Send, SpeedLimit, TransportOutage, WarmUp
from newsletter.digests.models import Appearance, Issue, Link
from newsletter.engagement.models import Event, Rating
from newsletter.subscribers.models import (
    AddressChange,
    Attack,
    BulkAction,
    ConfirmationMail,
    Farewell,
    ImportRun,
    Label,
    LiveSite,
    MailDomain,
    Newsletter,
    PersonalMail,
    Suppression,
    WelcomeMail,
)
from tests import factories

MOST_QUERIES = 14  # of a list, however many rows: session, user, count, rows, prefetches, filters
MOST_QUERIES_OF = {"Article": 18}  # with where its rows stand in the newsletters
OURS = ("articles", "subscribers", "digests", "delivery", "engagement")
NOT_AT_THE_DESK = {
    "TopicSet": "an implementation of the choice of topics, shown where it is used",
    "Batch": "which sends one worker takes; the campaign's books tell how many are in flight",
    "SpeedBucket": "how much of a speed limit is given out, where there is no Redis",
    "WarmUpDay": "on its plan's page",
    "BounceAlarm": "on its campaign's page",
    "ArchivedSends": "sends of long ago, packed; the pages of campaigns and readers tell them",
    "Tally": "the figures of a campaign by minute and mail domain, on its page",
    "ReaderGroup": "how an issue was assembled; the editions and the ledger tell it",
    "IssueItem": "on its issue's page",
    "IssueOffer": "on its offer's page, counted",
    "EditionOffer": "which readers an offer reached; counted on the offer's page",
    "Correction": "on its issue's page and web version",
    "FeedEntry": "on its article's page",
    "Revision": "among its article's versions",
    "WorkingCopy": "what its editor has not saved yet; on their page of the article",
    "EditingPresence": "on its article's page",
    "ArchiveItem": "on its archive's page, counted",
    "BodyPicture": "in its article's text",
    "FeedHost": "when a server may be asked again",
    "PushDelivery": "waits a few seconds to be imported",
    "PushSubscription": "on its feed's page",
    "SkippedItem": "what nobody wanted of a new feed",
    "ImportChange": "what taking an import back needs; nobody looks at it",
    "ImportRefusal": "on its import's page",
    "BulkPart": "what taking a bulk action back needs; nobody looks at it",
    "Change": "in its reader's timeline",
    "IssueVersion": "among its issue's versions",
    "DeskPresence": "on its issue's desk",
    "IssueNotice": "tells an editor once that an issue is held",
    "SenderDomain": "in the preflight of the issues that are sent from it",
    "LinkCheck": "in the preflight of the issues that have the link",
    "MeasuringConsent": "a change in its reader's timeline, and the words in their download",
    "Silence": "in its reader's timeline and on the page of growth",
    "WelcomeArticle": "on its welcome mail's page",
    "IssueOutlook": "on its issue's desk",
    "StoredCount": "how pages show numbers without counting",
}


def models_at_the_desk() -> list[type[models.Model]]:
    return [model for model in admin.site._registry if model._meta.app_label in OURS]


def url(model: type[models.Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.fixture
def busy(db: None) -> None:
    """The demo with readers, an issue that went out, and something in every table."""
    filling.fill(now=factories.NOW)
    at = factories.NOW
    BulkAction.objects.create(kind="pause", status="finished", created_at=at, ended_at=at, leased_until=at)
    Publication.objects.create(pk=1, name="The Harbor Gazette")
    LiveSite.objects.create(host="localhost", lived_until=at)
    Appearance.objects.create(newsletter=Newsletter.objects.earliest("pk"))
    add_rows(2)


def add_rules(feed: Feed, topic: Topic) -> None:
    """What is kept beside a feed, and what has no relations."""
    SpeedLimit.objects.create(name=f"mail-{feed.pk}.example", per_second=5)
    WarmUp.objects.create(transport=f"way-{feed.pk}", day=factories.NOW.date())
    TransportOutage.objects.create(name=f"way-{feed.pk}", since=factories.NOW, reason="no connection")
    BoilerplateRule.objects.create(feed=feed, pattern="- Advertisement *")
    CategoryRule.objects.create(feed=feed, category="Harbor", category_key="harbor", topic=topic)
    Archive.objects.create(kind="pages", name=feed.url, feed=feed, status="finished", created_at=factories.NOW)


def add_rows(count: int) -> None:
    """As many rows more of everything, each related to rows of its own."""
    for number in range(count):
        topic, author = factories.make_topic(), factories.make_author()
        article = factories.make_article(topics=[topic], authors=[author])
        add_rules(factories.make_feed(), topic)
        subscription = factories.make_subscription(topics=[topic])
        factories.make_consent(subscription)
        sign_up = factories.make_sign_up(subscriptions=[subscription])
        ConfirmationMail.objects.create(address_hash=str(number), sign_up=sign_up, at=factories.NOW)
        Attack.objects.create(
            status="over", started_at=factories.NOW, ended_at=factories.NOW, last_busy_at=factories.NOW
        )
        ImportRun.objects.create(file_name="list.csv", status="finished", created_at=factories.NOW)
        Suppression.objects.create(email=f"gone{subscription.pk}@example.org")
        MailDomain.objects.create(domain=f"trash{subscription.pk}.example")
        WelcomeMail.objects.create(subscription=subscription, created_at=factories.NOW, next_attempt_at=factories.NOW)
        subscription.subscriber.labels.add(Label.objects.create(name=f"Label {subscription.pk}"))
        change = AddressChange.objects.create(
            subscriber=subscription.subscriber, old_email="old@example.org", new_email="new@example.org",
            created_at=factories.NOW, expires_at=factories.NOW,
        )  # fmt: skip
        PersonalMail.objects.create(
            kind="confirm_address", change=change, created_at=factories.NOW, next_attempt_at=factories.NOW
        )
        Farewell.objects.create(newsletter=subscription.newsletter, reason="other", at=factories.NOW)
        factories.make_schedule(newsletter=subscription.newsletter)
        factories.make_offer().newsletters.add(subscription.newsletter)
        issue = factories.make_issue(
            newsletter=subscription.newsletter, articles=[article], status=Issue.Status.APPROVED,
            approved_at=factories.NOW, launched_at=factories.NOW,
        )  # fmt: skip
        edition = factories.make_edition(issue=issue, articles=[article])
        send = factories.make_send(edition=edition, subscription=subscription, status=Send.Status.SENT)
        link = Link.objects.create(issue=issue, url="https://example.org/", url_hash=str(number))
        Event.objects.create(
            send=send, link=link, kind=Event.Kind.DELIVERED, source="test", source_id=str(send.pk), at=factories.NOW
        )
        Rating.objects.create(issue=issue, subscriber=subscription.subscriber, answer="yes", at=factories.NOW)
        MailboxMessage.objects.create(recipient="reader@example.org", subject="Hello", raw=b"Subject: Hello\n\nHi")


def test_every_model_is_at_the_desk_or_it_is_said_why_not() -> None:
    ours = {model.__name__ for label in OURS for model in apps.get_app_config(label).get_models()}

    assert ours - {model.__name__ for model in models_at_the_desk()} == set(NOT_AT_THE_DESK)


@pytest.mark.usefixtures("busy")
def test_every_list_and_every_form_opens(desk: Client) -> None:
    for model in models_at_the_desk():
        row = model._default_manager.order_by("pk").first()
        assert row, f"the test has no {model.__name__}"

        assert desk.get(url(model, "changelist"), follow=True).status_code == 200, model
        assert desk.get(url(model, "change", row.pk)).status_code == 200, model
        add = desk.get(url(model, "add")).status_code
        assert add == (200 if _may_add(model, desk) else 403), model


def _may_add(model: type[models.Model], desk: Client) -> bool:
    request = RequestFactory().get("/")
    request.user = factories.make_editor()
    return admin.site._registry[model].has_add_permission(request)


@pytest.mark.usefixtures("busy")
def test_every_search_and_every_filter_answers(desk: Client) -> None:
    for model in models_at_the_desk():
        if admin.site._registry[model].search_fields:
            assert desk.get(url(model, "changelist"), {"q": "reader"}).status_code == 200, model
        for query in _filters(model):
            assert desk.get(url(model, "changelist"), query).status_code == 200, (model, query)


def _filters(model: type[models.Model]) -> Iterator[dict[str, str]]:
    for filter_ in admin.site._registry[model].list_filter:
        if isinstance(filter_, type) and issubclass(filter_, SimpleListFilter):  # with choices of its own
            yield {str(filter_.parameter_name): "failing"}
            continue
        name = filter_ if isinstance(filter_, str) else filter_[0]  # type: ignore[index]
        field = get_fields_from_path(model, str(name))[-1]
        if isinstance(field, models.DateField):
            yield {f"{name}_from": "2026-11-01", f"{name}_to": "2026-11-30"}
        elif field.is_relation:
            yield {f"{name}__id__exact": "1"}
        elif field.choices:
            yield {f"{name}__exact": str(field.choices[0][0])}
        else:
            yield {f"{name}__exact": "1"}


@pytest.mark.usefixtures("busy")
def test_no_list_needs_a_query_per_row(desk: Client) -> None:
    counts = {}
    for model in models_at_the_desk():
        desk.get(url(model, "changelist"))
        with CaptureQueriesContext(
            connection,
        ) as few:
            desk.get(url(model, "changelist"))
        counts[model] = len(few)
    add_rows(12)

    for model, count in counts.items():
        with CaptureQueriesContext(connection) as many:
            desk.get(url(model, "changelist"))
        assert len(many) <= count, (model, [query["sql"][:200] for query in many])
        assert len(many) <= MOST_QUERIES_OF.get(model.__name__, MOST_QUERIES), (model, len(many))


@pytest.mark.usefixtures("busy")
def test_issue_with_many_items_and_reader_with_much_history_open_in_few_queries(desk: Client) -> None:
    articles = [factories.make_article() for _number in range(30)]
    issue = factories.make_issue(articles=articles)

    with CaptureQueriesContext(connection) as queries:
        response = desk.get(url(Issue, "change", issue.pk))

    assert response.status_code == 200
    assert response.content.count(b"Headline ") >= 30
    assert len(queries) <= 20, [query["sql"][:150] for query in queries]


@pytest.mark.usefixtures("busy")
def test_overview_opens_in_few_queries_and_names_what_is_next(desk: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        response = desk.get(reverse("admin:index"))

    page = response.content.decode()
    assert "Latest news" in page
    assert "Send now" in page
    assert "1 of 1 accepted" in page
    assert len(queries) <= 34, len(queries)  # however many newsletters and issues there are


@pytest.mark.usefixtures("busy")
def test_looking_changes_nothing(desk: Client) -> None:
    """Every address of the desk that a link can lead to, asked with GET."""
    before = _everything()

    for address in _links(desk):
        desk.get(address)

    assert _everything() == before


def _links(desk: Client) -> Iterator[str]:
    for model, page in admin.site._registry.items():
        row = model._default_manager.order_by("-pk").first()
        names = [pattern.name for pattern in page.get_urls() if getattr(pattern, "name", None)]
        for name in names:
            for arguments in ([], [row.pk] if row else []):
                try:
                    yield reverse(f"admin:{name}", args=arguments)
                except NoReverseMatch:
                    continue


def _everything() -> dict[str, Any]:
    return {
        label: [list(model._base_manager.order_by("pk").values()) for model in apps.get_app_config(label).get_models()]
        for label in OURS
    }


RECORDS: list[tuple[str, Callable[[], models.Model]]] = [
    ("delivery_send", factories.make_send),
    ("subscribers_consentrecord", lambda: factories.make_consent(factories.make_subscription())),
    ("subscribers_signup", factories.make_sign_up),
    ("digests_edition", factories.make_edition),
]


@pytest.mark.parametrize(("name", "make"), RECORDS)
def test_records_cannot_be_added_changed_or_deleted(desk: Client, name: str, make: Callable[[], models.Model]) -> None:
    row = make()

    assert desk.get(reverse(f"admin:{name}_add")).status_code == 403
    assert desk.post(reverse(f"admin:{name}_change", args=[row.pk]), {"status": "sent"}).status_code == 403
    assert desk.post(reverse(f"admin:{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_who_is_no_editor_is_sent_to_the_sign_in(client: Client, db: None) -> None:
    response = client.get(reverse("admin:index"))

    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]


def test_editor_with_few_rights_sees_only_what_they_may(client: Client, db: None) -> None:
    editor = factories.make_editor()
    editor.is_superuser = False
    editor.save()
    client.force_login(editor)
    send = factories.make_send()

    assert client.get(reverse("admin:index")).status_code == 200
    assert client.get(reverse("admin:delivery_send_changelist")).status_code == 403
    assert client.post(reverse("admin:delivery_send_now", args=[send.campaign.issue.newsletter_id])).status_code == 403


@pytest.mark.usefixtures("busy")
def test_address_that_no_row_has_leads_back_to_the_desk(desk: Client) -> None:
    for model in models_at_the_desk():
        answer = desk.get(url(model, "change", "nothing-of-the-kind"))

        assert answer.status_code in {302, 404}, model


def test_empty_list_says_what_would_be_there(desk: Client) -> None:
    SpeedLimit.objects.all().delete()

    page = desk.get(reverse("admin:delivery_speedlimit_changelist")).content.decode()

    assert "There is nothing here yet." in page
    assert "A limit holds those to one mail domain" in page
