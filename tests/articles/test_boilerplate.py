"""Boilerplate goes by rules that people can read, and nothing else goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from articles.boilerplate import Effect, Rule, RuleBook, tidy
from articles.feeds.importing import poll
from articles.models import Article, BoilerplateRule
from articles.sanitizing import clean_html, plain_text
from articles.standard_boilerplate import STANDARD, STANDARD_BOOK
from tests.articles.documents import item, rss
from tests.articles.polling import polled_again, served
from tests.articles.test_archives import begun, run
from tests.articles.wordpress import post, wxr
from tests.factories import NOW, make_feed
from tests.servers.http import HttpServer

TAKEN = [line for group in STANDARD for line in group.taken]
LEFT = [line for group in STANDARD for line in group.left]


@pytest.mark.parametrize("line", TAKEN)
@pytest.mark.parametrize("form", ["<p>A story.</p><p>{}</p>", "<p>A story.<br>{}</p>", "<p>A story.</p><h3>{}</h3>"])
def test_line_of_a_standard_rule_goes(line: str, form: str) -> None:
    assert tidy(clean_html(form.format(line)), STANDARD_BOOK).html == "<p>A story.</p>"


@pytest.mark.parametrize("line", LEFT)
def test_line_that_only_looks_alike_stays(line: str) -> None:
    html = clean_html(f"<p>A story.</p><p>{line}</p>")

    assert tidy(html, STANDARD_BOOK).html == html


def test_share_bar_goes_and_a_company_s_name_stays() -> None:
    bar = "<p>A</p><ul><li><a href='https://x.example/'>Share on X</a></li><li>Facebook</li><li>E-Mail</li></ul>"

    assert tidy(clean_html(bar), STANDARD_BOOK).html == "<p>A</p>"
    assert tidy("<ul><li>Facebook</li><li>Ferries</li></ul>", STANDARD_BOOK).removed == ()


def test_rest_goes_only_from_the_second_half_on() -> None:
    book = RuleBook([Rule("more news", Effect.REST)])

    assert tidy("<p>A long story.</p><p>More news</p><p>B</p><ul><li>C</li></ul>", book).html == "<p>A long story.</p>"
    assert not tidy("<p>More news</p><p>A long story.</p>", book).removed


def test_keeping_comes_before_all_other_rules() -> None:
    book = RuleBook([*STANDARD_BOOK.by_beginning["adve"], Rule("*advert*", Effect.KEEP)])

    assert tidy("<p>Advertisement</p>", book).removed == ()


@given(st.lists(st.sampled_from(["<p>", "</p>", "<br>", "Advertisement", "Share", "Facebook", "<b>", "</b>", "<ul>",
                                 "<li>", "Text ", "<a href='https://a.example/'>", "</a>", "<table><td>", "&lt;"]),
                max_size=25).map("".join))  # fmt: skip
def test_what_is_left_is_clean_and_has_every_other_word(text: str) -> None:
    html = clean_html(text)

    tidied = tidy(html, STANDARD_BOOK)

    assert clean_html(tidied.html) == tidied.html
    assert plain_text(tidied.html).count("Text") + sum("Text" in one.text for one in tidied.removed) >= min(
        plain_text(html).count("Text"), 1
    )


# --- on import --------------------------------------------------------------------------------------------------------
BODY = "<p>The ferry is back.</p><p>- Advertisement -</p><p>Our own appeal</p>"


@pytest.mark.django_db(transaction=True)
def test_feed_s_articles_come_in_without_it_and_follow_the_rules_when_these_change(http_server: HttpServer) -> None:
    feed = served(http_server, item(description=BODY + "<p>The post Ferry appeared first on Wire.</p>"))
    article = Article.objects.get()
    assert article.body == "<p>The ferry is back.</p><p>Our own appeal</p>"
    assert article.summary == "The ferry is back. Our own appeal"

    BoilerplateRule.objects.create(pattern="our own *", feed=feed)
    polled_again(http_server, feed, item(description=BODY))

    article.refresh_from_db()
    assert (article.body, article.summary) == ("<p>The ferry is back.</p>", "The ferry is back.")


@pytest.mark.django_db(transaction=True)
def test_switched_off_it_leaves_everything(http_server: HttpServer) -> None:
    feed = make_feed(url=http_server.serve("/feed.xml", rss(item(description=BODY))), removes_boilerplate=False)

    poll(feed=feed, now=NOW)

    assert Article.objects.get().body == BODY


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("removes", [True, False])
def test_archive_is_tidied_like_the_feed_that_it_belongs_to(removes: bool) -> None:
    feed = make_feed(removes_boilerplate=removes)
    BoilerplateRule.objects.create(feed=feed, pattern="Read more about *")
    body = "The ferry stops.\n\nRead more about ferries.\n\n- Advertisement -"

    run(begun(wxr(post(1, body=body)), feed=feed))

    article = Article.objects.get()
    rest = "" if removes else "<p>Read more about ferries.</p><p>- Advertisement -</p>"
    assert article.body == f"<p>The ferry stops.</p>{rest}"
    assert ("Advertisement" in article.summary) != removes
