"""Who is new: a welcome with the best of the last days, which counts as received, and no flood of what came before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from articles.models import Article
from newsletter.delivery import campaigns
from newsletter.delivery.corrections import recipients
from newsletter.delivery.issue_desk.as_reader import share_of
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Appearance, Correction, EditionItem, Issue
from newsletter.insights.why import explain
from newsletter.subscribers.models import Newsletter, Subscription, WelcomeArticle, WelcomeMail
from newsletter.subscribers.welcoming import send_welcome
from tests.factories import NOW, make_article, make_edition, make_issue, make_send, make_subscription, make_topic
from tests.servers.smtp import SmtpServer, Stage

pytestmark = pytest.mark.django_db
MakeIssue = Callable[..., Issue]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def newsletter(newsletter: Newsletter) -> Newsletter:
    newsletter.sends_welcome = newsletter.welcome_has_best = True
    newsletter.save()
    return newsletter


def newcomer(newsletter: Newsletter, **fields: object) -> WelcomeMail:
    reader = make_subscription(newsletter=newsletter, confirmed_at=NOW, **fields)  # type: ignore[arg-type]
    return WelcomeMail.objects.create(subscription=reader, created_at=NOW, next_attempt_at=NOW)


def shown(row: WelcomeMail) -> list[int]:
    return list(row.items.order_by("position").values_list("article_id", flat=True))


def told(campaign: Campaign, reader: Subscription) -> set[int]:
    """The articles of this reader's mail; none if there is no mail."""
    sends = campaign.sends.filter(subscriber=reader.subscriber_id)
    return set(EditionItem.objects.filter(edition__in=sends.values("edition")).values_list("article_id", flat=True))


def test_welcome_shows_five_recent_articles_in_the_readers_topics(
    newsletter: Newsletter, smtp_mailers: SmtpServer
) -> None:
    harbor, schools = make_topic(), make_topic()
    fresh = [make_article(topics=[harbor], released_at=NOW - n * HOUR) for n in range(1, 8)]
    make_article(topics=[schools])
    make_article(topics=[harbor], released_at=NOW - 8 * DAY)
    make_article(topics=[harbor], is_sponsored=True)
    row = newcomer(newsletter, topics=[harbor])

    send_welcome(welcome_mail_id=row.pk, now=NOW)

    assert shown(row) == [article.pk for article in fresh[:5]]
    parts = smtp_mailers.messages[0].parsed
    for kind in ("html", "plain"):
        text = parts.get_body((kind,)).get_content()  # type: ignore[union-attr]
        assert "The best of the last seven days" in text
        assert all((article.title in text) == (article in fresh[:5]) for article in Article.objects.all())


def test_welcome_leaves_out_what_the_reader_has_had_by_another_newsletter(
    newsletter: Newsletter, smtp_mailers: SmtpServer
) -> None:
    had, new = make_article(), make_article()
    row = newcomer(newsletter)
    other = make_subscription(subscriber=row.subscription.subscriber)
    issue = make_issue(newsletter=other.newsletter, status=Issue.Status.APPROVED, approved_at=NOW)
    make_send(edition=make_edition(issue=issue, articles=[had]), subscription=other, status=Send.Status.SENT)

    send_welcome(welcome_mail_id=row.pk, now=NOW)

    assert shown(row) == [new.pk]


@pytest.mark.parametrize("switch", ["sends no best", "writes announcements"])
def test_welcome_shows_nothing_where_the_editor_does_not_want_it(
    newsletter: Newsletter, smtp_mailers: SmtpServer, switch: str
) -> None:
    make_article()
    if switch == "sends no best":
        newsletter.welcome_has_best = False
    else:
        newsletter.kind = Newsletter.Kind.ANNOUNCEMENTS
    newsletter.save()
    row = newcomer(newsletter)

    send_welcome(welcome_mail_id=row.pk, now=NOW)

    assert not shown(row)
    assert "seven days" not in smtp_mailers.messages[0].parsed.as_string()


def test_issue_brings_nothing_again_that_the_welcome_showed(
    newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer
) -> None:
    articles = [make_article(released_at=NOW - n * HOUR) for n in range(1, 8)]
    row, old = newcomer(newsletter), make_subscription(newsletter=newsletter)
    send_welcome(welcome_mail_id=row.pk, now=NOW)

    campaign = campaigns.launch(approved_issue(articles=articles), now=NOW)

    assert campaign
    assert told(campaign, row.subscription) == {article.pk for article in articles[5:]}
    assert told(campaign, old) == {article.pk for article in articles}


def test_welcome_brings_nothing_again_that_an_issue_is_about_to_bring(
    newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer
) -> None:
    row = newcomer(newsletter)
    article = make_article()
    campaigns.launch(approved_issue(articles=[article]), now=NOW)

    send_welcome(welcome_mail_id=row.pk, now=NOW)

    assert not shown(row)


