"""Clicks and opens: of readers who agreed, where the newsletter measures, and of nobody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from newsletter.delivery import campaigns, dispatch
from newsletter.delivery.models import Campaign
from newsletter.digests.models import Issue, Link
from newsletter.digests.rendering import render_web
from newsletter.engagement import measuring
from newsletter.engagement.models import Event
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Newsletter, Silence, Subscriber
from newsletter.subscribers.privacy import erase
from newsletter.subscribers.self_service.disclosure import everything_about
from tests.factories import NOW, make_article, make_issue, make_newsletter, make_offer, make_subscription
from tests.servers.smtp import SmtpServer

pytestmark = pytest.mark.django_db
MEASURED = re.compile(r"http://localhost:8000(/c/[\w=-]{32}/\d+/)")
PICTURE = re.compile(r'src="http://localhost:8000(/o/[\w=-]{32}/)"')
OURS = re.compile(r"/[co]/[\w=-]{32}/")


@pytest.fixture
def newsletter() -> Newsletter:
    return make_newsletter(measures_clicks=True, reply_address="desk@example.com")


def mailed(newsletter: Newsletter, **fields: object) -> Campaign:
    values = {"status": Issue.Status.APPROVED, "approved_at": NOW, **fields}
    if "articles" not in values:
        values["articles"] = [make_article(), make_article()]
    campaign = campaigns.launch(make_issue(newsletter=newsletter, **values), now=NOW)  # type: ignore[arg-type]
    assert campaign
    dispatch.drain(campaign, clock=lambda: NOW, seconds=30)
    return campaign


def agreed(newsletter: Newsletter, email: str = "agreed@example.org", **fields: object) -> Subscriber:
    subscriber = make_subscription(newsletter=newsletter, email=email).subscriber
    Subscriber.objects.filter(pk=subscriber.pk).update(allows_measuring=True, **fields)
    return subscriber


def parts(server: SmtpServer, email: str) -> dict[str, str]:
    """The texts of this reader's only mail."""
    (message,) = [each for each in server.messages if each.recipients == (email,) or list(each.recipients) == [email]]
    bodies = {kind: message.parsed.get_body((kind,)) for kind in ("html", "plain")}
    return {kind: str(body.get_content()) for kind, body in bodies.items() if body}


def clicks(page: str) -> list[str]:
    return list(dict.fromkeys(MEASURED.findall(page)))


def test_only_who_agreed_gets_measured_links_in_the_same_mail(
    newsletter: Newsletter, smtp_mailers: SmtpServer, client: Client
) -> None:
    agreed(newsletter)
    make_subscription(newsletter=newsletter, email="plain@example.org")
    articles = [make_article(), make_article()]

    mailed(newsletter, articles=articles)

    plain, measured = parts(smtp_mailers, "plain@example.org"), parts(smtp_mailers, "agreed@example.org")
    urls = {f"http://localhost:8000{article.get_absolute_url()}" for article in articles}
    for kind in ("html", "plain"):
        assert not OURS.search(plain[kind])
        assert all(url in plain[kind] and url not in measured[kind] for url in urls)
        assert {client.get(path)["Location"] for path in clicks(measured[kind])} == urls
        assert re.search("/unsubscribe/[\\w=-]{32}/", measured[kind])
        assert re.search("/preferences/[\\w=-]{32}/", measured[kind])
    assert set(Link.objects.values_list("article", flat=True)) == {article.pk for article in articles}
    assert not PICTURE.search(measured["html"])


