"""The desk's pages for offers: what may be booked, the calendar, the preview, and who may do it."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from newsletter.digests import offer_outlook, slots
from newsletter.digests.models import Offer
from tests.factories import NOW, make_editor, make_newsletter, make_offer, make_schedule

pytestmark = pytest.mark.django_db

FIRST = NOW.date().replace(day=1)


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_editor())
    return client


@pytest.fixture
def advertising(client: Client) -> Client:
    seller = User.objects.create_user("seller", is_staff=True)
    seller.groups.add(Group.objects.get(name="Advertising"))
    client.force_login(seller)
    return client


def filled_in(**fields: object) -> dict[str, object]:
    today = NOW.date().isoformat()
    values = {"advertiser": "Quay Coffee", "title": "Two cups for one", "url": "https://coffee.example.com/"}
    places = {"place": "lead", "after_stories": 3, "weight": 1, "starts_on": today, "ends_on": today}
    return {**values, **places, **fields}


def picture() -> SimpleUploadedFile:
    """Larger than a mail shows it, and it says who took it."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x013B] = "Somebody's name"
    Image.new("RGB", (1600, 900), "navy").save(file, "JPEG", exif=exif)
    return SimpleUploadedFile("IMG 0042.jpg", file.getvalue(), "image/jpeg")


def test_advertising_books_an_offer_and_its_picture_is_encoded_anew(
    advertising: Client, settings: Settings, tmp_path: object
) -> None:
    settings.MEDIA_ROOT = tmp_path
    newsletter = make_newsletter()

    page = advertising.post(
        "/admin/digests/offer/add/",
        filled_in(newsletters=[newsletter.pk], picture=picture(), picture_alt="Two cups"),
    )

    assert page.status_code == 302
    offer = Offer.objects.get()
    with offer.picture.open() as file, Image.open(file) as kept:
        assert (kept.width, kept.format, dict(kept.getexif())) == (1200, "JPEG", {})
    assert [path.name for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == [
        str(offer.picture.name).rpartition("/")[2]
    ]
    assert advertising.get("/admin/digests/issue/").status_code == 200
    assert advertising.post("/admin/digests/schedule/add/").status_code == 403


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"ends_on": (NOW.date() - timedelta(days=1)).isoformat()}, "before the first"),
        ({"url": "ftp://coffee.example.com/"}, "begins with https://"),
        ({"weight": 0}, "greater than or equal to 1"),
        ({"ceiling": 0}, "greater than or equal to 1"),
        ({"picture": SimpleUploadedFile("x.svg", b"<svg onload='x()'/>", "image/svg+xml")}, "picture"),
        ({"picture": picture()}, "Describe the picture"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(desk: Client, fields: dict[str, object], told: str) -> None:
    page = desk.post("/admin/digests/offer/add/", filled_in(**fields))

    assert page.status_code == 200
    assert told in page.content.decode()
    assert not Offer.objects.exists()


def test_calendar_shows_what_is_booked_free_and_shared(desk: Client) -> None:
    newsletter = make_newsletter(name="Latest news")
    make_schedule(newsletter=newsletter, weekdays=[0, 1, 2, 3, 4])
    for weight, advertiser in ((3, "Quay Coffee"), (1, "Harbor Tours")):
        offer = make_offer(advertiser=advertiser, weight=weight, place="lead")
        offer.newsletters.add(newsletter)

    [month] = slots.months(FIRST)
    page = desk.get("/admin/digests/offer/calendar/", {"month": f"{FIRST:%Y-%m}"}).content.decode()

    by_day = {each.day: each for each in month.days}
    today, before, sunday = (by_day[NOW.date() + timedelta(days=n)] for n in (0, -3, 6))
    assert [(booking.offer.advertiser, booking.share) for booking in today.bookings] == [
        ("Quay Coffee", 75), ("Harbor Tours", 25),
    ]  # fmt: skip
    assert (today.has_conflict, len(today.free)) == (True, 2)
    assert (before.bookings, len(before.free)) == ((), 3)
    assert (sunday.has_mail, len(sunday.bookings)) == (False, 2)
    assert "takes turns, 75\u00a0%" in page


def test_what_is_free_leads_to_booking_it_and_what_is_past_does_not(desk: Client) -> None:
    newsletter, today = make_newsletter(name="Latest news"), timezone.localdate()
    soon, past = today + timedelta(days=40), today - timedelta(days=40)

    pages = [
        desk.get("/admin/digests/offer/calendar/", {"month": f"{day:%Y-%m}"}).content.decode() for day in (soon, past)
    ]

    booking = f"?newsletters={newsletter.pk}&amp;starts_on={soon:%Y-%m-%d}&amp;ends_on={soon:%Y-%m-%d}&amp;place=lead"
    assert booking in pages[0]
    assert "starts_on=" not in pages[1]
    form = desk.get(f"/admin/digests/offer/add/{booking.replace('&amp;', '&')}").content.decode()
    assert f'value="{soon:%Y-%m-%d}"' in form


@pytest.mark.parametrize("month", ["", "2026-13", "x", "9999-12", "0001-01", "2024-02"])
def test_calendar_opens_for_any_month(desk: Client, month: str) -> None:
    make_newsletter()

    assert desk.get("/admin/digests/offer/calendar/", {"month": month}).status_code == 200


def test_page_of_an_offer_shows_it_as_mails_do_and_says_why_it_is_in(desk: Client) -> None:
    newsletter = make_newsletter(name="Latest news", language="de")
    offer = make_offer(starts_on=NOW.date() - timedelta(days=1), ends_on=NOW.date() + timedelta(days=9999))
    offer.newsletters.add(newsletter)

    page = desk.get(f"/admin/digests/offer/{offer.pk}/change/").content.decode()
    frame = desk.get(f"/admin/digests/offer/{offer.pk}/preview/")

    assert "nobody can ask for offers" in page
    assert "Quay Coffee" in frame.content.decode()
    assert frame["X-Frame-Options"] == "SAMEORIGIN"


def test_standing_names_the_one_whose_turn_it_is() -> None:
    make_newsletter(kind="offers")
    newsletter = make_newsletter()
    first, second = make_offer(weight=2), make_offer(advertiser="Harbor Tours")
    for offer in (first, second):
        offer.newsletters.add(newsletter)
    stopped = make_offer(is_stopped=True)
    stopped.newsletters.add(newsletter)

    def standing(offer: Offer) -> str:
        [(_name, text)] = offer_outlook.standings(offer, now=NOW)
        return text

    assert "in the next issue" in standing(first)
    assert "turn of “Quay Coffee" in standing(second)
    assert "stopped" in standing(stopped)
