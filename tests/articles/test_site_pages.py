from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Article
from articles.views import FRONT_PAGE_SIZE, LIST_PAGE_SIZE
from tests.factories import make_article, make_author, make_newsletter, make_topic

pytestmark = pytest.mark.django_db

FRONT_PAGE_QUERIES = 5  # articles, their topics, their authors; the publication, the masthead's topics
TOPIC_PAGE_QUERIES = 6  # the same and the topic itself
ARTICLE_QUERIES = (
    9  # the article; the newest, their topics, what is next; topics, authors; corrections; publication, topics
)
SIGN_UP_BOX_QUERIES = 1  # newsletters


def released(hours_ago: float, **fields: object) -> Article:
    return make_article(released_at=timezone.now() - timedelta(hours=hours_ago), **fields)  # type: ignore[arg-type]


def test_front_page_without_articles_says_so(client: Client) -> None:
    response = client.get("/")

    assert response.status_code == HTTPStatus.OK
    assert "Nothing has been published yet" in response.text


def test_front_page_leads_with_the_newest_story_that_has_a_picture(client: Client) -> None:
    released(1, title="Newest, without a picture")
    released(2, title="With a picture", picture="pictures/2026/11/a.jpg")

    page = client.get("/").context["page"]

    assert page.lead.title == "With a picture"
    assert [story.title for story in page.secondary] == ["Newest, without a picture"]


def test_front_page_never_leads_with_an_advertisement_while_there_is_news(client: Client) -> None:
    released(1, title="Paid for", picture="pictures/2026/11/a.jpg", is_sponsored=True)
    released(2, title="News")

    response = client.get("/")

    assert response.context["page"].lead.title == "News"
    assert "Advertisement" in response.text


def test_front_page_shows_each_article_exactly_once(client: Client) -> None:
    topics = [make_topic() for _ in range(3)]
    articles = [released(hours, topics=topics[hours % 3 :]) for hours in range(1, 40)]

    text = client.get("/").text

    assert [text.count(f'href="{article.get_absolute_url()}"') for article in articles] == [1] * len(articles)


