"""Breaking news from a phone, through the whole product."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys import letters
from tests.journeys.test_editor import sign_in
from tests.product import Product

READER = "alerted@example.org"
SUBSCRIBE = f"""
from django.utils import timezone
from newsletter.subscribers.models import Newsletter, Subscriber, Subscription
updates = Newsletter.objects.filter(kind="announcements").first()
reader = Subscriber.objects.create(email="{READER}")
Subscription.objects.create(newsletter=updates, subscriber=reader, status="active", confirmed_at=timezone.now())
"""
HALF_A_MINUTE_LATER = """
from django.utils import timezone
from newsletter.digests.models import Issue
assert Issue.objects.filter(is_alert=True, status="approved").update(send_at=timezone.now()) == 1
"""


def test_alert_can_be_taken_back_without_javascript(site: Product, open_page: Callable[..., Page]) -> None:
    signed_in = open_page("/admin/")  # the sign-in is unfold's, and needs its script
    sign_in(signed_in, *site.editor)
    expect(signed_in.locator("#id_password")).to_have_count(0)
    session = signed_in.context.storage_state()
    page = open_page("/admin/alert/", width=390, java_script_enabled=False, storage_state=session)

    write(page)
    page.get_by_role("button", name="Send the alert").click()
    page.get_by_role("button", name="Take it back").click()

    expect(page.get_by_role("link", name="Write it anew")).to_be_visible()


def test_alert_reaches_the_reader_and_the_page_says_so(site: Product, open_page: Callable[..., Page]) -> None:
    site.run(SUBSCRIBE)
    page = open_page("/admin/alert/", width=390)
    sign_in(page, *site.editor)

    write(page)
    page.get_by_role("button", name="Send the alert").click()
    expect(page.get_by_role("timer")).to_have_text("27")  # it counts down
    site.run(HALF_A_MINUTE_LATER)
    page.reload()
    expect(page.get_by_text("It is out.")).to_be_visible()

    alert = letters.source(site, letters.letter_in_mailbox(site, READER))
    assert alert["Subject"] == "Ferry stopped"
    assert "Wait for the tide." in letters.part(alert, "plain")


def write(page: Page) -> None:
    page.goto("/admin/alert/")
    page.locator(".desk-alert__articles a").last.click()
    page.get_by_label("Headline").fill("Ferry stopped")
    page.get_by_label("One sentence").fill("Wait for the tide.")
