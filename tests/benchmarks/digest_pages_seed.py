"""A million readers and the ledgers of five issues, written by the database itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, models
from django.utils import timezone

from articles.models import Article, Topic
from newsletter.delivery.models import Batch, Campaign, Send, Tally
from newsletter.digests.models import (
    Appearance,
    Correction,
    Edition,
    EditionItem,
    EditionOffer,
    Issue,
    IssueItem,
    IssueOffer,
    Link,
    Offer,
    ReaderGroup,
)
from newsletter.engagement.models import Event, Rating
from newsletter.subscribers.models import Label, Newsletter, Subscriber, Subscription, Suppression, TopicSet
from tests.benchmarks.readers_lists_seed import AGO, STATUS, insert, run
from tests.factories import make_article, make_newsletter, make_offer, make_topic

TOPICS, ARTICLES, SETS = 20, 200, 400
EDITIONS, STORIES = 2_000, 10  # of a digest
CADENCE = "CASE WHEN n % 10 < 6 THEN 'daily' WHEN n % 10 < 9 THEN 'weekly' ELSE 'monthly' END"
SENT = "CASE WHEN n % 50 = 2 THEN 'skipped' WHEN n % 400 = 1 THEN 'failed' ELSE 'sent' END"
WHY_NOT = "CASE WHEN n % 50 = 2 THEN 'nothing_new' WHEN n % 400 = 1 THEN 'bad_address' ELSE '' END"


def fill(count: int) -> None:
    """Readers of a digest, an announcement and offers; a sent issue of each with its reports, one on its way, and one
    that was launched a moment ago.
    """
    now = timezone.now().replace(microsecond=0)
    topics = [make_topic(name=f"Topic {number}") for number in range(TOPICS)]
    for number in range(ARTICLES):
        released_at = now - timedelta(hours=1 + number)
        chosen = [topics[number % TOPICS], topics[number * 7 % TOPICS]]
        make_article(topics=chosen, released_at=released_at)
    digest, letters, offers = _newsletters()
    _people(digest, letters, offers, count, topics)
    booked = [_offer(digest, now, ceiling=ceiling) for ceiling in (None, 2 * count)]
    editor_at = now - timedelta(hours=3)
    for number in range(2):
        _sent(_issue(digest, now - timedelta(days=2 - number), number), count, offers=booked[:1])
    letter = _sent(_issue(letters, editor_at, 0), count)
    under_way = _issue(digest, now - timedelta(minutes=20), 2)
    _half_sent(under_way, count)
    _launched(_issue(digest, now - timedelta(minutes=1), 3), count, booked[1])
    _waiting(digest, letters, now)
    article = Article.objects.order_by("-released_at")[0]
    Correction.objects.create(issue=Issue.objects.get(newsletter=digest, number=2), article=article, note="No.", at=now)
    Correction.objects.create(issue=letter, note="It was on Monday.", at=now)
    _sequences()
    run("VACUUM (ANALYZE)")


def _newsletters() -> tuple[Newsletter, Newsletter, Newsletter]:
    measured = {"measures_opens": True, "measures_clicks": True}
    digest = make_newsletter(name="Latest news", slug="latest", **measured)
    letters = make_newsletter(name="Letters", slug="letters", kind=Newsletter.Kind.ANNOUNCEMENTS, **measured)
    offers = make_newsletter(name="Offers", slug="offers", kind=Newsletter.Kind.OFFERS)
    for newsletter in (digest, letters):
        Appearance.objects.update_or_create(newsletter=newsletter, defaults={"asks_rating": True})
    return digest, letters, offers


def _people(digest: Newsletter, letters: Newsletter, offers: Newsletter, count: int, topics: Sequence[Topic]) -> None:
    """Half of them agreed to be measured; one in ten reads German; one in three has a label."""
    ago = AGO.format(count=count)
    insert(Subscriber, count, {
        "id": "n", "email": "'reader' || n || '@example.org'", "address_key": "'reader' || n || '@example.org'",
        "address_hash": "md5('reader' || n)", "created_at": ago, "allows_measuring": "n % 2 = 0",
        "language": "CASE WHEN n % 10 = 0 THEN 'de' ELSE '' END",
    })  # fmt: skip
    sets = _topic_sets(topics)
    chosen = f"CASE WHEN n % 20 < 11 THEN NULL ELSE {sets} + (n / 20) % {SETS} END"
    for newsletter, where in ((digest, "true"), (letters, "true"), (offers, "n % 3 = 0")):
        insert(Subscription, count, {
            "subscriber_id": "n", "newsletter_id": str(newsletter.pk), "status": STATUS, "confirmed_at": ago,
            "cadence": CADENCE, "ended_at": f"CASE WHEN n % 50 = 2 THEN {ago} END", "created_at": ago,
            "topic_set_id": chosen if newsletter is digest else "NULL",
        }, where=where)  # fmt: skip
    insert(Suppression, count // 10, {
        "address_hash": "md5('reader' || (n * 10))", "created_at": AGO.format(count=count // 10),
        "reason": "'hard_bounce'", "email": "'reader' || n * 10 || '@example.org'",
    })  # fmt: skip
    label = Label.objects.create(name="press")
    insert(Subscriber.labels.through, count, {"subscriber_id": "n", "label_id": str(label.pk)}, where="n % 3 = 1")


def _topic_sets(topics: Sequence[Topic]) -> int:
    """The id of the first of SETS sets, whose ids follow each other."""
    pks = sorted(topic.pk for topic in topics)
    chosen = {tuple(pk for place, pk in enumerate(pks) if number >> place & 1) for number in range(3, 8 * SETS, 8)}
    first = None
    for some in sorted(chosen)[:SETS]:
        made = TopicSet.objects.create(key=",".join(map(str, some)))
        made.topics.set(some)
        first = first or made.pk
    assert first is not None
    return first


def _offer(newsletter: Newsletter, now: datetime, *, ceiling: int | None) -> Offer:
    days = {"starts_on": now.date() - timedelta(days=9), "ends_on": now.date() + timedelta(days=9)}
    offer = make_offer(ceiling=ceiling, place="end" if ceiling else "lead", **days)
    offer.newsletters.add(newsletter)
    return offer


def _issue(newsletter: Newsletter, at: datetime, number: int) -> Issue:
    """Launched at that hour; that of a digest with all articles."""
    issue = Issue.objects.create(
        newsletter=newsletter, number=number + 1, send_at=at, status="approved", approved_at=at, launched_at=at,
        subject="What was", body="What there is to say.",
    )  # fmt: skip
    if newsletter.kind == Newsletter.Kind.DIGEST:
        _items(issue)
    return issue


def _items(issue: Issue) -> None:
    pks = Article.objects.order_by("-released_at").values_list("pk", flat=True)
    IssueItem.objects.bulk_create(IssueItem(issue=issue, article_id=pk, position=n) for n, pk in enumerate(pks))


def _editions(issue: Issue) -> tuple[int, int]:
    """How many there are, and the id of the first; the others' follow."""
    many = EDITIONS if issue.items.exists() else 1
    first = _next(Edition)
    insert(Edition, many, {"id": f"{first} - 1 + n", "issue_id": str(issue.pk), "content_key": "n::text"})
    if many > 1:
        oldest = Article.objects.order_by("pk").values_list("pk", flat=True)[0]
        insert(EditionItem, many * STORIES, {
            "edition_id": f"{first} + (n - 1) / {STORIES}", "position": f"n % {STORIES}",
            "article_id": f"{oldest} + ((n - 1) / {STORIES} * 3 + n % {STORIES} * 7) % {ARTICLES}",
        })  # fmt: skip
        insert(ReaderGroup, many, {
            "issue_id": str(issue.pk), "received": "n::text", "edition_id": f"{first} - 1 + n",
        })  # fmt: skip
    return many, first


