"""A site in the middle of a busy morning: what pages and mails are looked at with. Runs in a product's own process."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from articles.models import Article
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import drafting
from newsletter.digests.models import Edition, Issue, IssueItem, Offer
from newsletter.lib.addresses import address_hash, address_key
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription

DOMAINS = ("gmail.example", "outlook.example", "harbor.example", "post.example")
NO_SUCH_USER = "550 5.1.1 <user@harbor.example>: Recipient address rejected: User unknown in local recipient table"
REFUSED_BY_POLICY = "554 5.7.1 Message rejected: the sender is not on the list of this company"
DEFERRED = "451 4.7.1 Greylisted, please try again in 300 seconds"


def people(count: int) -> list[Subscriber]:
    """So many invented people."""
    addresses = [f"reader{n}@{DOMAINS[n % len(DOMAINS)]}" for n in range(count)]
    return Subscriber.objects.bulk_create(
        Subscriber(email=address, address_key=address_key(address), address_hash=address_hash(address))
        for address in addresses
    )


def subscribe(newsletter: Newsletter, readers: list[Subscriber]) -> None:
    """All of them, confirmed yesterday."""
    Subscription.objects.bulk_create(
        Subscription(
            newsletter=newsletter, subscriber=person, status="active", confirmed_at=timezone.now() - timedelta(days=1)
        )
        for person in readers
    )


def campaign(newsletter: Newsletter, readers: list[Subscriber], *, status: str, reason: str = "") -> Campaign:
    """One that a relay has refused some of, and put off others. Paused or finished: a worker would go on with it."""
    now = timezone.now()
    issue = drafting.new_issue(newsletter, send_at=now - timedelta(minutes=9))
    issue.status, issue.approved_at, issue.launched_at = Issue.Status.APPROVED, now, now - timedelta(minutes=9)
    issue.subject = "The night ferry is back"
    issue.save()
    edition = Edition.objects.create(issue=issue, content_key=f"{issue.pk:064}")
    made = Campaign.objects.create(
        issue=issue, status=status, reason=reason, started_at=now - timedelta(minutes=9), filled_to=None,
        filled_count=len(readers), audience_count=len(readers), finished_at=now if status == "finished" else None,
    )  # fmt: skip
    Send.objects.bulk_create(
        Send(campaign=made, subscriber=person, edition=edition, **_outcome(n, status=status))
        for n, person in enumerate(readers)
    )
    return made


def _outcome(n: int, *, status: str) -> dict[str, object]:
    now = timezone.now()
    if n % 17 == 3:
        return {"status": "failed", "reason": "bad_address", "response": NO_SUCH_USER, "settled_at": now}
    if n % 23 == 5:
        return {"status": "failed", "reason": "refused", "response": REFUSED_BY_POLICY, "settled_at": now}
    if n % 3 == 1 and status != "finished":
        return {"status": "queued"}
    if n % 11 == 4 and status != "finished":
        later = now + timedelta(hours=1)
        return {"status": "deferred", "response": DEFERRED, "attempt_count": 1, "next_attempt_at": later}
    return {"status": "sent", "settled_at": now}


def full_desk(newsletter: Newsletter) -> Issue:
    """An issue of ten stories and headlines below, with a pinned one; the rest waits beside it."""
    now = timezone.now()
    issue = drafting.new_issue(newsletter, send_at=now + timedelta(hours=1), cadence="daily")
    issue.max_articles, issue.is_arranged, issue.intro = 10, True, "Good morning. The ferry is back."
    issue.save()
    articles = list(Article.objects.published(now).filter(is_mailable=True).order_by("-published_at", "pk"))
    for n, article in enumerate(articles, start=1):
        state = IssueItem.State.PINNED if n == 1 else IssueItem.State.LATER if n % 9 == 0 else IssueItem.State.INCLUDED
        IssueItem.objects.create(issue=issue, article=article, position=n, state=state)
    return issue


def held(newsletter: Newsletter) -> Issue:
    """An issue that waits for a person."""
    issue = drafting.new_issue(newsletter, send_at=timezone.now() - timedelta(minutes=20))
    issue.status, issue.reason = Issue.Status.HELD, "Nobody approved it before its time."
    issue.subject, issue.body = "Our open day", "<p>Come and see us on Saturday.</p>"
    issue.save()
    return issue


def offer(newsletter: Newsletter) -> Offer:
    today = timezone.now().date()
    made = Offer.objects.create(
        advertiser="Quay Coffee", title="Two cups for one", text="Until Sunday, at the old customs house.",
        url="https://coffee.example/two", starts_on=today, ends_on=today + timedelta(days=6),
    )  # fmt: skip
    made.newsletters.set([newsletter])
    return made


def private_letter(newsletter: Newsletter) -> str:
    """The path of an announcement that was for some of the readers only."""
    now = timezone.now()
    issue = drafting.new_issue(newsletter, send_at=now)
    issue.subject, issue.body, issue.narrowing = "For the early risers", "<p>Thank you.</p>", {"language": "en"}
    issue.status, issue.approved_at, issue.launched_at = Issue.Status.APPROVED, now, now
    issue.save()
    Campaign.objects.create(issue=issue, status="finished", started_at=now, finished_at=now)
    return issue.get_absolute_url()


def rating_and_staying(address: str) -> tuple[str, str]:
    """Where a reader who had an issue says what it was worth, and that mails may go on."""
    send = Send.objects.filter(subscriber__email=address).latest("pk")
    subscription = Subscription.objects.filter(subscriber__email=address).latest("pk")
    rate, stay = make_token(Purpose.RATE, send.pk), make_token(Purpose.STAY, subscription.pk)
    return f"/rate/{rate}/yes/", f"/stay/{stay}/keep/"


def public() -> list[str]:
    """The paths of the demo's lead story, and of the preferences of a reader of every newsletter."""
    lead = Article.objects.get(title__startswith="The night ferry")
    reader = Subscriber.objects.create(email="ada.lovelace@example.org")
    for newsletter in Newsletter.objects.all():
        subscribe(newsletter, [reader])
    Newsletter.objects.filter(kind="digest").update(offers_delivery_time=True)
    preferences = reverse("subscribers:preferences", args=[reader.preferences_token])
    return [lead.get_absolute_url(), preferences]


def busy() -> list[str]:
    """All of it, to people without a subscription, who get nothing more; where to look."""
    news, updates, offers = (Newsletter.objects.get(kind=kind) for kind in ("digest", "announcements", "offers"))
    offer(offers)
    readers = people(300)
    finished = campaign(news, readers, status="finished")
    paused = campaign(news, readers, status="paused", reason="The relay refused 9 % of the mails.")
    campaigns = [f"/admin/delivery/campaign/{each.pk}/change/" for each in (finished, paused)]
    return [*campaigns, *(f"/admin/issue-desk/{issue.pk}/" for issue in (full_desk(news), held(updates)))]
