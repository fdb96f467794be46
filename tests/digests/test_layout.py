"""A digest can be read on any screen, in every language, as text, and below the size that Gmail cuts."""

from __future__ import annotations

import re

import pytest
from django.core.files.base import ContentFile

from articles.models import Article
from newsletter.digests.models import Appearance, EditionItem
from newsletter.lib import slots
from newsletter.lib.slots import Slot
from tests.digests.mails import edition_for, rendered, with_pictures
from tests.digests.reading import Reading
from tests.factories import make_article, make_edition, make_newsletter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gazette")]

HEADLINE = EditionItem.Placement.HEADLINE


def test_pictures_have_absolute_addresses_sizes_and_words() -> None:
    lead = with_pictures(make_article(picture_alt="A ferry at dawn", picture_credit="Ann Hill"))
    story = with_pictures(make_article(title="No words"), size=(400, 800))
    edition = make_edition(articles=[lead, story])

    page = Reading(rendered(edition).html)

    large, small = page.all("img")
    assert large.attributes["src"] == f"https://gazette.example{lead.picture.url}"
    assert (large.attributes["width"], large.attributes["height"]) == ("552", "368")
    assert (large.attributes["alt"], small.attributes["alt"]) == ("A ferry at dawn", "")
    assert (small.attributes["width"], small.attributes["height"]) == ("88", "176")
    assert all("14px" in image.attributes["style"] for image in (large, small))
    assert "Ann Hill" in page.texts("p", "credit")
    assert [a for a in page.all("a") if not a.text and "aria-label" not in a.attributes] == [
        a for a in page.all("a") if a.attributes["href"].endswith(lead.slug + "/") and not a.text
    ]  # a picture without words gives its link the headline as its name


def test_picture_that_is_missing_or_of_a_kind_that_mail_programs_lack_is_left_out() -> None:
    missing = with_pictures(make_article())
    missing.picture.storage.delete(missing.picture.name or "")
    missing.thumbnail.storage.delete(missing.thumbnail.name or "")
    modern = make_article()
    Article.objects.filter(pk=modern.pk).update(picture="pictures/x.webp")

    page = Reading(rendered(make_edition(articles=[missing, modern])).html)

    assert not page.all("img")


def test_picture_that_was_missing_is_shown_once_it_is_there() -> None:
    article = with_pictures(make_article())
    edition = make_edition(articles=[article])
    name = article.picture.name or ""
    with article.picture.storage.open(name) as file:
        content = file.read()
    article.picture.storage.delete(name)
    before = Reading(rendered(edition).html).all("img")

    article.picture.storage.save(name, ContentFile(content))

    assert (before, len(Reading(rendered(edition).html).all("img"))) == ([], 1)


def test_document_has_what_mail_programs_and_screen_readers_need() -> None:
    articles = [with_pictures(make_article()) for _ in range(3)]
    edition = edition_for(make_newsletter(), articles, intro="Good morning.")
    edition.items.filter(position=2).update(placement=HEADLINE)

    html = rendered(edition).html

    page = Reading(html)
    outer = page.all("div")[0]
    assert html.startswith("<!DOCTYPE html>")
    assert (page.one("html").attributes["lang"], page.one("html").attributes["dir"]) == ("en", "ltr")
    assert (outer.attributes["lang"], outer.attributes["dir"], outer.attributes["role"]) == ("en", "ltr", "article")
    assert page.one("title").text == outer.attributes["aria-label"] == articles[0].title
    assert [element.tag for element in page.elements if re.fullmatch(r"h[1-6]", element.tag)] == ["h1", *["h2"] * 3]
    assert all(table.attributes["role"] == "presentation" for table in page.all("table"))
    ghosts = re.findall(r"<table[^>]*>", " ".join(page.comments))
    assert ghosts
    assert all('role="presentation"' in table for table in ghosts)
    assert all(link.attributes["href"].startswith(("https://", "\ue000")) for link in page.all("a"))
    assert [parent.tag for parent in page.one("style").parents] == ["html", "head"]
    assert "prefers-color-scheme: dark" in page.one("style").text
    assert "[data-ogsc]" in page.one("style").text


