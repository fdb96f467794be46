"""Corrections: a note where the mistake can be read, and a mail to exactly those who got it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from articles.models import Article
from newsletter.delivery import campaigns, corrections, reaching, tasks
from newsletter.delivery.models import Campaign, Send
from newsletter.digests import alerts, correcting
from newsletter.digests.correcting import Wording
from newsletter.digests.models import Correction, Issue
from newsletter.digests.rendering import render_edition
from newsletter.subscribers.models import Newsletter, Subscription, Suppression
from newsletter.subscribers.suppression import suppress
from tests.factories import NOW, make_article, make_editor, make_newsletter, make_subscription, make_topic

pytestmark = pytest.mark.django_db

LEAVES = NOW + alerts.UNDO
MakeIssue = Callable[..., Issue]


def launched(issue: Issue, *, at: timedelta = timedelta()) -> Campaign:
    campaign = campaigns.launch(Issue.objects.get(pk=issue.pk), now=NOW + at)
    assert campaign is not None
    return campaign


def delivered(campaign: Campaign) -> Issue:
    campaign.sends.filter(status="queued").update(status="sent", settled_at=NOW)
    return campaign.issue


def corrected(issue: Issue, article: Article | None = None, **fields: bool) -> Correction:
    wording = Wording("The bridge opens on Friday, not on Monday.", article, **fields)
    return correcting.correct(issue, wording=wording, by=make_editor(), now=NOW)


def mailed(correction: Correction) -> list[Issue]:
    newsletters = [reach.newsletter for reach in corrections.reaches(correction) if reach.count]
    return correcting.draft_mails(correction, newsletters, by=make_editor(), now=NOW)


def told(issues: list[Issue]) -> set[int | None]:
    sends = [send for issue in issues for send in launched(issue, at=alerts.UNDO).sends.filter(status="queued")]
    return {send.subscriber_id for send in sends}


def test_exactly_those_who_got_the_article_are_told(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    harbor, schools = make_topic(), make_topic()
    wrong, other = make_article(topics=[harbor]), make_article(topics=[schools])
    got, failed, left, bad, later = (make_subscription(newsletter=newsletter, topics=[harbor]) for _ in range(5))
    make_subscription(newsletter=newsletter, topics=[schools])
    later.pause()
    campaign = launched(approved_issue(articles=[wrong, other]))
    campaign.sends.filter(subscriber=failed.subscriber_id).update(status="failed", reason="refused")
    issue = delivered(campaign)
    later.resume()
    left.end(NOW, reason="one_click")
    suppress(email=bad.subscriber.email, reason=Suppression.Reason.COMPLAINT, now=NOW)

    correction = corrected(issue, wrong)

    assert [(reach.newsletter, reach.count) for reach in corrections.reaches(correction)] == [(newsletter, 1)]
    assert told(mailed(correction)) == {got.subscriber_id}


def test_who_got_it_twice_is_told_once(newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    updates = make_newsletter(kind="announcements", position=9)
    article = make_article()
    in_both = make_subscription(newsletter=newsletter)
    alerted = make_subscription(newsletter=updates)
    digest = delivered(launched(approved_issue(articles=[article])))
    alert = alerts.draft(updates, article, wording=alerts.Wording(), by=make_editor(), now=NOW)
    twice = make_subscription(newsletter=updates, subscriber=in_both.subscriber)
    campaign = launched(alert, at=alerts.UNDO)
    Send.objects.filter(campaign=campaign, subscriber=twice.subscriber_id).delete()
    Send.objects.create(
        campaign=campaign, subscriber=twice.subscriber, status="sent", settled_at=NOW,
        edition=campaign.issue.editions.get(),
    )  # fmt: skip
    delivered(campaign)

    mails = mailed(corrected(digest, article))

    assert len(mails) == 2
    assert told(mails) == {in_both.subscriber_id, alerted.subscriber_id}


def test_mail_says_the_note_in_any_kind_of_newsletter_and_carries_no_news(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    article = make_article(title="Bridge & ferry")
    make_subscription(newsletter=newsletter)
    issue = delivered(launched(approved_issue(articles=[article])))
    make_article(title="Something new")

    [mail] = mailed(corrected(issue, article))
    campaign = launched(mail, at=alerts.UNDO)

    rendered = render_edition(edition=campaign.issue.editions.get())
    assert rendered
    assert rendered.subject == "Correction: Bridge & ferry"
    for part in (rendered.html, rendered.text):
        assert "opens on Friday" in part
        assert article.get_absolute_url() in part
        assert "Something new" not in part


def test_second_tap_makes_no_second_mail_and_half_a_minute_is_left_to_take_it_back(
    newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    make_subscription(newsletter=newsletter)
    correction = corrected(delivered(launched(approved_issue())))

    [mail] = mailed(correction)

    assert mailed(correction) == [mail]
    assert mail.send_at == LEAVES
    assert mail.cancel()
    assert not Send.objects.filter(campaign__issue=mail).exists()
    [again] = mailed(correction)
    assert again != mail
    assert len(told([again])) == 1


def test_note_stands_on_the_issue_and_the_article(
    client: Client, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    article = make_article(released_at=NOW - timedelta(days=2))
    make_subscription(newsletter=newsletter)
    first = delivered(launched(approved_issue(articles=[article])))
    Subscription.objects.update(confirmed_at=NOW)
    make_subscription(newsletter=newsletter)
    second = launched(approved_issue(articles=[article])).issue
    corrected(first, article)
    corrected(first, is_on_article=False)

    pages = [client.get(each.get_absolute_url()).content.decode() for each in (first, second, article)]

    notes = [page.split('<aside class="notice correction"')[1:] for page in pages]  # machines are told beside them
    assert [len([note for note in each if "opens on Friday" in note]) for each in notes] == [2, 1, 1]
    assert "November 23, 2026" in pages[1]


def test_editor_publishes_a_note_and_mails_it(
    client: Client, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    client.force_login(make_editor())
    article = make_article()
    make_subscription(newsletter=newsletter)
    issue = delivered(launched(approved_issue(articles=[article])))

    assert "Publish the note" in client.get(f"/admin/correction/issue/{issue.pk}/").content.decode()
    assert client.post(f"/admin/correction/issue/{issue.pk}/", {"note": ""}).status_code == 200
    page = client.post(f"/admin/correction/issue/{issue.pk}/", {"note": "Wrong <b>day</b>.", "article": article.pk})
    here = page["Location"]
    shown = client.get(here).content.decode()
    assert "1 reader" in shown
    assert "&lt;b&gt;day" in shown
    client.post(here)
    assert "Take it back" in client.get(here).content.decode()
    client.post(here, {"back": "1"})

    assert "Nobody has got it" in client.get(here).content.decode()
    assert Correction.objects.get().mails.get().status == Issue.Status.CANCELLED
    assert "Mail it after all" in client.get(here).content.decode()
    client.post(here)
    client.post(here)
    mails = Correction.objects.get().mails.order_by("pk")
    assert [mail.status for mail in mails] == [Issue.Status.CANCELLED, Issue.Status.APPROVED]
    assert "Mail it after all" not in client.get(here).content.decode()
    client.post(here, {"back": "1"})
    assert "too late" not in client.get(here).content.decode()
    assert not mails.exclude(status=Issue.Status.CANCELLED).exists()
    assert client.get(f"/admin/digests/issue/{issue.pk}/correct").status_code in {301, 302}


def test_correction_with_a_note_left_in_it_is_mailed_to_nobody(
    client: Client, newsletter: Newsletter, approved_issue: MakeIssue
) -> None:
    client.force_login(make_editor())
    article = make_article()
    make_subscription(newsletter=newsletter)
    issue = delivered(launched(approved_issue(articles=[article])))
    here = client.post(f"/admin/correction/issue/{issue.pk}/", {"note": "On TK.", "article": article.pk})["Location"]

    page = client.post(here, follow=True).content.decode()

    assert "It cannot be sent: The text still has a placeholder: TK" in page
    assert not Correction.objects.get().mails.exists()


def test_nobody_but_editors_may_correct(client: Client, newsletter: Newsletter, approved_issue: MakeIssue) -> None:
    make_subscription(newsletter=newsletter)
    issue = launched(approved_issue()).issue

    assert client.get(f"/admin/correction/issue/{issue.pk}/").status_code == 302


def test_many_are_counted_by_a_worker_and_the_page_says_so_until_then(
    admin_client: Client, newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "MOST_COUNTED", 1)
    for _ in range(2):
        make_subscription(newsletter=newsletter)
    correction = corrected(delivered(launched(approved_issue())))
    page = reverse("sending:sent_correction", args=[correction.pk])

    waiting = admin_client.get(page).text
    tasks.count_correction(correction_id=correction.pk)
    counted = admin_client.get(page).text
    admin_client.post(page)
    correction.mails.update(send_at=LEAVES)

    assert "being counted" in waiting
    assert 'http-equiv="refresh"' in waiting
    assert "2 readers" in counted
    assert "counted at" in counted
    assert 'http-equiv="refresh"' not in counted
    assert len(told(list(correction.mails.all()))) == 2


def test_mail_that_nobody_counted_yet_goes_to_exactly_the_same(
    admin_client: Client, newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "MOST_COUNTED", 1)
    people = {make_subscription(newsletter=newsletter).subscriber_id for _ in range(2)}
    correction = corrected(delivered(launched(approved_issue())))
    make_subscription(newsletter=newsletter)

    admin_client.post(reverse("sending:sent_correction", args=[correction.pk]))
    correction.mails.update(send_at=LEAVES)

    assert told(list(correction.mails.all())) == people


def test_newsletter_of_which_a_worker_counted_nobody_gets_no_mail(
    admin_client: Client, newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [make_subscription(newsletter=newsletter) for _ in range(2)]
    correction = corrected(delivered(launched(approved_issue())))
    for each in people:
        each.end(NOW, reason="one_click")
    monkeypatch.setattr(reaching, "MOST_COUNTED", 1)
    reaching.count(correction, now=NOW)

    answer = admin_client.post(reverse("sending:sent_correction", args=[correction.pk]), follow=True)

    assert "There is nobody to tell" in answer.text
    assert not correction.mails.exists()


def test_count_is_asked_for_again_when_it_is_old_and_not_twice_at_once(
    newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "MOST_COUNTED", 1)
    for _ in range(2):
        make_subscription(newsletter=newsletter)
    correction = corrected(delivered(launched(approved_issue())))
    reaching.count(correction, now=NOW)
    Subscription.objects.order_by("pk")[0].end(NOW, reason="one_click")

    reaching.count(correction, now=NOW + timedelta(seconds=10))
    [at_once] = reaching.reaches(correction)
    is_due = [reaching.is_due([at_once], now=NOW + timedelta(minutes=minutes)) for minutes in (4, 6)]
    reaching.count(correction, now=NOW + timedelta(minutes=6))
    [later] = reaching.reaches(correction)

    assert (at_once.count, later.count) == (2, 1)
    assert is_due == [False, True]


def test_what_nobody_rang_for_is_counted_all_the_same(
    newsletter: Newsletter, approved_issue: MakeIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "MOST_COUNTED", 1)
    for _ in range(2):
        make_subscription(newsletter=newsletter)
    correction = corrected(delivered(launched(approved_issue())))

    counts = [reaching.recount(now=NOW) for _ in range(2)]

    assert counts == [1, 0]
    assert [reach.count for reach in reaching.reaches(correction)] == [2]
