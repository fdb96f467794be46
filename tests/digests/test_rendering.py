"""A digest says what its edition says, once, in the editor's words, and refuses what it cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from django.template import engines
from pytest_django import DjangoAssertNumQueries, Settings

from articles.models import Article
from newsletter.digests import blocks
from newsletter.digests.models import Edition, EditionItem, Issue, IssueItem
from newsletter.digests.rendering import IssueRenderer, RenderingError, render_edition
from newsletter.lib import slots
from newsletter.lib.slots import Slot
from newsletter.subscribers.models import Newsletter
from tests.digests.mails import edition_for, rendered
from tests.digests.reading import Reading
from tests.factories import make_article, make_edition, make_issue, make_newsletter, make_topic
from tests.queries import lazy_loading_forbidden

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gazette")]

HEADLINE = EditionItem.Placement.HEADLINE


@pytest.fixture
def break_template(tmp_path: Path, settings: Settings) -> Callable[[str, str], None]:
    """Puts another template in the place of one of ours."""

    def break_it(name: str, source: str) -> None:
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True)
        path.write_text(source)
        template_settings = settings.TEMPLATES[0]
        settings.TEMPLATES = [{**template_settings, "DIRS": [tmp_path / "templates", *template_settings["DIRS"]]}]
        assert engines["django"]

    return break_it


def test_stories_stand_in_the_order_of_the_edition() -> None:
    first, second, third = make_article(title="One"), make_article(title="Two"), make_article(title="Three")
    edition = make_edition(articles=[second, third, first])

    mail = rendered(edition)

    page = Reading(mail.html)
    assert page.texts("h2") == ["Two", "Three", "One"]
    assert page.one("h2", "lead").text == "Two"
    assert re.findall(r"^\d+\. (.+)$", mail.text, re.MULTILINE) == ["Two", "Three", "One"]


def test_headlines_stand_below_the_stories() -> None:
    edition = make_edition(articles=[make_article(title="One"), make_article(title="Two"), make_article(title="Three")])
    edition.items.filter(position__gt=0).update(placement=HEADLINE)

    mail = rendered(edition)

    page = Reading(mail.html)
    assert page.texts("h2") == ["One", "More headlines"]
    assert page.texts("td", "brief") == ["Two", "Three"]
    assert "- Two\n  https://gazette.example/articles/two/" in mail.text


def test_editors_words_for_this_mail_win_over_those_for_all_mails_and_the_articles_own() -> None:
    article = make_article(title="Own", summary="Own text.", newsletter_summary="Text for newsletters.")
    other = make_article(title="Plain", summary="Plain text.")
    issue = make_issue(articles=[article, other])
    IssueItem.objects.filter(article=article).update(title="For this mail")

    mail = rendered(make_edition(issue=issue, articles=[article, other]))

    page = Reading(mail.html)
    assert page.texts("h2") == ["For this mail", "Plain"]
    assert page.texts("p", "summary") == ["Text for newsletters.", "Plain text."]
    assert mail.subject == "For this mail"


def test_words_of_another_issue_do_not_leak() -> None:
    article = make_article(title="Own")
    elsewhere = make_issue(articles=[article])
    IssueItem.objects.filter(issue=elsewhere).update(title="Elsewhere")

    mail = rendered(make_edition(issue=make_issue(), articles=[article]))

    assert Reading(mail.html).texts("h2") == ["Own"]


def test_withdrawn_articles_are_left_out() -> None:
    kept, withdrawn = make_article(title="Kept"), make_article(title="Withdrawn")
    edition = make_edition(articles=[withdrawn, kept])

    mail = rendered(edition, withdrawn={withdrawn.pk})

    assert mail.subject == "Kept"
    assert "Withdrawn" not in mail.html + mail.text


def test_article_that_is_not_published_is_left_out_without_being_named() -> None:
    kept, gone = make_article(title="Kept"), make_article(title="Gone")
    edition = make_edition(articles=[gone, kept])
    Article.objects.filter(pk=gone.pk).update(status=Article.Status.IN_REVIEW)

    mail = rendered(edition)

    assert "Gone" not in mail.html + mail.text


def test_nothing_left_is_no_mail() -> None:
    article = make_article()
    edition = make_edition(articles=[article])

    assert render_edition(edition=edition, withdrawn=[article.pk]) is None


def test_headline_becomes_the_lead_when_no_story_is_left() -> None:
    story, headline = make_article(title="Story"), make_article(title="Headline")
    edition = make_edition(articles=[story, headline])
    edition.items.filter(article=headline).update(placement=HEADLINE)

    mail = rendered(edition, withdrawn={story.pk})

    assert Reading(mail.html).one("h2", "lead").text == "Headline"


def test_text_part_numbers_several_stories_and_not_a_single_one() -> None:
    one, two = make_article(title="One"), make_article(title="Two")

    several = rendered(make_edition(articles=[one, two])).text
    single = rendered(make_edition(articles=[one])).text

    assert re.findall(r"^(?:\d+\. )?(?:One|Two)$", several, re.MULTILINE) == ["1. One", "2. Two"]
    assert re.findall(r"^(?:\d+\. )?One$", single, re.MULTILINE) == ["One"]


def test_subject_is_the_editors_or_the_first_headline_on_one_line() -> None:
    article = make_article(title="First\r\nBcc: victim@example.org")
    with_subject = make_issue(articles=[article], subject="The editor’s\nown")

    plain = rendered(make_edition(articles=[article]))
    own = rendered(make_edition(issue=with_subject, articles=[article]))

    assert plain.subject == "First Bcc: victim@example.org"
    assert own.subject == "The editor’s own"


def test_marks_survive_in_links_and_text_and_are_filled() -> None:
    mail = rendered(make_edition())
    values = {slot.value: f"<{slot.value}>" for slot in Slot}
    in_html = {slot.value: f"[{slot.value}]" for slot in Slot} | {
        "unsubscribe_url": "https://x.example/u/1/",
        "preferences_url": "https://x.example/p/1/",
    }

    html, text = slots.fill(mail.html, in_html), slots.fill(mail.text, values)

    links = {link.text: link.attributes["href"] for link in Reading(html).all("a")}
    assert links["Unsubscribe"] == "https://x.example/u/1/"
    assert links["Change what you get and how often"] == "https://x.example/p/1/"
    assert "on [signed_up_on]." in Reading(html).all("td", "footer")[0].text
    assert {"<unsubscribe_url>", "<preferences_url>", "<signed_up_on>"} <= set(re.findall(r"<\w+>", text))
    assert not re.search("[\ue000-\uf8ff]", html + text)


def test_content_cannot_forge_marks() -> None:
    forged = f"{Slot.UNSUBSCRIBE_URL.mark} {blocks.place('articles')} \ue000nonsense\ue001"
    article = make_article(title=f"Title {forged}", summary=forged)
    newsletter = make_newsletter(name=f"News {forged}")
    edition = edition_for(newsletter, [article], intro=forged, preheader=forged)

    mail = rendered(edition)

    genuine = rendered(make_edition())
    assert re.findall("[\ue000-\uf8ff]", mail.html) == re.findall("[\ue000-\uf8ff]", genuine.html)
    assert Reading(mail.html).one("h2").text == "Title unsubscribe_url articles nonsense"


def test_hostile_words_are_shown_and_never_obeyed() -> None:
    attack = "\"><script>alert(1)</script><img src=x onerror='alert(1)'> {{ slots.email }} {% debug %} & \x07\u202e"
    topic = make_topic(name=attack[:80])
    article = make_article(title=attack, summary=attack, picture_alt=attack, topics=[topic], slug="attacked")
    edition = edition_for(make_newsletter(name=attack[:80]), [article, make_article()], intro=attack, preheader=attack)

    mail = rendered(edition)

    page = Reading(mail.html)
    assert not page.all("script")
    assert not page.all("img")
    assert not [name for element in page.elements for name in element.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in page.one("h2", "lead").text
    assert "{{ slots.email }} {% debug %} &" in page.one("h2", "lead").text


def test_editors_html_is_reduced_to_what_a_mail_needs() -> None:
    body = (
        '<p onclick="x()">Come <a href="javascript:alert(1)">in</a>, <a href="https://x.example/">soup</a>.</p><iframe>'
    )
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    edition = Edition.objects.create(issue=make_issue(newsletter=newsletter, body=body, subject="Soup"), content_key="")

    mail = rendered(edition)

    page = Reading(mail.html)
    assert "https://x.example/" in [link.attributes.get("href") for link in page.all("a")]
    assert "javascript" not in mail.html
    assert "onclick" not in mail.html
    assert not page.all("iframe")
    assert "Come in, soup (https://x.example/)." in mail.text


def test_announcement_is_its_text_and_not_an_article() -> None:
    newsletter = make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS)
    issue = make_issue(newsletter=newsletter, subject="We move", body="First paragraph.\n\nSecond paragraph.")

    mail = rendered(Edition.objects.create(issue=issue, content_key=""))

    page = Reading(mail.html)
    assert mail.subject == "We move"
    assert page.texts("h2") == ["We move"]
    assert {"First paragraph.", "Second paragraph."} <= set(page.texts("p"))
    assert "First paragraph.\n\nSecond paragraph." in mail.text


def test_announcement_without_text_is_no_mail() -> None:
    issue = make_issue(newsletter=make_newsletter(kind=Newsletter.Kind.ANNOUNCEMENTS), body=" \n", intro="Hello.")

    assert render_edition(edition=Edition.objects.create(issue=issue, content_key="")) is None


def test_offers_and_sponsored_articles_are_labeled() -> None:
    offers = make_issue(newsletter=make_newsletter(kind=Newsletter.Kind.OFFERS), body="Two cups for one.")
    sponsored = make_article(title="Coffee", is_sponsored=True)

    offer = rendered(Edition.objects.create(issue=offers, content_key=""))
    digest = rendered(make_edition(articles=[make_article(), sponsored]))

    assert "Advertisement" in Reading(offer.html).texts("td")
    assert "Advertisement" in offer.text
    assert Reading(digest.html).texts("p", "kicker") == ["Advertisement"]
    assert "2. Coffee [Advertisement]" in digest.text


def test_sponsored_headline_is_labeled() -> None:
    story, ad = make_article(title="Story"), make_article(title="Fine boats", is_sponsored=True)
    edition = make_edition(articles=[story, ad])
    edition.items.filter(article=ad).update(placement=HEADLINE)

    html = rendered(edition).html

    assert re.search(r"Fine boats</a> <span[^>]*>\[Advertisement\]</span>", html)


@pytest.mark.parametrize(
    ("name", "source", "complaint"),
    [
        ("email/digest/_kicker.html", "\n{% nonsense %}", "email/digest/_kicker.html, line 2: Invalid block tag"),
        (
            "email/digest/_opening.html",
            "x\n\n{{ date|add:1|date:3 }}{% widthratio a b 0 as c d %}",
            "_opening.html, line 3",
        ),
        (
            "email/digest/_footer.html",
            '{% load i18n %}\n{% include "email/nowhere.html" %}',
            "_footer.html, line 2: email/",
        ),
        ("email/digest/body.txt", "{% if %}", "email/digest/body.txt, line 1: "),
    ],
)
def test_template_error_names_template_and_line(
    break_template: Callable[[str, str], None], name: str, source: str, complaint: str
) -> None:
    edition = make_edition(articles=[make_article(topics=[make_topic()])])
    break_template(name, source)

    with pytest.raises(RenderingError) as caught:
        render_edition(edition=edition)

    assert complaint in str(caught.value)
    assert str(Path.cwd()) not in str(caught.value)


def test_error_of_one_rendering_is_not_kept(tmp_path: Path, settings: Settings) -> None:
    edition = make_edition()
    ours = settings.TEMPLATES
    path = tmp_path / "email" / "digest" / "classic" / "_lead.html"
    path.parent.mkdir(parents=True)
    path.write_text("{{ story.headline|date:1|add }}")
    settings.TEMPLATES = [{**ours[0], "DIRS": [tmp_path, *ours[0]["DIRS"]]}]
    with pytest.raises(RenderingError):
        render_edition(edition=edition)

    settings.TEMPLATES = ours

    assert rendered(edition).html.endswith("</html>")


def test_template_renders_and_queries_do_not_grow_with_the_editions(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    articles = [make_article(topics=[make_topic()]) for _ in range(6)]
    issue = Issue.objects.select_related("newsletter").get(pk=make_issue(articles=articles).pk)
    items = [EditionItem(article=article, position=n) for n, article in enumerate(articles)]
    renders, render = [], blocks.render

    def counted(template: str, context: Mapping[str, object]) -> str:
        renders.append(template)
        return render(template, context)

    monkeypatch.setattr(blocks, "render", counted)

    with django_assert_num_queries(5), lazy_loading_forbidden():
        renderer = IssueRenderer(issue)
        renderer.render(items)
        renderer.render(items[::-1])
        before = len(renders)
        editions = [renderer.render([items[0], *items[n:], *items[1:n]]) for n in range(1, 6)]

    assert len({mail.html for mail in editions if mail}) == 5
    assert len(renders) == before > 12


def test_rendering_an_edition_takes_eight_queries_however_many_articles(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    edition = make_edition(articles=[make_article(topics=[make_topic(), make_topic()]) for _ in range(12)])
    edition = Edition.objects.get(pk=edition.pk)

    with django_assert_num_queries(8), lazy_loading_forbidden():
        render_edition(edition=edition)


def test_changed_article_is_never_shown_as_it_was() -> None:
    article = make_article(title="Before")
    edition = make_edition(articles=[article])
    rendered(edition)

    Article.objects.filter(pk=article.pk).update(title="After")

    assert Reading(rendered(edition).html).texts("h2") == ["After"]