def test_every_link_and_text_is_colored_in_both_palettes() -> None:
    edition = edition_for(
        make_newsletter(), [make_article(), make_article(), make_article()], intro="Good https://a.example"
    )
    edition.items.filter(position=2).update(placement=HEADLINE)

    page = Reading(rendered(edition).html)

    visible = [
        each for each in page.elements if each.has_own_text and "body" in [parent.tag for parent in each.parents]
    ]
    colored = re.compile(r"(?<!-)color: #")
    assert [link.text for link in page.all("a") if not colored.search(link.style)] == []
    assert [
        each.text
        for each in visible
        if not any(colored.search(one.style) for one in [each, *each.parents]) and each.text
    ] == []
    dark = {
        name for line in page.one("style").text.split("}") for name in re.findall(r"\.([a-z]+)", line.split("{")[0])
    }
    dimmed = [each.text for each in visible if not any(dark & set(one.classes) for one in [each, *each.parents[2:]])]
    assert dimmed == []


def test_small_mail_needs_no_styles_to_be_laid_out() -> None:
    page = Reading(rendered(make_edition(articles=[make_article(), with_pictures(make_article())])).html)

    words, thumb = page.all("div", "words")[-1], page.one("div", "thumb")
    assert "display: inline-block" in thumb.attributes["style"]
    assert "max-width: 192px" in thumb.attributes["style"]
    assert "max-width: 360px" in words.attributes["style"]
    assert "max-width: 600px" in page.all("table", "sheet")[0].attributes["style"]


def test_right_to_left_is_the_same_page_mirrored() -> None:
    newsletter = make_newsletter(language="ar", name="آخر الأخبار")
    edition = edition_for(newsletter, [make_article(title="عودة العبّارة"), make_article(title="سوق السمك")])

    page = Reading(rendered(edition).html)

    assert (page.one("html").attributes["lang"], page.one("html").attributes["dir"]) == ("ar", "rtl")
    assert page.all("div")[0].attributes["dir"] == "rtl"
    assert "text-align: right" in page.one("td", "leading").attributes["style"]
    assert "text-align: left" in page.one("td", "last").attributes["style"]
    assert "letter-spacing" not in str([element.attributes for element in page.elements])


def test_story_in_another_language_stands_in_its_own_direction() -> None:
    edition = make_edition(articles=[make_article(), make_article(title="سوق السمك", language="ar")])

    page = Reading(rendered(edition).html)

    story = next(table for table in page.all("table") if table.attributes.get("lang") == "ar")
    assert story.attributes["dir"] == "rtl"
    assert "text-align: right" in page.one("td", "item").attributes["style"]
    assert page.one("html").attributes["dir"] == "ltr"


def test_date_is_written_in_the_newsletters_language_and_time_zone() -> None:
    german = make_newsletter(language="de", time_zone="Pacific/Auckland")
    edition = edition_for(german, [make_article()])  # planned for Monday, 06:00 in UTC
    late = make_newsletter(language="en", time_zone="Pacific/Honolulu")

    mail, yesterday = rendered(edition), rendered(edition_for(late, [make_article()]))

    assert "Montag, 23. November 2026" in mail.text
    assert "Sunday, November 22, 2026" in Reading(yesterday.html).texts("td")


def test_preheader_tells_what_the_subject_does_not() -> None:
    edition = make_edition(articles=[make_article(title="One"), make_article(title="Two"), make_article(title="Three")])
    own = edition_for(make_newsletter(), [make_article()], preheader="Read this & that")

    others, written = Reading(rendered(edition).html), Reading(rendered(own).html)

    assert others.one("div", "preheader").text.startswith("Two · Three")
    assert written.one("div", "preheader").text.startswith("Read this & that")
    assert "display: none" in others.one("div", "preheader").attributes["style"]


