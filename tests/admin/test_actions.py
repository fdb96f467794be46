"""What the desk's buttons do, and that they do it by POST only."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from articles.models import Article, Feed
from newsletter.delivery.models import Campaign, Send, TransportOutage
from newsletter.digests.models import Issue, IssueItem, Schedule
from newsletter.subscribers.models import ConsentRecord, Newsletter, Subscriber, Subscription, Suppression
from tests import factories
from tests.admin.forms import form_of


def act(desk: Client, name: str, action: str, *rows: Any, **answers: str) -> str:
    """Choose the action for these rows in the list; the messages that came of it."""
    data = {"action": action, "_selected_action": [row.pk for row in rows], **answers}
    response = desk.post(reverse(f"admin:{name}_changelist"), data, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_article_written_by_hand_is_cleaned_and_published(desk: Client) -> None:
    topic = factories.make_topic()
    data = form_of(desk, reverse("admin:articles_article_add")) | {
        "title": "The tide is out", "body": "First.\n\nSecond & <third>.", "topics": [topic.pk],
        "articles_article_save_and_publish": "1",
    }  # fmt: skip

    desk.post(reverse("admin:articles_article_add"), data)

    article = Article.objects.get()
    assert article.status == Article.Status.PUBLISHED
    assert article.is_public(timezone.now())
    assert article.body == "<p>First.</p>\n\n<p>Second &amp; &lt;third&gt;.</p>"
    assert list(article.topics.all()) == [topic]


def test_markup_that_could_do_harm_is_removed_from_the_text(desk: Client) -> None:
    data = form_of(desk, reverse("admin:articles_article_add")) | {
        "title": "T", "body": "<p onclick='x()'>Text<script>alert(1)</script></p>"
    }  # fmt: skip

    desk.post(reverse("admin:articles_article_add"), data)

    assert Article.objects.get().body == "<p>Text</p>"


def test_saving_an_article_leaves_alone_what_others_changed_meanwhile(desk: Client) -> None:
    article = factories.make_article()
    address = reverse("admin:articles_article_change", args=[article.pk])
    data = form_of(desk, address) | {"title": "A better headline"}
    article.withdraw(timezone.now())

    desk.post(address, data)

    article.refresh_from_db()
    assert article.title == "A better headline"
    assert article.status == Article.Status.WITHDRAWN


def test_uploaded_picture_is_encoded_anew_with_a_thumbnail(desk: Client) -> None:
    article = factories.make_article()
    address = reverse("admin:articles_article_change", args=[article.pk])
    file = BytesIO()
    Image.new("RGB", (2000, 1000), "teal").save(file, "PNG")
    upload = SimpleUploadedFile("photo.png", file.getvalue(), "image/png")

    desk.post(address, form_of(desk, address) | {"picture": upload, "picture_alt": "All teal"})

    article.refresh_from_db()
    assert str(article.picture).endswith(".jpg")
    assert (article.picture.width, article.thumbnail.width) == (1200, 352)


def test_picture_needs_a_description_and_must_be_one(desk: Client) -> None:
    article = factories.make_article()
    address = reverse("admin:articles_article_change", args=[article.pk])
    upload = SimpleUploadedFile("photo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml")

    response = desk.post(address, form_of(desk, address) | {"picture": upload})

    assert set(response.context["adminform"].form.errors) == {"picture"}
    article.refresh_from_db()
    assert not article.picture


def test_articles_are_published_and_withdrawn_from_the_list(desk: Client) -> None:
    draft = factories.make_article(status=Article.Status.DRAFT, released_at=None)
    public = factories.make_article()

    told = act(desk, "articles_article", "publish_selected", draft, public, asked="1")
    act(desk, "articles_article", "withdraw_selected", public, asked="1")

    assert "1 were published already" in told
    draft.refresh_from_db()
    public.refresh_from_db()
    assert draft.status == Article.Status.PUBLISHED
    assert public.status == Article.Status.WITHDRAWN


def test_polling_a_feed_now_makes_it_due(desk: Client) -> None:
    feed = factories.make_feed(next_poll_at=timezone.now() + timedelta(days=1))

    told = act(desk, "articles_feed", "poll_selected", feed)

    feed.refresh_from_db()
    assert feed.next_poll_at <= timezone.now()
    assert "being asked" in told.lower()


def test_feed_that_is_gone_is_not_polled(desk: Client) -> None:
    feed = factories.make_feed(status=Feed.Status.GONE)

    told = act(desk, "articles_feed", "poll_selected", feed)

    assert "1 are not active" in told


def test_issue_is_reordered_retitled_and_approved_in_one_go(desk: Client) -> None:
    issue = factories.make_issue(articles=[factories.make_article(), factories.make_article()])
    first, second = issue.items.order_by("position")
    address = reverse("admin:digests_issue_change", args=[issue.pk])
    data = form_of(desk, address) | {
        "subject": "Good morning", "items-0-position": 1, "items-1-position": 0, "items-0-title": "In other words",
        "items-1-state": "dropped", "digests_issue_save_and_approve": "1",
    }  # fmt: skip

    desk.post(address, data)

    issue.refresh_from_db()
    assert (issue.subject, issue.status) == ("Good morning", Issue.Status.APPROVED)
    assert issue.approved_by is not None
    assert list(issue.items.order_by("position")) == [second, first]
    assert IssueItem.objects.get(pk=first.pk).title == "In other words"
    assert IssueItem.objects.get(pk=second.pk).state == IssueItem.State.DROPPED


def test_article_is_added_to_an_issue_behind_the_others(desk: Client) -> None:
    issue = factories.make_issue(articles=[factories.make_article(), factories.make_article()])
    late = factories.make_article()
    address = reverse("admin:digests_issue_change", args=[issue.pk])

    desk.post(address, form_of(desk, address) | {"items-2-0-article": late.pk})

    assert [item.article for item in issue.items.order_by("position")][-1] == late


@pytest.mark.parametrize(("action", "status"), [
    ("approve_selected", Issue.Status.APPROVED),
    ("hold_selected", Issue.Status.HELD),
    ("skip_selected", Issue.Status.SKIPPED),
    ("cancel_selected", Issue.Status.CANCELLED),
])  # fmt: skip
def test_issues_are_decided_from_the_list(desk: Client, action: str, status: Issue.Status) -> None:
    issue = factories.make_issue()

    told = act(desk, "digests_issue", action, issue, **{f"seen-{issue.pk}": str(issue.version)})

    issue.refresh_from_db()
    assert issue.status == status
    assert str(issue) in told


def test_launched_issue_cannot_be_changed_or_cancelled(desk: Client) -> None:
    now = factories.NOW
    issue = factories.make_issue(status=Issue.Status.APPROVED, approved_at=now, launched_at=now)

    act(desk, "digests_issue", "cancel_selected", issue)
    response = desk.post(reverse("admin:digests_issue_change", args=[issue.pk]), {"subject": "Too late"})

    issue.refresh_from_db()
    assert response.status_code == 403
    assert (issue.status, issue.subject) == (Issue.Status.APPROVED, "")


@pytest.mark.parametrize(
    ("name", "status"), [("skip_run", Issue.Status.SKIPPED), ("cancel_issue", Issue.Status.CANCELLED)]
)
def test_skipping_and_cancelling_ask_first(desk: Client, name: str, status: Issue.Status) -> None:
    issue = factories.make_issue()
    address = reverse(f"admin:digests_issue_{name}", args=[issue.pk])

    page = desk.get(address)
    issue.refresh_from_db()
    assert page.status_code == 200
    assert issue.status == Issue.Status.DRAFT

    desk.post(address)
    issue.refresh_from_db()
    assert issue.status == status


def test_announcement_is_written_and_numbered_by_hand(desk: Client) -> None:
    newsletter = factories.make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    address = reverse("admin:digests_issue_add")
    data = form_of(desk, address) | {"newsletter": newsletter.pk, "subject": "We moved", "body": "To the quay."}

    desk.post(address, data)

    issue = Issue.objects.get()
    assert (issue.number, issue.subject, issue.status) == (1, "We moved", Issue.Status.DRAFT)


def test_send_now_asks_with_the_number_of_readers_and_sends_on_post(desk: Client) -> None:
    subscription = factories.make_subscription()
    factories.make_article(released_at=timezone.now())
    address = reverse("admin:delivery_send_now", args=[subscription.newsletter_id])

    page = desk.get(address).content.decode()
    assert "1 active reader may get it" in page
    assert not Issue.objects.exists()

    response = desk.post(address)
    issue = Issue.objects.get()
    assert issue.status == Issue.Status.APPROVED
    assert issue.approved_by is not None
    assert response["Location"] == reverse("admin:digests_issue_change", args=[issue.pk])


def test_button_on_the_newsletter_leads_to_the_question(desk: Client) -> None:
    newsletter = factories.make_newsletter()

    response = desk.get(reverse("admin:subscribers_newsletter_send_now", args=[newsletter.pk]))

    assert response["Location"] == reverse("admin:delivery_send_now", args=[newsletter.pk])


def test_schedule_that_is_added_or_moved_knows_its_next_run(desk: Client) -> None:
    newsletter = factories.make_newsletter()
    data = form_of(desk, reverse("admin:digests_schedule_add")) | {
        "newsletter": newsletter.pk, "cadence": "daily", "time": "07:00", "weekdays": ["0", "1"], "is_active": "on",
    }  # fmt: skip

    desk.post(reverse("admin:digests_schedule_add"), data)

    schedule = Schedule.objects.get()
    assert schedule.next_run_at is not None
    assert schedule.next_run_at > timezone.now()
    assert schedule.next_run_at.hour == 7
    assert schedule.weekdays == [0, 1]


def test_schedule_without_a_weekday_is_refused(desk: Client) -> None:
    data = form_of(desk, reverse("admin:digests_schedule_add")) | {
        "newsletter": factories.make_newsletter().pk, "cadence": "daily", "time": "07:00", "weekdays": [],
    }  # fmt: skip

    response = desk.post(reverse("admin:digests_schedule_add"), data)

    assert "never runs" in response.content.decode()
    assert not Schedule.objects.exists()


def test_changing_only_the_maximum_leaves_a_due_run_alone(desk: Client) -> None:
    schedule = factories.make_schedule(next_run_at=factories.NOW)
    address = reverse("admin:digests_schedule_change", args=[schedule.pk])

    desk.post(address, form_of(desk, address) | {"max_articles": 5})

    schedule.refresh_from_db()
    assert (schedule.max_articles, schedule.next_run_at) == (5, factories.NOW)


def test_campaign_is_paused_and_resumed_by_its_buttons(desk: Client) -> None:
    campaign = factories.make_send().campaign
    address = reverse("admin:delivery_campaign_change", args=[campaign.pk])

    desk.post(address, {"delivery_campaign_pause": "1"})
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.PAUSED
    assert campaign.reason

    desk.post(address, {"delivery_campaign_resume": "1"})
    campaign.refresh_from_db()
    assert campaign.status == Campaign.Status.SENDING


def test_campaign_that_paused_itself_can_be_held(desk: Client) -> None:
    campaign = factories.make_send().campaign
    campaign.pause(reason="The mail server cannot be reached", resume_at=factories.NOW)
    address = reverse("admin:delivery_campaign_change", args=[campaign.pk])
    page = desk.get(address).content.decode()

    desk.post(address, {"delivery_campaign_pause": "1"})

    campaign.refresh_from_db()
    assert "delivery_campaign_pause" in page
    assert "delivery_campaign_resume" in page
    assert (campaign.status, campaign.resume_at) == (Campaign.Status.PAUSED, None)
    assert "delivery_campaign_pause" not in desk.get(address).content.decode()


def test_cancelling_a_campaign_asks_first_and_gives_back_what_waits(desk: Client) -> None:
    send = factories.make_send()
    address = reverse("admin:delivery_campaign_cancel", args=[send.campaign_id])

    assert "1 reader has not got it yet" in desk.get(address).content.decode()
    desk.post(address)

    send.refresh_from_db()
    assert (send.status, send.reason) == (Send.Status.SKIPPED, Send.Reason.CANCELLED)
    assert Campaign.objects.get().status == Campaign.Status.CANCELLED


def test_subscription_ended_by_an_editor_leaves_a_proof(desk: Client) -> None:
    subscription = factories.make_subscription()

    act(desk, "subscribers_subscription", "end_selected", subscription)
    assert not ConsentRecord.objects.exists()  # it asks first
    act(desk, "subscribers_subscription", "end_selected", subscription, asked="1")

    subscription.refresh_from_db()
    assert subscription.status == Subscription.Status.ENDED
    assert ConsentRecord.objects.get().method == ConsentRecord.Method.EDITOR


def test_erasing_a_person_asks_first_and_leaves_only_a_hash(desk: Client) -> None:
    subscriber = factories.make_subscription().subscriber
    address = reverse("admin:subscribers_subscriber_erase", args=[subscriber.pk])

    desk.get(address)
    assert Subscriber.objects.filter(pk=subscriber.pk).exists()
    desk.post(address)

    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().email == ""


def test_address_is_suppressed_by_hand_however_it_is_spelled(desk: Client) -> None:
    subscription = factories.make_subscription(email="reader@example.org")

    desk.post(reverse("admin:subscribers_suppression_add"), {"email": "Reader@Example.org", "note": "Asked by letter."})

    assert not Subscription.objects.mailable().filter(pk=subscription.pk).exists()


def test_who_complained_cannot_be_taken_off_the_list(desk: Client) -> None:
    row = Suppression.objects.create(email="reader@example.org", reason=Suppression.Reason.COMPLAINT)

    response = desk.post(reverse("admin:subscribers_suppression_delete", args=[row.pk]), {"post": "yes"})

    assert response.status_code == 403
    assert Suppression.objects.exists()


def test_ledger_is_found_by_the_beginning_of_an_address_in_any_case(desk: Client) -> None:
    mine = factories.make_send(subscription=factories.make_subscription(email="ada@example.org"))
    factories.make_send(subscription=factories.make_subscription(email="kim@example.org"))

    response = desk.get(reverse("admin:delivery_send_changelist"), {"q": "Ada@"})

    assert [send.pk for send in response.context["cl"].result_list] == [mine.pk]


def test_transport_that_was_left_out_is_used_again(desk: Client) -> None:
    main, spare = (
        TransportOutage.objects.create(name=name, since=factories.NOW, reason="401 Forbidden")
        for name in ("main", "spare")
    )

    said = act(desk, "delivery_transportoutage", "use_again", main)

    assert said == "Used again: main"
    assert list(TransportOutage.objects.all()) == [spare]
