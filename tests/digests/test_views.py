"""The newsletters' pages show what comes and what came, to everybody alike, and nothing that has not gone out."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client
from django.urls import reverse

from articles.models import Article
from newsletter.digests.models import Appearance, Correction, Issue, IssueItem
from newsletter.lib.tokens import Purpose, make_token
from newsletter.subscribers.models import Cadence, Newsletter
from tests.digests.reading import Reading
from tests.factories import NOW, make_article, make_issue, make_newsletter, make_topic

pytestmark = pytest.mark.django_db


def make_old_article(**fields: Any) -> Article:
    """One that is out: these pages go by the real clock."""
    return make_article(**{"released_at": NOW - timedelta(days=30), **fields})


def page_of(client: Client, url: str) -> Reading:
    response = client.get(url)
    assert response.status_code == 200
    return Reading(response.content.decode())


def json_ld_of(client: Client, url: str) -> dict[str, Any]:
    html = client.get(url).content.decode()
    (text,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    said: dict[str, Any] = json.loads(text)
    return said


def sent_issue(newsletter: Newsletter, articles: list[Article], **fields: object) -> Issue:
    launched = {"status": Issue.Status.APPROVED, "approved_at": NOW, "launched_at": NOW}
    return make_issue(newsletter=newsletter, articles=articles, **{**launched, **fields})


def test_list_shows_open_newsletters_with_what_they_promise_and_a_form(client: Client) -> None:
    make_newsletter(name="Latest news", description="Each morning’s stories.", position=1)
    make_newsletter(name="Old letters", is_open=False)

    page = page_of(client, reverse("digests:newsletters"))

    assert "Latest news" in page.texts("h2")
    assert "Old letters" not in page.texts("a")
    assert "Each morning’s stories." in page.texts("p")
    assert "It comes as often as you choose, once a day or once a week, and only if there is news." in page.texts("p")
    assert reverse("subscribers:sign_up") in [form.attributes["action"] for form in page.all("form")]


def test_list_without_newsletters_says_so(client: Client) -> None:
    page = page_of(client, reverse("digests:newsletters"))

    assert "There is no newsletter to sign up for at the moment." in page.texts("p")
    assert not page.all("form")


@pytest.mark.parametrize(
    ("fields", "rhythm"),
    [
        ({"cadences": [Cadence.WEEKLY]}, "It comes once a week, if there is news."),
        ({"kind": Newsletter.Kind.OFFERS}, "It comes when there is something to say."),
    ],
)
def test_newsletter_says_how_often_it_comes(client: Client, fields: dict[str, object], rhythm: str) -> None:
    newsletter = make_newsletter(**fields)

    page = page_of(client, newsletter.get_absolute_url())

    assert rhythm in page.texts("p")


def test_archive_lists_what_went_out_newest_first_by_headline(client: Client) -> None:
    newsletter = make_newsletter()
    first = sent_issue(newsletter, [make_old_article(title="Plain headline")], number=1)
    sent_issue(newsletter, [make_old_article()], number=2, subject="Own subject")
    make_issue(newsletter=newsletter, articles=[make_old_article(title="Not yet sent")], number=3)
    sent_issue(make_newsletter(), [make_old_article(title="Elsewhere")], number=1)
    IssueItem.objects.filter(issue=first).update(title="Edited headline")

    page = page_of(client, newsletter.get_absolute_url())

    links = [link.text for link in page.all("a") if "/issues/" in link.attributes["href"]]
    assert links == ["Own subject", "Edited headline"]


def test_archive_never_names_a_withdrawn_article(client: Client) -> None:
    newsletter, withdrawn = make_newsletter(), make_old_article(title="Withdrawn")
    issue = sent_issue(newsletter, [withdrawn, make_old_article(title="Kept")])
    withdrawn.withdraw(NOW)

    for url in (newsletter.get_absolute_url(), issue.get_absolute_url()):
        text = page_of(client, url).one("body").text
        assert "Withdrawn" not in text
        assert "Kept" in text


def test_closed_newsletter_keeps_its_archive_and_takes_nobody(client: Client) -> None:
    newsletter = make_newsletter(is_open=False)
    sent_issue(newsletter, [make_old_article(title="Still there")])

    page = page_of(client, newsletter.get_absolute_url())

    assert "Still there" in page.texts("a")
    assert not page.all("form")


def test_long_archive_has_pages(client: Client) -> None:
    newsletter = make_newsletter()
    for number in range(1, 33):
        sent_issue(newsletter, [], number=number, subject=f"Subject {number}")

    first, second = (
        page_of(client, newsletter.get_absolute_url()),
        page_of(client, newsletter.get_absolute_url() + "?page=2"),
    )

    assert "Subject 32" in first.texts("a")
    assert "Subject 2" not in first.texts("a")
    assert {"Subject 2", "Subject 1"} <= set(second.texts("a"))


def test_issue_shows_its_stories_in_the_editors_order_and_words(client: Client) -> None:
    newsletter = make_newsletter()
    articles = [
        make_old_article(title="One"),
        make_old_article(title="Two"),
        make_old_article(title="Dropped"),
        make_old_article(title="Four"),
    ]
    issue = sent_issue(newsletter, articles, intro="Good morning.", max_articles=2)
    issue.items.filter(article=articles[2]).update(state=IssueItem.State.DROPPED)
    issue.items.filter(article=articles[3]).update(state=IssueItem.State.PINNED, title="Pinned")

    page = page_of(client, issue.get_absolute_url())

    told = [link.text for link in page.all("a") if link.attributes["href"].startswith("/articles/")]
    assert told == ["Pinned", "One", "Two"]
    assert "More headlines" in page.texts("h2")
    assert "Good morning." in page.texts("p")
    assert len(page.all("h1")) == 1


def test_issue_has_the_sections_of_its_mail_with_headings_in_order(client: Client) -> None:
    newsletter = make_newsletter()
    Appearance.objects.create(newsletter=newsletter, groups_by_topic=True, rest_title="And also")
    harbor, town = make_topic(name="Harbor"), make_topic(name="Town")
    topics = [harbor, town, harbor, None, town]
    articles = [make_old_article(title=f"Story {n}", topics=[topic] if topic else []) for n, topic in enumerate(topics)]
    issue = sent_issue(newsletter, articles, max_articles=5)

    page = page_of(client, issue.get_absolute_url())

    headings = [(each.tag, each.text) for each in page.elements if each.tag in {"h2", "h3"}]
    assert headings[:8] == [
        ("h2", "Story 0"), ("h2", "Town"), ("h3", "Story 1"), ("h3", "Story 4"), ("h2", "Harbor"), ("h3", "Story 2"),
        ("h2", "And also"), ("h3", "Story 3"),
    ]  # fmt: skip
    named = {each.attributes.get("id"): each.text for each in page.all("h2")}
    labels = [section.attributes["aria-labelledby"] for section in page.all("section", "issue__section")]
    assert [named[label] for label in labels] == ["Town", "Harbor", "And also"]


@pytest.mark.parametrize("layout", Appearance.Layout.values)
def test_issue_has_the_layout_and_the_options_of_its_mail(client: Client, layout: str) -> None:
    newsletter = make_newsletter()
    Appearance.objects.create(
        newsletter=newsletter, layout=layout, summaries=Appearance.Summaries.NONE, more_title="In brief"
    )
    articles = [make_old_article(title=f"Story {n}", summary="Said in short.") for n in range(4)]
    issue = sent_issue(newsletter, articles, max_articles=3)

    page = page_of(client, issue.get_absolute_url())

    assert [each for each in page.elements if f"issue__stories--{layout}" in each.attributes.get("class", "")]
    assert "Said in short." not in page.texts("p")
    assert "In brief" in page.texts("h2")


def test_issue_tells_machines_what_it_is_and_what_was_corrected(client: Client) -> None:
    newsletter = make_newsletter(name="Latest news")
    issue = sent_issue(newsletter, [make_old_article(title="The ferry </script> sails")], number=7)
    Correction.objects.create(issue=issue, note="It leaves at nine.", at=NOW)

    said = json_ld_of(client, issue.get_absolute_url())

    assert said["@type"] == "PublicationIssue"
    assert (said["issueNumber"], said["name"]) == (7, "The ferry </script> sails")
    assert said["isPartOf"]["name"] == "Latest news"
    assert [part["headline"] for part in said["hasPart"]] == ["The ferry </script> sails"]
    assert said["correction"][0]["text"] == "It leaves at nine."


def test_archive_tells_machines_which_issues_there_are(client: Client) -> None:
    newsletter = make_newsletter()
    issues = [sent_issue(newsletter, [], number=number, subject=f"Issue {number}") for number in (1, 2)]
    make_issue(newsletter=newsletter, number=3, subject="Not yet")

    said = json_ld_of(client, newsletter.get_absolute_url())

    assert said["@type"] == "Periodical"
    assert [each["name"] for each in said["hasPart"]] == ["Issue 2", "Issue 1"]
    assert said["hasPart"][1]["url"].endswith(issues[0].get_absolute_url())


def test_issue_carries_nobodys_links_and_no_marks(client: Client) -> None:
    issue = sent_issue(make_newsletter(), [make_old_article()])

    html = client.get(issue.get_absolute_url()).content.decode()

    assert "/unsubscribe/" not in html
    assert "/preferences/" not in html
    assert not [character for character in html if "\ue000" <= character <= "\uf8ff"]


def test_issue_obeys_the_pages_policy(client: Client) -> None:
    issue = sent_issue(make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS), [], body="<p style='color:red'>Come.</p>")

    page = page_of(client, issue.get_absolute_url())

    assert "Come." in page.texts("p")
    assert not [element.tag for element in page.elements if "style" in element.attributes]
    assert not page.all("style")


def test_issue_links_to_its_neighbors(client: Client) -> None:
    newsletter = make_newsletter()
    subjects = {1: "first", 2: "second", 4: "third"}
    issues = [sent_issue(newsletter, [], number=number, subject=subject) for number, subject in subjects.items()]
    make_issue(newsletter=newsletter, number=3)

    page = page_of(client, issues[1].get_absolute_url())

    neighbors = {
        link.attributes.get("rel"): link.attributes["href"] for link in page.all("a") if "rel" in link.attributes
    }
    assert neighbors["prev"] == issues[0].get_absolute_url()
    assert neighbors["next"] == issues[2].get_absolute_url()
    assert [link.text for link in page.all("a") if link.attributes.get("rel") in {"prev", "next"}] == [
        "Earlier issue first",
        "Later issue third",
    ]


def test_article_under_embargo_is_not_told_by_the_archive(client: Client) -> None:
    newsletter = make_newsletter()
    early = make_old_article(title="Too early")
    issue = sent_issue(newsletter, [early, make_old_article(title="In time")])
    Article.objects.filter(pk=early.pk).update(released_at=NOW + timedelta(days=400))

    assert "Too early" not in page_of(client, issue.get_absolute_url()).one("body").text


@pytest.mark.parametrize("status", [Issue.Status.DRAFT, Issue.Status.APPROVED])
def test_issue_that_has_not_gone_out_is_not_found(client: Client, status: str) -> None:
    issue = make_issue(articles=[make_old_article()], status=status, approved_at=NOW)

    assert client.get(issue.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("path", ["/newsletters/nowhere/", "/newsletters/nowhere/issues/1/"])
def test_what_there_is_not_is_not_found(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_pages_only_show(client: Client) -> None:
    newsletter = make_newsletter()
    issue = sent_issue(newsletter, [make_old_article()])

    for url in (reverse("digests:newsletters"), newsletter.get_absolute_url(), issue.get_absolute_url()):
        assert client.post(url).status_code == 405


def test_issues_page_is_in_the_newsletters_language(client: Client) -> None:
    issue = sent_issue(make_newsletter(language="ar"), [make_old_article(title="سوق السمك")])

    response = client.get(issue.get_absolute_url())

    page = page_of(client, issue.get_absolute_url())
    root, article = page.one("html"), page.all("article")[0]
    assert (root.attributes["lang"], root.attributes["dir"]) == ("ar", "rtl")
    assert response.headers["Content-Language"] == "ar"
    assert "lang" not in article.attributes
    assert "سوق السمك" in article.text
    assert "كل الأعداد" in response.text


def test_issue_in_a_language_without_a_catalog_says_so_on_a_page_in_the_sites(client: Client) -> None:
    issue = sent_issue(make_newsletter(language="fa"), [make_old_article(title="بازار ماهی")])

    page = page_of(client, issue.get_absolute_url())

    article = page.all("article")[0]
    assert page.one("html").attributes["lang"] == "en"
    assert (article.attributes["lang"], article.attributes["dir"]) == ("fa", "rtl")


@pytest.mark.parametrize("name", ["digests:feed", "digests:feed_atom"])
def test_feed_tells_what_went_out_newest_first_and_nobodys_links(client: Client, name: str) -> None:
    newsletter = make_newsletter(name="Latest news", description="Each morning.")
    withdrawn = make_old_article(title="Secret", status=Article.Status.WITHDRAWN, withdrawn_at=NOW)
    sent_issue(newsletter, [make_old_article(title="Ferry & quay"), withdrawn], number=1, body="Not mailed")
    sent_issue(newsletter, [make_old_article(title="Seals")], number=2, intro="Good <b>morning</b>.", subject="Seals!")
    make_issue(newsletter=newsletter, number=3, subject="Not yet")

    response = client.get(reverse(name, args=[newsletter.slug]))
    parsed = feedparser.parse(response.content)

    assert not parsed.bozo
    assert parsed.feed.title == "Latest news"
    assert [entry.title for entry in parsed.entries] == ["Seals!", "Ferry & quay"]
    assert parsed.entries[0].link.endswith(f"/newsletters/{newsletter.slug}/issues/2/")
    assert "Good <b>morning</b>." in parsed.entries[0].summary
    assert "/articles/ferry-quay/" in parsed.entries[1].summary
    for word in ("Secret", "Not yet", "Not mailed", "unsubscribe", "preferences", "\ue000"):
        assert word not in response.text
    assert response.headers["Last-Modified"] == "Mon, 23 Nov 2026 06:00:00 GMT"


def test_feed_of_a_newsletter_without_issues_is_empty_and_whole(client: Client) -> None:
    response = client.get(reverse("digests:feed", args=[make_newsletter().slug]))

    assert response.status_code == 200
    assert not feedparser.parse(response.content).entries


def test_archive_names_its_feed_and_its_own_address(client: Client) -> None:
    newsletter = make_newsletter()
    for number in range(1, 33):
        sent_issue(newsletter, [], number=number, subject=f"Issue {number}")

    second = page_of(client, f"{newsletter.get_absolute_url()}?page=2")

    links = {link.attributes["rel"]: link.attributes["href"] for link in second.all("link")}
    assert links["canonical"].endswith(f"{newsletter.get_absolute_url()}?page=2")
    assert reverse("digests:feed", args=[newsletter.slug]) in [link.attributes["href"] for link in second.all("a")]


@pytest.mark.parametrize("is_indexed", [True, False])
def test_archive_asks_search_engines_to_stay_out_only_if_the_publisher_wants_it(
    client: Client, *, is_indexed: bool
) -> None:
    newsletter = make_newsletter()
    issue = sent_issue(newsletter, [make_old_article()])
    Appearance.objects.create(newsletter=newsletter, is_indexed=is_indexed)

    metas = [meta.attributes for meta in page_of(client, issue.get_absolute_url()).all("meta")]

    assert ({"name": "robots", "content": "noindex"} in metas) is not is_indexed


def test_issue_for_some_readers_is_public_nowhere_and_found_by_its_own_address_alone(client: Client) -> None:
    newsletter = make_newsletter(kind="announcements")
    shared = sent_issue(newsletter, [], subject="For all", body="To everybody.")
    narrowed = sent_issue(newsletter, [], subject="For few", body="To the harbor.", narrowing={"language": "de"})
    correction = Correction.objects.create(issue=narrowed, note="It was Tuesday.", at=NOW)
    mended = sent_issue(newsletter, [], subject="Mended", correction=correction)

    public = [f"/newsletters/{newsletter.slug}/{page}" for page in ("", "feed.xml", "atom.xml")]
    pages = [client.get(url).content.decode() for url in [*public, shared.get_absolute_url()]]
    found = client.get(narrowed.get_absolute_url())

    assert all("For few" not in page and "Mended" not in page for page in pages)
    for issue in (narrowed, mended):
        assert client.get(f"/newsletters/{newsletter.slug}/issues/{issue.number}/").status_code == 404
    assert client.get(f"/newsletters/{newsletter.slug}/latest/")["Location"] == shared.get_absolute_url()
    assert "To the harbor." in found.content.decode()
    assert (found["X-Robots-Tag"], found["Referrer-Policy"]) == ("noindex", "no-referrer")
    assert client.get(mended.get_absolute_url()).status_code == 200
    assert client.get(narrowed.get_absolute_url()[:-2] + "x/").status_code == 404


def test_private_address_of_an_issue_for_all_leads_to_the_archive(client: Client) -> None:
    issue = sent_issue(make_newsletter(), [make_old_article()])

    response = client.get(f"/newsletters/{issue.newsletter.slug}/letters/{make_token(Purpose.READ, issue.pk)}/")

    assert response["Location"] == issue.get_absolute_url()


def test_private_address_before_the_launch_or_of_another_newsletter_is_not_found(client: Client) -> None:
    newsletter, other = make_newsletter(kind="announcements"), make_newsletter()
    draft = make_issue(newsletter=newsletter, narrowing={"language": "de"}, launched_at=None)
    sent = sent_issue(newsletter, [], subject="For few", narrowing={"language": "de"})

    for slug, issue in ((newsletter.slug, draft), (other.slug, sent)):
        path = f"/newsletters/{slug}/letters/{make_token(Purpose.READ, issue.pk)}/"

        assert client.get(path).status_code == 404
