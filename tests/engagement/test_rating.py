"""What readers think of an issue: asked in the mail, answered once each, seen at the desk."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from newsletter.delivery import campaigns, dispatch, proofs
from newsletter.delivery.models import Campaign, Send
from newsletter.digests.models import Appearance, Issue
from newsletter.digests.rendering import render_web
from newsletter.engagement.models import Rating
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Newsletter, Subscriber
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.self_service.disclosure import everything_about
from tests.factories import NOW, make_article, make_editor, make_issue, make_newsletter, make_send, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
LINK = re.compile(r"/rate/[\w=-]+/(yes|partly|no)/")


def asking(**look: object) -> Newsletter:
    newsletter = make_newsletter(reply_address="desk@example.com")
    Appearance.objects.create(newsletter=newsletter, asks_rating=True, **look)
    return newsletter


def issue_of(newsletter: Newsletter, **fields: object) -> Issue:
    values = {"status": Issue.Status.APPROVED, "approved_at": NOW, **fields}
    return make_issue(newsletter=newsletter, articles=[make_article()], **values)


def mailed(newsletter: Newsletter, **fields: object) -> Campaign:
    campaign = campaigns.launch(issue_of(newsletter, **fields), now=NOW)
    assert campaign
    dispatch.drain(campaign, clock=lambda: NOW, seconds=30)
    return campaign


def page_of(send: Send, answer: str = "") -> str:
    return f"/rate/{make_token(Purpose.RATE, send.pk)}/" + (f"{answer}/" if answer else "")


def body(server: SmtpServer, kind: str) -> str:
    return str(server.messages[0].parsed.get_body((kind,)).get_content())  # type: ignore[union-attr]


def test_mail_asks_with_links_of_its_reader_in_both_parts(client: Client, smtp_mailers: SmtpServer) -> None:
    newsletter = asking()
    make_subscription(newsletter=newsletter)

    send = mailed(newsletter).sends.get()

    for kind in ("html", "plain"):
        text = body(smtp_mailers, kind)
        assert "Was this issue worth your time?" in text
        assert {match[0] for match in LINK.finditer(text)} == {page_of(send, each) for each in Rating.Answer.values}
    assert client.get(page_of(send, "partly")).context["chosen"] == "partly"


@pytest.mark.parametrize(
    ("look", "fields"), [({"asks_rating": False}, {}), ({"asks_rating": True}, {"is_alert": True})]
)
def test_mail_that_asks_nothing_has_no_such_link(
    look: dict[str, bool], fields: dict[str, bool], smtp_mailers: SmtpServer
) -> None:
    newsletter = make_newsletter()
    Appearance.objects.create(newsletter=newsletter, **look)
    make_subscription(newsletter=newsletter)

    mailed(newsletter, **fields)

    assert not LINK.search(body(smtp_mailers, "html") + body(smtp_mailers, "plain"))


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_says_nothing(client: Client, method: str) -> None:
    send = make_send()

    answer = getattr(client, method)(page_of(send, "no"))

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store, private"
    assert not Rating.objects.exists()


def test_answer_is_kept_once_and_can_be_changed(client: Client) -> None:
    send = make_send()
    page = page_of(send)

    client.post(page, {"answer": "yes", "comment": "Fine\r\nindeed"})
    shown = client.post(page, {"answer": "no"}, follow=True)

    assert Rating.objects.get().answer == "no"
    assert "Thank you" in shown.text
    client.post(page, {"answer": "perhaps"})
    assert Rating.objects.get().answer == "no"


@pytest.mark.parametrize("purpose", [Purpose.UNSUBSCRIBE, Purpose.CLICK])
def test_token_of_another_purpose_opens_nothing(client: Client, purpose: Purpose) -> None:
    assert client.post(f"/rate/{make_token(purpose, make_send().pk)}/", {"answer": "yes"}).status_code == 404
    assert not Rating.objects.exists()


def test_answers_go_with_the_reader_who_can_read_them_before(client: Client) -> None:
    send = make_send()
    client.post(page_of(send), {"answer": "yes", "comment": "More on the harbor"})
    reader = Subscriber.objects.get()

    assert "More on the harbor" in json.dumps(everything_about(reader, now=NOW))
    erase(subscriber=reader, now=NOW)

    assert not Rating.objects.exists()
    assert client.get(page_of(send)).status_code == 200
    client.post(page_of(send), {"answer": "yes"})
    assert not Rating.objects.exists()


def test_web_version_asks_without_anybodys_link(client: Client) -> None:
    issue = issue_of(asking(rating_question="Did it help?"), launched_at=NOW)

    html = render_web(issue=issue, now=NOW).html

    assert "Did it help?" in html
    assert "/rate/" not in html
    assert "mailto:desk@example.com" in html


def test_test_mail_lets_nobody_vote(smtp_mailers: SmtpServer) -> None:
    proofs.send_test(issue_of(asking()), address="desk@example.com", now=NOW)

    assert "Was this issue worth your time?" in body(smtp_mailers, "html")
    assert "/rate/" not in body(smtp_mailers, "html")


def test_desk_shows_the_answers_of_an_issue_and_of_all(client: Client, smtp_mailers: SmtpServer) -> None:
    newsletter = asking()
    for _ in range(4):
        make_subscription(newsletter=newsletter)
    campaign = mailed(newsletter)
    for send, answer in zip(campaign.sends.all(), ["yes", "yes", "no"], strict=False):
        client.post(page_of(send), {"answer": answer, "comment": "Well done" if answer == "yes" else ""})
    client.force_login(make_editor())

    of_one = client.get(reverse("desk:answers_to", args=[campaign.issue_id]), {"piece": ""}).text
    of_all = client.get(reverse("desk:answers")).text
    issue_page = client.get(reverse("admin:digests_issue_change", args=[campaign.issue_id])).text

    assert "3 readers answered. 4 got the issue." in of_one
    assert "Yes: 2 (67 %)" in of_one
    assert "Well done" in of_one
    assert "67 %" in of_all
    assert reverse("desk:answers_to", args=[campaign.issue_id]) in issue_page
