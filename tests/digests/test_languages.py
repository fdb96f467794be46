"""An edition is shared by its readers, so it is in the newsletter's language, whoever renders it and wherever."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import translation
from pytest_django import Settings

from newsletter.delivery.personalization import local_date
from newsletter.digests import trial_mails
from newsletter.digests.issue_feed import feed
from newsletter.digests.models import Appearance
from newsletter.digests.rendering import render_web
from newsletter.subscribers.models import Newsletter
from tests.digests.mails import edition_for, rendered
from tests.digests.reading import Reading
from tests.factories import NOW, make_article, make_author, make_newsletter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gazette")]

WORDS = {  # leaving, reading in the browser, an advertisement
    "ar": ("إلغاء الاشتراك", "القراءة في المتصفح", "إعلان"),
    "de": ("Abmelden", "Im Browser lesen", "Anzeige"),
    "es": ("Darse de baja", "Leer en el navegador", "Publicidad"),
    "fr": ("Se désinscrire", "Lire dans votre navigateur", "Publicité"),
    "he": ("ביטול המינוי", "לקריאה בדפדפן", "פרסומת"),
}
ENGLISH = ("Unsubscribe", "Read this in your browser", "Advertisement", "You get this because")


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("kind", [Newsletter.Kind.DIGEST, Newsletter.Kind.ANNOUNCEMENTS])
def test_mail_speaks_the_newsletters_language_whatever_the_worker_did_before(language: str, kind: str) -> None:
    newsletter = make_newsletter(language=language, kind=kind)
    articles = [make_article(), make_article(is_sponsored=True)]
    edition = edition_for(newsletter, articles, body="<p>…</p>")

    with translation.override("en"):
        mail = rendered(edition)
        after = translation.get_language()

    root = Reading(mail.html).one("html")
    direction = "rtl" if language in {"ar", "he"} else "ltr"
    assert (root.attributes["lang"], root.attributes["dir"]) == (language, direction)
    assert [word for word in WORDS[language] if word not in mail.html or word not in mail.text] == []
    assert [word for word in ENGLISH if word in mail.html + mail.text] == []
    assert after == "en"


def test_two_newsletters_with_the_same_article_each_speak_their_own() -> None:
    article = make_article(authors=[make_author(name="Ada"), make_author(name="Noor")])
    newsletters = [make_newsletter(language=each) for each in ("de", "ar", "de")]
    for newsletter in newsletters:
        Appearance.objects.create(newsletter=newsletter, shows_authors=True)

    mails = [rendered(edition_for(newsletter, [article])) for newsletter in newsletters]

    assert ["Von Ada und Noor" in mail.html for mail in mails] == [True, False, True]
    assert ["بقلم Ada و Noor" in mail.html for mail in mails] == [False, True, False]


def test_reader_of_an_arabic_newsletter_is_told_the_day_in_arabic() -> None:
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    told = {each: local_date(moment, make_newsletter(language=each)) for each in ("ar", "de", "fr", "he")}

    assert told == {
        "ar": "22 نوفمبر 2026", "de": "22. November 2026", "fr": "22 novembre 2026", "he": "22 בנובמבר 2026",
    }  # fmt: skip


def test_web_version_and_feed_are_in_the_newsletters_language(settings: Settings) -> None:
    newsletter = make_newsletter(language="ar", name="أخبار")
    edition = edition_for(newsletter, [make_article(is_sponsored=True), make_article()], launched_at=NOW)

    with translation.override("fr"):
        web = render_web(issue=edition.issue, now=NOW)
        document = feed("rss", newsletter, path="/x/", now=NOW)

    assert "إعلان" in web.html
    assert f"العدد {edition.issue.number}" in web.html
    assert "<language>ar</language>" in document.content.decode()


def test_byline_of_a_story_in_another_language_is_in_the_mails() -> None:
    newsletter = make_newsletter(language="ar")
    Appearance.objects.create(newsletter=newsletter, shows_authors=True)
    article = make_article(authors=[make_author(name="Ada Merrin")], language="en")

    page = Reading(rendered(edition_for(newsletter, [article])).html)

    (byline,) = [each for each in page.all("span") if "Ada Merrin" in each.text]
    assert (byline.attributes["lang"], byline.attributes["dir"]) == ("ar", "auto")


def test_preview_says_the_day_in_the_mails_language() -> None:
    mail = rendered(edition_for(make_newsletter(language="ar"), [make_article()]))

    for shown in (trial_mails.html_for(mail, now=NOW), trial_mails.text_for(mail, now=NOW)):
        assert "نوفمبر" in shown
        assert "November" not in shown