def test_welcome_that_is_refused_for_good_gives_its_articles_back(
    newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer
) -> None:
    article, row = make_article(), newcomer(newsletter)
    smtp_mailers.refuse(Stage.RCPT, "550 5.1.1 no such user")

    send_welcome(welcome_mail_id=row.pk, now=NOW)
    campaign = campaigns.launch(approved_issue(articles=[article]), now=NOW)

    assert shown(row) == [article.pk]
    assert campaign
    assert told(campaign, row.subscription) == {article.pk}


def test_welcome_that_must_wait_shows_the_same_articles_when_it_is_tried_again(
    newsletter: Newsletter, smtp_mailers: SmtpServer
) -> None:
    first, row = make_article(), newcomer(newsletter)
    smtp_mailers.refuse(Stage.RCPT, "451 4.3.0 later", times=1)
    send_welcome(welcome_mail_id=row.pk, now=NOW)
    make_article(released_at=NOW)

    send_welcome(welcome_mail_id=row.pk, now=NOW + HOUR)

    assert shown(row) == [first.pk]


def test_every_question_about_the_reader_knows_of_the_welcome(
    newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer
) -> None:
    article, other, row = make_article(), make_article(released_at=NOW - 8 * DAY), newcomer(newsletter)
    send_welcome(welcome_mail_id=row.pk, now=NOW)
    issue = approved_issue(articles=[article, other])
    reader = row.subscription.subscriber

    foreseen = share_of(issue, reader, on=None, now=NOW)
    campaigns.launch(issue, now=NOW)

    assert [fate.why for fate in foreseen.fates if not fate.is_in] == ["they have had it"]
    reasons = {fate.why for fate in explain(subscriber=reader, issue=issue).articles if not fate.is_in}
    assert reasons == {"they had it in the welcome mail"}
    correction = Correction.objects.create(issue=issue, article=article, note="It was Tuesday.", at=NOW)
    assert row.subscription in Subscription.objects.filter(pk__in=recipients(correction, newsletter))


def test_newcomer_to_every_article_begins_with_what_is_released_after_they_joined(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    before = [make_article(released_at=NOW - n * HOUR) for n in (30, 20, 10)]
    new = make_article(released_at=NOW - HOUR)
    joined = make_subscription(newsletter=newsletter, cadence="immediate", confirmed_at=NOW - 2 * HOUR)
    imported = make_subscription(
        newsletter=newsletter, cadence="immediate", confirmed_at=NOW - 400 * DAY, imported_at=NOW - 2 * HOUR
    )
    old = make_subscription(newsletter=newsletter, cadence="immediate", confirmed_at=NOW - 9 * DAY)
    issue = approved_issue(articles=[*before, new], cadence="immediate")

    foreseen = share_of(issue, joined.subscriber, on=None, now=NOW)
    campaign = campaigns.launch(issue, now=NOW)

    assert campaign
    assert told(campaign, joined) == told(campaign, imported) == {new.pk}
    assert told(campaign, old) == {new.pk, *(article.pk for article in before)}
    assert sum(fate.is_in for fate in foreseen.fates) == 1
    fates = explain(subscriber=joined.subscriber, issue=issue).articles
    assert sum("before they joined" in fate.why for fate in fates) == len(before)


def test_welcome_wears_the_newsletters_paper_and_typeface(newsletter: Newsletter, smtp_mailers: SmtpServer) -> None:
    Appearance.objects.create(newsletter=newsletter, tone="cool", typeface="slab")

    send_welcome(welcome_mail_id=newcomer(newsletter).pk, now=NOW)

    html = smtp_mailers.messages[0].parsed.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "#edf0f3" in html
    assert "Rockwell" in html


@pytest.mark.django_db(transaction=True)
def test_welcome_and_launch_at_the_same_moment_bring_an_article_once(
    newsletter: Newsletter, approved_issue: MakeIssue, smtp_mailers: SmtpServer
) -> None:
    articles = [make_article(released_at=NOW - n * HOUR) for n in range(1, 5)]
    rows = [newcomer(newsletter) for _ in range(8)]
    issue = approved_issue(articles=articles)
    start = Barrier(2)

    def welcome() -> None:
        start.wait(10)
        for row in rows:
            send_welcome(welcome_mail_id=row.pk, now=NOW)
        connection.close()

    def launch() -> None:
        start.wait(10)
        campaigns.launch(issue, now=NOW)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        for job in [pool.submit(welcome), pool.submit(launch)]:
            job.result()

    campaign = Campaign.objects.filter(issue=issue).first()
    for row in rows:
        by_issue = told(campaign, row.subscription) if campaign else set()
        by_welcome = set(WelcomeArticle.objects.filter(welcome_mail=row).values_list("article_id", flat=True))
        assert not by_issue & by_welcome
        assert by_issue | by_welcome == {article.pk for article in articles}
