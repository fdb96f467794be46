"""Readers are spoken to in their own language, or in that of what they read: in mails, and on their pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from newsletter.subscribers import personal_mail
from newsletter.subscribers.models import Subscription
from newsletter.subscribers.signup import send_confirmation
from newsletter.subscribers.welcoming import owe_welcome, send_welcome, welcomes_of
from tests.digests.reading import Reading
from tests.factories import (
    NOW,
    make_article,
    make_newsletter,
    make_sign_up,
    make_subscriber,
    make_subscription,
)
from tests.servers.smtp import Received, SmtpServer
from tests.subscribers.forms import post_form

pytestmark = pytest.mark.django_db


def parts(message: Received) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    text, html = (message.parsed.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert html
    return str(message.parsed["Subject"]), text.get_content(), html.get_content()


def asked(*, own: str = "", newsletter: str = "ar") -> Subscription:
    subscriber = make_subscriber(email="reader@example.org", language=own)
    wanted = make_newsletter(language=newsletter, name="Latest news")
    return make_subscription(subscriber=subscriber, newsletter=wanted, status="pending", confirmed_at=None)


@pytest.mark.parametrize(
    ("own", "newsletter", "spoken", "direction", "subject"),
    [
        ("", "ar", "ar", "rtl", "يُرجى تأكيد اشتراككم"),
        ("", "he", "he", "rtl", "נא לאשר את המינוי שלכם"),
        ("de", "ar", "de", "ltr", "Bitte bestätigen Sie Ihr Abo"),
        ("de-at", "ar", "de-at", "ltr", "Bitte bestätigen Sie Ihr Abo"),
        ("fi", "fr", "fr", "ltr", "Veuillez confirmer votre inscription"),  # we do not speak Finnish
        ("", "es", "es", "ltr", "Confirma tu suscripción"),
        ("", "en", "en", "ltr", "Please confirm your subscription"),
    ],
)
def test_confirmation_is_in_the_readers_language_or_the_newsletters(
    smtp_mailers: SmtpServer, own: str, newsletter: str, spoken: str, direction: str, subject: str
) -> None:
    row = make_sign_up(subscriptions=[asked(own=own, newsletter=newsletter)])

    with translation.override("es"):  # a worker goes on with whatever the task before it left
        send_confirmation(sign_up_id=row.pk, now=NOW)

    told, text, html = parts(smtp_mailers.messages[0])
    assert told.startswith(subject)
    assert f'<html lang="{spoken}" dir="{direction}"' in html
    assert ("Confirm my subscription" in html) == (spoken == "en")
    assert ("The link works for 7 days" in text) == (spoken == "en")


def test_arabic_counts_days_as_it_does(smtp_mailers: SmtpServer, settings: Settings) -> None:
    for days in (1, 2, 7, 14):
        settings.CONFIRMATION_DAYS = days
        row = make_sign_up(
            subscriptions=[make_subscription(newsletter=make_newsletter(language="ar"), status="pending")]
        )
        send_confirmation(sign_up_id=row.pk, now=NOW)

    told = [parts(message)[1] for message in smtp_mailers.messages]
    words = ["ليوم واحد", "ليومين", "7 أيام", "14 يومًا"]
    assert [word in text for word, text in zip(words, told, strict=True)] == [True] * 4


def test_welcome_in_german_says_which_stories_are_in_english(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(sends_welcome=True, welcome_has_best=True, language="en", name="Latest news")
    reader = make_subscriber(language="de")
    make_article(title="The ferry is back", language="en")
    subscription = make_subscription(newsletter=newsletter, subscriber=reader)
    owe_welcome([subscription], now=NOW)

    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    subject, text, html = parts(smtp_mailers.messages[0])
    assert subject == "Willkommen bei Latest news"
    assert "Das Beste der letzten sieben Tage" in text
    assert 'lang="en" dir="ltr"' in html[html.index("Das Beste") :]


def test_story_in_the_other_direction_stands_on_its_own_side(smtp_mailers: SmtpServer) -> None:
    newsletter = make_newsletter(sends_welcome=True, welcome_has_best=True, language="ar")
    make_article(title="The ferry is back", language="en")
    make_article(title="عودة العبّارة", language="ar")
    subscription = make_subscription(newsletter=newsletter)
    owe_welcome([subscription], now=NOW)

    send_welcome(welcome_mail_id=welcomes_of([subscription])[0], now=NOW)

    page = Reading(parts(smtp_mailers.messages[0])[2])
    sides = {cell.text: re.findall(r"text-align:\s*(\w+)", cell.style) for cell in page.all("td", "brief")}
    assert {("left" if "ferry" in text else "right", side[-1]) for text, side in sides.items()} == {
        ("left", "left"), ("right", "right"),
    }  # fmt: skip


def test_link_is_mailed_in_the_language_of_what_the_reader_gets(smtp_mailers: SmtpServer) -> None:
    reader = make_subscriber(email="reader@example.org")
    make_subscription(
        subscriber=reader, newsletter=make_newsletter(language="fr", position=1), status="ended", ended_at=NOW
    )
    make_subscription(subscriber=reader, newsletter=make_newsletter(language="he", position=2))
    row = personal_mail.ask_for_link(email="reader@example.org", now=NOW)

    personal_mail.deliver(mail_id=row.pk, now=NOW)

    subject, _text, html = parts(smtp_mailers.messages[0])
    assert subject.startswith("הקישור שלכם")
    assert '<html lang="he" dir="rtl"' in html


def pages_of(subscription: Subscription) -> list[str]:
    own = f"/preferences/{subscription.subscriber.preferences_token}/"
    return [own, f"{own}address/", f"{own}new-link/", f"{own}erase/", f"/unsubscribe/{subscription.unsubscribe_token}/"]


@pytest.mark.parametrize(
    ("own", "newsletter", "shown"), [("", "ar", "ar"), ("de", "ar", "de"), ("fi", "he", "he"), ("", "fi", "en")]
)
def test_readers_pages_are_in_their_language_or_the_newsletters(own: str, newsletter: str, shown: str) -> None:
    reader = make_subscriber(language=own)
    subscription = make_subscription(subscriber=reader, newsletter=make_newsletter(language=newsletter))

    pages = [Client().get(path) for path in pages_of(subscription)]

    direction = "rtl" if shown in {"ar", "he"} else "ltr"
    assert [page.status_code for page in pages] == [200] * len(pages)
    assert {page.headers["Content-Language"] for page in pages} == {shown}
    assert all(f'<html lang="{shown}" dir="{direction}">' in page.text for page in pages)
    assert ["Skip to the content" in page.text for page in pages] == [shown == "en"] * len(pages)


def test_pause_is_dated_as_the_reader_writes_dates() -> None:
    reader = make_subscriber(language="de")
    make_subscription(subscriber=reader, status="paused", paused_until=NOW.date().replace(year=2031))

    page = Client().get(f"/preferences/{reader.preferences_token}/").text

    assert "Ihre E-Mails pausieren bis 23. November 2031." in page


def test_confirming_page_is_in_the_language_of_its_mail() -> None:
    row = make_sign_up(subscriptions=[asked(newsletter="ar")])

    page = Client().get(f"/confirm/{row.token}/")

    assert '<html lang="ar" dir="rtl">' in page.text
    assert "نعم، أريد الاشتراك" in page.text


def test_form_of_a_newsletter_is_answered_in_its_language_to_the_end() -> None:
    newsletter = make_newsletter(language="ar")

    form = Client().get(newsletter.get_absolute_url())
    refused = post_form(Client(), newsletter, email="nobody")
    taken = post_form(Client(), newsletter)
    landed = Client().get(taken.headers["Location"])
    again = Client().post(taken.headers["Location"], {"again": "1", "email": "reader@example.org"})

    assert [page.headers["Content-Language"] for page in (form, refused, landed)] == ["ar"] * 3
    assert "تفقّدوا بريدكم" in landed.text
    assert "in=ar" in urlsplit(again.headers["Location"]).query


def test_form_for_newsletters_of_two_languages_is_answered_in_the_sites() -> None:
    response = post_form(Client(), make_newsletter(language="ar"), make_newsletter(language="de"))

    assert response.headers["Location"] == "/subscribe/check-inbox/"


@pytest.mark.parametrize("made_up", ["xx", "fi", "../../etc", "\x00"])
def test_language_that_somebody_made_up_changes_nothing(made_up: str) -> None:
    page = Client().get("/subscribe/check-inbox/", {"in": made_up})

    assert '<html lang="en" dir="ltr">' in page.text


def test_framed_form_is_in_the_newsletters_language() -> None:
    newsletter = make_newsletter(language="he")

    page = Client().get(f"/embed/{newsletter.slug}/").text

    assert '<html lang="he" dir="rtl">' in page
    assert "כתובת דוא״ל" in page