def _ledger(issue: Issue, campaign: Campaign, count: int, values: dict[str, str]) -> int:
    """The id of its first send; that of reader ``n`` is ``n - 1`` above."""
    many, edition = _editions(issue)
    first = _next(Send)
    insert(Send, count, {
        "id": f"{first} - 1 + n", "campaign_id": str(campaign.pk), "subscriber_id": "n",
        "edition_id": f"{edition} + n % {many}", **values,
    })  # fmt: skip
    return first


def _sent(issue: Issue, count: int, *, offers: Sequence[Offer] = ()) -> Issue:
    at = issue.send_at
    campaign = Campaign.objects.create(issue=issue, started_at=at, status="finished", finished_at=at)
    said = {"settled_at": f"'{at.isoformat()}'", "response": "'250 2.0.0 taken'", "status": SENT, "reason": WHY_NOT}
    first = _ledger(issue, campaign, count, said)
    _tallies(campaign, count)
    _carried(issue, offers)
    links = _links(issue)
    kinds = {"delivered": "n % 50 > 2", "opened": "n % 4 = 0", "clicked": "n % 20 = 0", "bounced": "n % 300 = 5",
             "complained": "n % 9000 = 7"}  # fmt: skip
    for kind, where in kinds.items():
        insert(Event, count, {
            "send_id": f"{first} - 1 + n", "kind": f"'{kind}'", "source": "'provider'", "at": f"'{at.isoformat()}'",
            "source_id": f"'{campaign.pk}-{kind}-' || n",
            "link_id": f"{links} + n / 20 % {STORIES}" if kind == "clicked" and links else "NULL",
        }, where=where)  # fmt: skip
    insert(Rating, count, {
        "issue_id": str(issue.pk), "subscriber_id": "n", "at": f"'{at.isoformat()}'",
        "answer": "CASE WHEN n % 3 = 0 THEN 'no' ELSE 'yes' END",
        "comment": "CASE WHEN n % 100 = 1 THEN 'Well said.' ELSE '' END",
    }, where="n % 20 = 1")  # fmt: skip
    return issue