@pytest.mark.parametrize("count", [1, 30])
def test_front_page_takes_the_same_queries_for_any_number_of_articles(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    author, topics = make_author(), [make_topic(), make_topic()]
    for hours in range(count):
        released(hours + 1, topics=topics, authors=[author])

    with django_assert_num_queries(FRONT_PAGE_QUERIES):
        client.get("/")


def test_earlier_stories_continue_where_the_front_page_ends(client: Client) -> None:
    articles = [released(hours + 1) for hours in range(FRONT_PAGE_SIZE + 3)]

    front = client.get("/")
    earlier = client.get("/", {"before": front.context["earlier"]})

    assert list(earlier.context["articles"]) == articles[FRONT_PAGE_SIZE:]
    assert earlier.context["earlier"] is None


def test_stories_released_at_the_same_instant_are_neither_repeated_nor_lost(client: Client) -> None:
    topic, moment = make_topic(), timezone.now() - timedelta(hours=1)
    made = {make_article(topics=[topic], released_at=moment).pk for _ in range(LIST_PAGE_SIZE + 5)}

    first = client.get(topic.get_absolute_url())
    second = client.get(topic.get_absolute_url(), {"before": first.context["earlier"]})
    shown = [article.pk for page in (first, second) for article in page.context["articles"]]

    assert len(shown) == len(made)
    assert set(shown) == made


def test_a_list_goes_on_after_a_story_that_was_withdrawn_meanwhile(client: Client) -> None:
    newer, anchor, older = released(1), released(2), released(3)
    anchor.withdraw(timezone.now())

    response = client.get("/", {"before": anchor.pk})

    assert list(response.context["articles"]) == [older]
    assert newer not in response.context["articles"]


@pytest.mark.parametrize("before", ["", "x", "-1", "0", "999999", "9" * 400, "١", "1 OR 1=1"])
def test_nonsense_instead_of_a_page_is_not_found(client: Client, before: str) -> None:
    released(1)

    assert client.get("/", {"before": before}).status_code == HTTPStatus.NOT_FOUND


def test_article_page_shows_headline_by_line_text_and_credit(client: Client) -> None:
    article = released(
        1,
        title="Ferry is back",
        body="<h2>What changes</h2><p>Much.</p>",
        authors=[make_author(name="Ada Merrin"), make_author(name="Ines Corrow")],
        picture="pictures/2026/11/ferry.jpg",
        picture_alt="A ferry",
        picture_credit="Photograph: Jo",
        canonical_url="https://www.example.org/ferry",
    )

    text = client.get(article.get_absolute_url()).text

    assert "<h1>Ferry is back</h1>" in text
    assert re.search("By <a [^>]+>Ada Merrin</a> and <a [^>]+>Ines Corrow</a>", text)
    assert "<h2>What changes</h2><p>Much.</p>" in text
    assert 'alt="A ferry"' in text
    assert "Photograph: Jo" in text
    assert "Read the original at example.org" in text


@pytest.mark.parametrize("count", [1, 20])
def test_article_page_takes_the_same_queries_for_any_number_of_articles(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_newsletter()
    author, topics = make_author(), [make_topic(), make_topic()]
    articles = [released(hours + 1, topics=topics, authors=[author]) for hours in range(count + 1)]

    with django_assert_num_queries(ARTICLE_QUERIES + SIGN_UP_BOX_QUERIES):
        client.get(articles[0].get_absolute_url())


def test_topic_page_takes_the_same_queries_for_any_number_of_articles(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    topic = make_topic()
    for hours in range(LIST_PAGE_SIZE + 1):
        released(hours + 1, topics=[topic], authors=[make_author()])

    with django_assert_num_queries(TOPIC_PAGE_QUERIES):
        client.get(topic.get_absolute_url())


def test_what_shares_most_topics_is_next_to_read(client: Client) -> None:
    town, harbor = make_topic(), make_topic()
    article = released(9, topics=[town, harbor])
    released(1, title="Neither")
    released(2, title="One", topics=[town])
    released(3, title="Both", topics=[town, harbor])

    following = client.get(article.get_absolute_url()).context["next"]

    assert [story.title for story in following] == ["Both", "One", "Neither"]


def test_hostile_markup_in_the_database_does_not_reach_the_page(client: Client) -> None:
    article = released(1, body='<p onclick="x()">Text</p><script>alert(1)</script><a href="javascript:x()">link</a>')

    text = client.get(article.get_absolute_url()).text

    assert "<p>Text</p>" in text
    assert "onclick" not in text
    assert "<script>alert" not in text
    assert "javascript:" not in text


def test_pages_ask_no_third_party_for_pictures(client: Client, settings: Settings) -> None:
    body = f'<p><img src="https://elsewhere.example/a.png"><img src="{settings.SITE_URL}/media/pictures/b.png"></p>'
    article = released(1, body=body)

    text = client.get(article.get_absolute_url()).text

    assert "elsewhere.example" not in text
    assert 'src="/media/pictures/b.png"' in text


def test_withdrawn_article_is_gone_with_a_page_that_says_so(client: Client) -> None:
    article = released(1, title="A mistake")
    article.withdraw(timezone.now())

    response = client.get(article.get_absolute_url())

    assert response.status_code == HTTPStatus.GONE
    assert "This article has been withdrawn" in response.text
    assert "A mistake" not in response.text


@pytest.mark.parametrize("status", [Article.Status.DRAFT, Article.Status.IN_REVIEW])
def test_unpublished_article_is_not_found(client: Client, status: str) -> None:
    article = make_article(status=status, released_at=None)

    assert client.get(article.get_absolute_url()).status_code == HTTPStatus.NOT_FOUND


def test_article_under_embargo_is_found_nowhere(client: Client) -> None:
    topic = make_topic()
    article = released(-1, title="Not before noon", topics=[topic])

    assert client.get(article.get_absolute_url()).status_code == HTTPStatus.NOT_FOUND
    maps = ("/sitemaps/articles-0.xml", "/news-sitemap.xml")
    for path in ("/", topic.get_absolute_url(), "/search/?q=noon", "/feed.xml", "/atom.xml", "/feed.json", *maps):
        assert article.get_absolute_url() not in client.get(path).text, path


def test_article_in_another_language_says_so_and_runs_its_own_way(client: Client) -> None:
    article = released(1, title="ميناء المدينة", slug="port", language="ar")

    assert '<article class="article" lang="ar" dir="rtl">' in client.get(article.get_absolute_url()).text


def test_pages_set_no_cookie_and_may_be_kept_by_caches(client: Client) -> None:
    topic = make_topic()
    article = released(1, topics=[topic])
    make_newsletter()

    for path in ("/", topic.get_absolute_url(), article.get_absolute_url(), "/feed.xml"):
        response = client.get(path)
        assert not response.cookies, path
        assert "public" in response["Cache-Control"], path
        assert "Cookie" not in response.get("Vary", ""), path


def test_unchanged_front_page_is_answered_with_304(client: Client) -> None:
    released(1)
    etag = client.get("/")["ETag"]

    unchanged = client.get("/", headers={"if-none-match": etag})
    released(0.5)
    changed = client.get("/", headers={"if-none-match": etag})

    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    assert changed.status_code == HTTPStatus.OK


def test_pages_only_answer_to_reading(client: Client) -> None:
    assert client.post("/").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_topic_on_the_front_page_opens_with_a_picture(client: Client) -> None:
    topic = make_topic(name="Harbor")
    for hours in range(1, 12):
        released(hours)
    released(20, title="Newer", topics=[topic])
    released(21, title="With a picture", topics=[topic], picture="pictures/2026/11/a.jpg")
    released(22, title="Older", topics=[topic])

    (section,) = client.get("/").context["page"].sections

    assert [story.title for story in section.articles] == ["With a picture", "Newer", "Older"]