@pytest.mark.parametrize("words", ["Lorem ipsum dolor sit amet. ", "潮の香りがする港の町の新聞です。", "🦭🛥️"])
def test_mail_never_grows_to_the_size_that_gmail_cuts(words: str) -> None:
    articles = [make_article(title=(words * 50)[:300], summary=words * 100, slug=f"long-{n}") for n in range(150)]
    edition = edition_for(make_newsletter(), articles, intro=words * 500)

    mail = rendered(edition)

    values = {slot.value: "x" * 150 for slot in Slot}
    assert len(slots.fill(mail.html, values).encode()) < 100_000
    page = Reading(mail.html)
    footer = [link.text for link in page.all("a") if "Unsubscribe" in link.text]
    assert footer == ["Unsubscribe"]
    assert "more stories on the site" in page.one("td", "more").text
    assert re.search(r"\d+ more stories on the site", mail.text)


def test_stories_become_headlines_before_headlines_are_left_out() -> None:
    articles = [make_article(title=f"Story {n}", summary="Lorem ipsum dolor sit. " * 30) for n in range(110)]

    page = Reading(rendered(make_edition(articles=articles)).html)

    told = [*page.texts("h2", "lead"), *page.texts("h2", "headline"), *page.texts("td", "brief")]
    assert told == [f"Story {n}" for n in range(110)]
    assert page.texts("td", "brief")


def test_text_part_has_everything_in_lines_that_fit() -> None:
    articles = [make_article(title=f"Story {n}", summary="A sentence of several words. " * 9) for n in range(5)]
    edition = edition_for(make_newsletter(name="Latest news"), articles, intro="Good morning. " * 20)
    edition.items.filter(position__gt=2).update(placement=HEADLINE)

    text = rendered(edition).text

    assert all(f"https://gazette.example{article.get_absolute_url()}" in text for article in articles)
    assert Slot.UNSUBSCRIBE_URL.mark in text
    assert Slot.PREFERENCES_URL.mark in text
    assert edition.issue.newsletter.postal_address in text
    assert f"https://gazette.example{edition.issue.get_absolute_url()}" in text
    assert [line for line in text.splitlines() if len(line) > 72 and "://" not in line] == []
    assert "\n\n\n" not in text


def test_wide_characters_count_double_and_break_anywhere() -> None:
    article = make_article(title="港の新聞", summary="潮の香りがする町の新聞です。" * 20, slug="wide")

    text = rendered(make_edition(articles=[article])).text

    lines = [line for line in text.splitlines() if "新聞です" in line]
    assert len(lines) > 5
    assert all(len(line) <= 36 for line in lines)
    assert not any(line.startswith("。") for line in lines)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_number_of_addresses_is_even_however_many_stories(count: int) -> None:
    page = Reading(rendered(make_edition(articles=[make_article() for _ in range(count)])).html)

    assert (len(page.all("a")) + len(page.all("img"))) % 2 == 0


@pytest.mark.parametrize(
    ("pictured", "rows"),
    [("1111", [1, 2]), ("11111", [2, 2]), ("110011", [1, 2, 2]), ("1101", [1, 1, 1]), ("100", [2]), ("10", [1])],
)
def test_magazine_sets_two_beside_each_other_if_both_have_a_picture_or_neither(pictured: str, rows: list[int]) -> None:
    """``pictured``: of each story, the lead first. ``rows``: how many stories stand in each row below the lead."""
    stories = [with_pictures(make_article()) if each == "1" else make_article() for each in pictured]
    newsletter = make_newsletter()
    Appearance.objects.create(newsletter=newsletter, layout=Appearance.Layout.MAGAZINE)

    page = Reading(rendered(edition_for(newsletter, stories)).html)

    cards = page.all("div", "item")
    told = [sum(row in card.parents for card in cards) or 1 for row in page.all("td", "row")]
    assert told == rows