def test_newsletter_that_measures_nothing_has_plain_links_only(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter()
    agreed(newsletter)

    mailed(newsletter)

    assert not any(OURS.search(part) for part in parts(smtp_mailers, "agreed@example.org").values())
    assert not Link.objects.exists()


def test_reader_of_plain_text_is_measured_by_links_alone(newsletter: Newsletter, smtp_mailers: SmtpServer) -> None:
    Newsletter.objects.update(measures_opens=True)
    agreed(newsletter, format="text")

    mailed(newsletter)

    texts = parts(smtp_mailers, "agreed@example.org")
    assert set(texts) == {"plain"}
    assert clicks(texts["plain"])
    assert "/o/" not in texts["plain"]


def test_links_of_editors_and_offers_are_measured_as_well(newsletter: Newsletter, smtp_mailers: SmtpServer) -> None:
    agreed(newsletter)

    mailed(newsletter, intro='Read <a href="https://elsewhere.example/a?b=1&amp;c=2">this</a>, or write to us.')

    there = "https://elsewhere.example/a?b=1&c=2"
    texts = parts(smtp_mailers, "agreed@example.org")
    assert Link.objects.get(url=there).article is None
    assert "elsewhere.example" not in texts["html"]
    assert "elsewhere.example" not in texts["plain"]


def test_web_version_measures_nobody(newsletter: Newsletter, smtp_mailers: SmtpServer) -> None:
    agreed(newsletter)

    issue = mailed(newsletter).issue

    assert clicks(parts(smtp_mailers, "agreed@example.org")["html"])
    assert not OURS.search(render_web(issue=issue, now=NOW).html)


@pytest.fixture
def path(newsletter: Newsletter, smtp_mailers: SmtpServer) -> str:
    """A measured link in the mail of a reader who agreed."""
    agreed(newsletter)
    mailed(newsletter)
    return clicks(parts(smtp_mailers, "agreed@example.org")["html"])[0]


def test_click_leads_on_and_counts_once_a_day(path: str, client: Client) -> None:
    answers = [client.get(path), client.get(path)]

    link, event = Link.objects.exclude(click_count=0).get(), Event.objects.get()
    assert [answer.status_code for answer in answers] == [302, 302]
    assert all(answer["Location"] == link.url and "no-store" in answer["Cache-Control"] for answer in answers)
    assert (link.click_count, event.kind, event.link) == (1, "clicked", link)

    measuring.note_click(event.send.pk, link, now=timezone.now() + timedelta(days=2))  # type: ignore[union-attr]

    link.refresh_from_db()
    assert Event.objects.count() == 2
    assert link.click_count == 1  # one reader


@pytest.mark.parametrize("header", ["Sec-Purpose", "Purpose", ""])
def test_what_only_looks_ahead_is_led_on_and_not_counted(path: str, client: Client, header: str) -> None:
    answer = client.get(path, headers={header: "prefetch;prerender"}) if header else client.head(path)

    assert answer.status_code == 302
    assert not Event.objects.exists()


@pytest.mark.parametrize("who", ["reader", "newsletter", "erased"])
def test_who_ended_it_is_led_on_and_not_counted(path: str, client: Client, who: str) -> None:
    if who == "reader":
        Subscriber.objects.update(allows_measuring=False)
    elif who == "newsletter":
        Newsletter.objects.update(measures_clicks=False)
    else:
        erase(subscriber=Subscriber.objects.get(), now=NOW)

    answer = client.get(path)

    assert answer.status_code == 302
    assert not Event.objects.exists()


@pytest.mark.parametrize("bad", ["forged", "other purpose", "unknown", "cut off", "huge"])
def test_link_that_is_none_of_ours_says_so_and_leads_to_the_site(path: str, client: Client, bad: str) -> None:
    token, number = path.split("/")[2:4]
    paths = {
        "forged": f"/c/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/{number}/",
        "other purpose": f"/c/{make_token(Purpose.RATE, 1)}/{number}/",
        "unknown": f"/c/{token}/999999/",
        "cut off": f"/c/{token}/",
        "huge": f"/c/{token}/{'9' * 400}/",
    }

    answer = client.get(paths[bad])

    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()
    assert not Event.objects.exists()


def test_link_of_another_issue_is_no_click_of_this_one(path: str, client: Client, newsletter: Newsletter) -> None:
    other = Link.objects.create(issue=make_issue(newsletter=newsletter), url="https://example.org/x", url_hash="x")

    answer = client.get(f"{path.rsplit('/', 2)[0]}/{other.pk}/")

    assert answer["Location"] == other.url
    assert not Event.objects.exists()


def test_opening_is_measured_by_a_picture_where_the_newsletter_says_so(
    newsletter: Newsletter, smtp_mailers: SmtpServer, client: Client
) -> None:
    Newsletter.objects.update(measures_opens=True, measures_clicks=False)
    agreed(newsletter)
    make_subscription(newsletter=newsletter, email="plain@example.org")

    mailed(newsletter)

    html = parts(smtp_mailers, "agreed@example.org")["html"]
    (path,) = PICTURE.findall(html)
    answers = [client.get(path), client.get(path), client.get("/o/none/")]
    assert not clicks(html)
    assert not PICTURE.search(parts(smtp_mailers, "plain@example.org")["html"])
    assert all(answer["Content-Type"] == "image/gif" and "no-store" in answer["Cache-Control"] for answer in answers)
    assert [event.kind for event in Event.objects.all()] == ["opened"]


def test_click_ends_a_silence_and_is_told_to_the_reader(path: str, client: Client) -> None:
    reader = Subscriber.objects.get()
    Silence.objects.create(subscription=reader.subscriptions.get(), since=NOW, stage_at=NOW)

    client.get(path)

    (told,) = everything_about(reader, now=NOW)["what was reported about mails to you"]
    assert not Silence.objects.exists()
    assert told["what"] == "clicked"
    assert told["link"] == Link.objects.exclude(click_count=0).get().url


def test_offer_is_measured(newsletter: Newsletter, smtp_mailers: SmtpServer) -> None:
    offer = make_offer(url="https://shop.example/sale")
    offer.newsletters.add(newsletter)
    reader = agreed(newsletter)
    make_subscription(newsletter=make_newsletter(kind="offers"), subscriber=reader)

    mailed(newsletter)

    assert Link.objects.get(url="https://shop.example/sale").article is None
    assert "shop.example" not in parts(smtp_mailers, "agreed@example.org")["html"]