def _half_sent(issue: Issue, count: int) -> None:
    """On its way: the first half is accepted, some are put off, the rest is packed in part."""
    campaign = Campaign.objects.create(issue=issue, started_at=issue.send_at)
    half = count // 2
    put_off = f"n <= {half} AND n % 100 = 1"
    first = _ledger(issue, campaign, count, {
        "settled_at": f"CASE WHEN n <= {half} THEN now() END",
        "status": f"CASE WHEN {put_off} THEN 'deferred' WHEN n <= {half} THEN 'sent' ELSE 'queued' END",
        "next_attempt_at": f"CASE WHEN {put_off} THEN now() + interval '1 hour' END",
        "response": f"CASE WHEN {put_off} THEN '451 try ' || n ELSE '' END",
    })  # fmt: skip
    packed = first + half + count // 10
    Campaign.objects.filter(pk=campaign.pk).update(packed_to=packed)
    Batch.objects.bulk_create(
        Batch(campaign=campaign, open_count=2_000, sends=",".join(map(str, range(begin, begin + 2_000))))
        for begin in range(first + half, packed - 2_000, 2_000)
    )
    _tallies(campaign, half)


def _launched(issue: Issue, count: int, offer: Offer) -> None:
    """Nothing of it was handed over yet."""
    campaign = Campaign.objects.create(issue=issue, started_at=issue.send_at)
    _ledger(issue, campaign, count, {})
    _carried(issue, [offer])


def _carried(issue: Issue, offers: Sequence[Offer]) -> None:
    for offer in offers:
        IssueOffer.objects.create(issue=issue, offer=offer, place=offer.place)
        editions = Edition.objects.filter(issue=issue)
        EditionOffer.objects.bulk_create(EditionOffer(edition=each, offer=offer) for each in editions)


def _links(issue: Issue) -> int | None:
    stories = Article.objects.order_by("-released_at")[:STORIES] if issue.items.exists() else ()
    made = [
        Link.objects.create(issue=issue, article=each, url=f"https://example.com/{each.pk}", url_hash=str(each.pk))
        for each in stories
    ]
    return made[0].pk if made else None


def _tallies(campaign: Campaign, count: int) -> None:
    for minute in range(10):
        at = campaign.started_at.replace(second=0) + timedelta(minutes=minute)
        Tally.objects.create(campaign=campaign, minute=at, domain_group="", accepted=count // 10)


NARROWINGS: dict[str, dict[str, Any]] = {
    "everybody": {}, "topics": {"topics": [1, 2]}, "label": {"label": 1}, "language": {"language": "de"},
    "opened": {"activity": "active", "days": 30}, "not opened": {"activity": "inactive", "days": 30},
    "all of it": {"topics": [1, 2], "label": 1, "language": "en", "activity": "active", "days": 30},
}  # fmt: skip


def _waiting(digest: Newsletter, letters: Newsletter, now: datetime) -> None:
    """What is made at the desk: a digest, and an announcement for each kind of narrowing."""
    draft = Issue.objects.create(newsletter=digest, number=9, send_at=now + timedelta(hours=20), cadence="daily")
    _items(draft)
    topics = list(Topic.objects.order_by("pk").values_list("pk", flat=True)[:2])
    label = Label.objects.get().pk
    for number, (name, kept) in enumerate(NARROWINGS.items(), start=2):
        chosen = kept | ({"topics": topics} if "topics" in kept else {}) | ({"label": label} if "label" in kept else {})
        Issue.objects.create(
            newsletter=letters, number=number, send_at=now + timedelta(hours=30), subject=name, body="We moved.",
            narrowing=chosen,
        )  # fmt: skip
    cadence = {"cadence": "weekly", "subject": "cadence", "body": "We moved."}
    Issue.objects.create(newsletter=letters, number=50, send_at=now + timedelta(hours=30), **cadence)


def _next(model: type[models.Model]) -> int:
    return (model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1


def _sequences() -> None:
    """After rows whose ids were given."""
    with connection.cursor() as cursor:
        for model in (Subscriber, Edition, Send):
            table = model._meta.db_table
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, _next(model) - 1])
