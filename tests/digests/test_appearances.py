"""A publisher chooses how mails look and what they say besides the stories, and nothing they choose can break one."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest_django import Settings

from articles.models import Publication
from newsletter.digests import blocks, phrases
from newsletter.digests.assembly import limits
from newsletter.digests.looks import SHORT_SUMMARY, shortened
from newsletter.digests.models import Appearance, EditionItem
from newsletter.digests.rendering import RenderedMail
from newsletter.subscribers.models import Newsletter
from tests.digests.mails import edition_for, rendered, with_pictures
from tests.digests.reading import Reading
from tests.factories import NOW, make_article, make_author, make_editor, make_issue, make_newsletter, make_topic

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gazette")]

LAYOUTS = Appearance.Layout.values


def look(newsletter: Newsletter, **fields: Any) -> Appearance:
    return Appearance.objects.create(newsletter=newsletter, **fields)


def three_stories(**appearance: Any) -> RenderedMail:
    """Two about the harbor around one about schools, below a lead about the harbor."""
    harbor, schools = make_topic(name="Harbor"), make_topic(name="Schools")
    articles = [
        with_pictures(make_article(title=title, topics=[topic], authors=[make_author(name="Ada Merrin")]))
        for title, topic in [("Lead", harbor), ("Ferry", harbor), ("Lunch", schools), ("Seals", harbor)]
    ]
    newsletter = make_newsletter(name="Latest news")
    look(newsletter, **appearance)
    return rendered(edition_for(newsletter, articles))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_tells_the_same_in_the_same_order(layout: str) -> None:
    page = Reading(three_stories(layout=layout).html)

    assert page.texts("h2") == ["Lead", "Ferry", "Lunch", "Seals"]
    assert len(page.all("h1")) == 1
    assert len(page.all("img")) == 4
    assert all(image.attributes["width"].isdecimal() for image in page.all("img"))
    assert page.texts("p", "kicker") == ["Harbor", "Harbor", "Schools", "Harbor"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sections_gather_topics_below_the_lead(layout: str) -> None:
    mail = three_stories(layout=layout, groups_by_topic=True)

    page = Reading(mail.html)
    headings = [(each.tag, each.text) for each in page.elements if each.tag in {"h2", "h3"}]
    assert headings == [
        ("h2", "Lead"), ("h2", "Harbor"), ("h3", "Ferry"), ("h3", "Seals"), ("h2", "Schools"), ("h3", "Lunch"),
    ]  # fmt: skip
    assert page.texts("p", "kicker") == ["Harbor"]  # the sections say the others
    assert "\nHarbor\n\n2. Ferry" in mail.text
    assert "4. Lunch" in mail.text


def test_stories_without_a_topic_come_last_under_a_title_of_their_own() -> None:
    newsletter = make_newsletter()
    look(newsletter, groups_by_topic=True, rest_title="Elsewhere")
    topic = make_topic(name="Harbor")
    articles = [make_article(title="Lead"), make_article(title="Loose"), make_article(title="Ferry", topics=[topic])]

    page = Reading(rendered(edition_for(newsletter, articles)).html)

    assert page.texts("h2") == ["Lead", "Harbor", "Elsewhere"]
    assert page.texts("h3") == ["Ferry", "Loose"]


@pytest.mark.parametrize(("pictures", "count"), [("all", 4), ("lead", 1), ("none", 0)])
def test_pictures_are_shown_as_chosen(pictures: str, count: int) -> None:
    assert len(Reading(three_stories(pictures=pictures).html).all("img")) == count


def test_summaries_authors_topics_and_link_are_shown_as_chosen() -> None:
    plain = Reading(three_stories(summaries="none", shows_topics=False).html)
    rich = three_stories(shows_authors=True, read_more="Read on")

    assert not plain.all("p", "summary")
    assert not plain.all("p", "kicker")
    page = Reading(rich.html)
    assert page.texts("p", "byline") == ["By Ada Merrin"] * 4
    links = page.all("p", "read")
    assert [link.text for link in links] == ["Read on"] * 4
    labels = [link.attributes["aria-label"] for link in page.all("a") if link.text == "Read on"]
    assert labels[0] == "Read on: Lead"
    assert "By Ada Merrin" in rich.text


@given(st.text(max_size=400))
def test_short_summary_is_short_and_begins_like_the_whole(summary: str) -> None:
    short = shortened(summary)

    assert len(short) <= SHORT_SUMMARY
    assert summary.startswith(short.removesuffix("…").rstrip(" ,;:-–"))


def test_short_summary_ends_with_a_sentence_or_a_word() -> None:
    sentence = "The old hall on the quay leaked on its customers for a whole generation."

    assert (
        shortened(f"{sentence} On its first wet morning under the new timber roof, traders were quite dry.") == sentence
    )
    assert shortened("word " * 60).endswith("word…")


def test_paid_stories_are_labeled_in_every_look() -> None:
    newsletter = make_newsletter()
    look(newsletter, shows_topics=False, groups_by_topic=True, summaries="none", pictures="none")
    topic = make_topic()
    articles = [make_article(topics=[topic]), make_article(topics=[topic], is_sponsored=True)]

    page = Reading(rendered(edition_for(newsletter, articles)).html)

    assert page.texts("p", "kicker") == ["Advertisement"]


def test_subject_follows_the_pattern_unless_the_editor_wrote_one() -> None:
    newsletter = make_newsletter(name="Latest news")
    look(newsletter, subject_pattern="{newsletter}: {headline} (no. {number})")
    article = make_article(title="Ferry {newsletter} back")
    by_itself = edition_for(newsletter, [article], number=7)
    written = edition_for(newsletter, [article], subject="Two ferries", number=8)

    assert rendered(by_itself).subject == "Latest news: Ferry {newsletter} back (no. 7)"
    assert rendered(written).subject == "Two ferries"


def test_greeting_names_who_is_known_and_others_get_the_other_one() -> None:
    mail = three_stories(greeting="Good morning, {name}.", nameless_greeting="Good morning from {newsletter}.")

    assert "\ue000greeting\ue001" in mail.html
    assert "\ue000greeting\ue001" in mail.text
    assert mail.greeting.to("Ada") == "Good morning, Ada."
    assert mail.greeting.to("") == "Good morning from Latest news."
    assert mail.greeting.to("{newsletter} <b>") == "Good morning, {newsletter} <b>."


def test_nobody_is_greeted_unless_the_publisher_does() -> None:
    mail = three_stories()

    assert "greeting" not in mail.html
    assert (mail.greeting.to("Ada"), mail.greeting.to("")) == ("", "")


def test_last_sentence_stands_in_both_footers_without_markup() -> None:
    mail = three_stories(closing="Reply to <b>{newsletter}</b>.")

    assert "Reply to <b>Latest news</b>." in mail.text
    assert "Reply to <b>Latest news</b>." in Reading(mail.html).texts("p")


def test_without_more_headlines_the_rest_waits() -> None:
    newsletter = make_newsletter()
    issue = make_issue(newsletter=newsletter)
    before = limits(issue).headlines
    look(newsletter, shows_headlines=False)

    assert (before, limits(issue).headlines) == (10, 0)


def test_title_of_more_headlines_is_the_publishers() -> None:
    newsletter = make_newsletter()
    look(newsletter, more_title="And also")
    edition = edition_for(newsletter, [make_article(), make_article()])
    edition.items.filter(position=1).update(placement=EditionItem.Placement.HEADLINE)

    mail = rendered(edition)

    assert "And also" in Reading(mail.html).texts("h2")
    assert "And also" in mail.text


def test_logo_stands_for_the_name_and_says_it() -> None:
    content = io.BytesIO()
    Image.new("RGBA", (600, 120)).save(content, "PNG")
    publication = Publication(pk=1, name="Lantern", logo_width=600, logo_height=120)
    publication.logo.save("logo.png", ContentFile(content.getvalue()), save=False)
    publication.save()

    with_logo, without = Reading(three_stories().html), Reading(three_stories(shows_logo=False).html)

    logo = with_logo.all("img")[0]
    assert (logo.attributes["alt"], logo.attributes["width"], logo.attributes["height"]) == ("Lantern", "300", "60")
    assert [parent.tag for parent in logo.parents][-2:] == ["h1", "a"]
    assert without.one("h1").text.startswith("Lantern")


@pytest.mark.parametrize(
    ("text", "allowed", "complaint"),
    [
        ("{headline}", ["headline"], ""),
        ("100 % news", [], ""),
        ("{headlin}", ["headline", "date"], "{headlin} means nothing here. You can use {headline} {date}."),
        ("{newsletter.__class__}", ["newsletter"], "{newsletter.__class__} means nothing here."),
        ("{{ newsletter }}", ["newsletter"], "{ newsletter } means nothing here."),
        ("{headline", ["headline"], "A brace stands alone"),
        ("{%if 1%}", ["headline"], "{%if 1%} means nothing here."),
        ("{name}", [], "No names in braces can be used here."),
    ],
)
def test_wrong_place_is_named_with_what_is_allowed(text: str, allowed: list[str], complaint: str) -> None:
    assert complaint in phrases.problem(text, allowed=allowed)
    assert bool(phrases.problem(text, allowed=allowed)) == bool(complaint)


def test_greeting_with_a_name_asks_for_one_without() -> None:
    with pytest.raises(ValidationError) as caught:
        Appearance(newsletter=make_newsletter(), greeting="Hello, {name}").full_clean()

    assert list(caught.value.message_dict) == ["nameless_greeting"]


def chosen(**fields: Any) -> dict[str, Any]:
    return {
        "layout": "classic", "tone": "warm", "typeface": "", "pictures": "all", "summaries": "full",
        "accent_color": "#8a2f1d", **fields,
    }  # fmt: skip


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_editor())
    return client


def test_look_is_chosen_on_the_newsletters_own_page(desk: Client) -> None:
    newsletter = make_newsletter()
    page = reverse("admin:digests_appearance_change", args=[newsletter.pk])

    assert desk.get(page).status_code == 200
    response = desk.post(page, chosen(layout="magazine", accent_color="#00AA55", closing="See you."))

    assert response.status_code == 302
    newsletter.refresh_from_db()
    assert newsletter.accent_color == "#00aa55"
    assert (newsletter.appearance.layout, newsletter.appearance.closing) == ("magazine", "See you.")


def test_wrong_place_is_told_at_its_field_and_nothing_is_saved(desk: Client) -> None:
    newsletter = make_newsletter()
    page = reverse("admin:digests_appearance_change", args=[newsletter.pk])

    response = desk.post(page, chosen(subject_pattern="{headlin}"))

    assert "{headlin} means nothing here. You can use {headline}" in response.text
    assert not Appearance.objects.exists()


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shown", ["", "dark", "text"])
def test_preview_shows_what_is_chosen_and_saves_nothing(desk: Client, layout: str, shown: str) -> None:
    newsletter = make_newsletter()
    make_article(title="Ferry back", released_at=NOW - timedelta(days=9))
    page = reverse("admin:digests_appearance_preview", args=[newsletter.pk])

    response = desk.get(page, chosen(layout=layout, closing="See you.", **{"as": shown}))

    assert response.status_code == 200
    assert "Ferry back" in response.text
    assert "See you." in response.text
    assert "\ue000" not in response.text
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert not Appearance.objects.exists()


def test_preview_says_what_is_wrong(desk: Client) -> None:
    page = reverse("admin:digests_appearance_preview", args=[make_newsletter().pk])

    assert "{nam} means nothing here." in desk.get(page, chosen(greeting="{nam}")).text


def test_preview_without_articles_shows_made_up_ones(desk: Client) -> None:
    page = reverse("admin:digests_appearance_preview", args=[make_newsletter().pk])

    assert "old slipway" in desk.get(page).text


def test_strangers_see_no_preview(client: Client) -> None:
    page = reverse("admin:digests_appearance_preview", args=[make_newsletter().pk])

    assert client.get(page).status_code == 302


def test_look_that_no_mail_can_be_made_with_is_not_saved(desk: Client, tmp_path: Path, settings: Settings) -> None:
    ours = settings.TEMPLATES[0]
    settings.TEMPLATES = [{**ours, "DIRS": [tmp_path, *ours["DIRS"]]}]
    blocks.forget()
    broken = tmp_path / "email/digest/magazine/_lead.html"
    broken.parent.mkdir(parents=True)
    broken.write_text("{% load i18n %}\n{% nonsense %}")
    page = reverse("admin:digests_appearance_change", args=[make_newsletter().pk])

    refused = desk.post(page, chosen(layout="magazine"))
    kept = desk.post(page, chosen(layout="classic"))

    assert "email/digest/magazine/_lead.html, line 2" in refused.text
    assert kept.status_code == 302
    assert Appearance.objects.get().layout == "classic"
    blocks.forget()
