"""The editor's ten minutes at the issue desk, through the whole product: by keys, by hand, on a phone, by buttons."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.journeys import letters
from tests.journeys.test_editor import sign_in
from tests.product import Product, eventually

MAKE = """
from datetime import timedelta
from django.utils import timezone
from articles.models import Article
from newsletter.delivery.models import Send
from newsletter.digests import drafting
from newsletter.digests.models import IssueItem
from newsletter.subscribers.models import Newsletter
now = timezone.now()
Send.objects.all().delete()  # another test's readers have had these stories, and the desk would take them out
digest = Newsletter.objects.get(kind="digest")
issue = drafting.new_issue(digest, send_at=now + timedelta(hours=1), cadence="daily")
issue.max_articles = 3
issue.save()
for n, article in enumerate(Article.objects.published(now).filter(is_mailable=True).order_by("pk")[:6], start=1):
    IssueItem.objects.create(issue=issue, article=article, position=n)
issue.is_arranged = True
issue.save()
print("issue", issue.pk)
"""
HEADLINES = '[data-list="{}"] .desk-story__headline'


@pytest.fixture
def desk(site: Product, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the desk of a new issue of six stories, three of which fit."""
    pk = site.run(MAKE).split("issue ")[1].strip()

    def open_desk(*, at: str = pk, **options: object) -> Page:
        page = open_page(f"/admin/issue-desk/{at}/", **options)
        if page.locator("#id_password").count():
            sign_in(page, *site.editor)
        page.wait_for_selector(
            "#issue-desk" if options.get("java_script_enabled") is False else ".has-script #issue-desk"
        )
        return page  # its keys are heard by now

    return open_desk


def headlines(page: Page, place: str = "stories") -> list[str]:
    return [text.strip() for text in page.locator(HEADLINES.format(place)).all_inner_texts()]


def begins_with(page: Page, *titles: str) -> None:
    """The stories begin with these, once the page has come."""
    for place, title in enumerate(titles):
        expect(page.locator(HEADLINES.format("stories")).nth(place)).to_have_text(title)


def said(page: Page, text: str) -> None:
    expect(page.locator("#desk-said")).to_contain_text(text)


def test_morning_by_keys_alone(desk: Callable[..., Page], site: Product) -> None:
    page = desk()
    one, two, three = headlines(page)

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Shift+K")
    said(page, "is moved")
    begins_with(page, two, one)
    expect(page.locator("[data-story]:focus .desk-story__headline")).to_have_text(two)

    page.keyboard.press("d")
    said(page, "is dropped")
    assert two not in headlines(page)
    page.keyboard.press("Control+z")
    said(page, "Taken back")
    assert headlines(page) == [two, one, three]

    page.keyboard.press("j")
    page.keyboard.press("e")
    page.keyboard.press("Control+a")
    page.keyboard.type("Sharper than before")
    page.keyboard.press("Enter")
    said(page, "The article stays as it is")
    page.locator("#intro").fill("Good morning from the quay.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".desk-status__state")).to_have_text("approved")

    frame = page.frame_locator("#desk-frame")
    expect(frame.get_by_text("Good morning from the quay.")).to_be_visible()
    expect(frame.get_by_role("link", name="Sharper than before")).to_be_visible()
    page.get_by_role("button", name="Undo the approval").click()
    expect(page.locator(".desk-status__state")).to_have_text("draft")


def test_preview_is_a_stranger_to_the_desk_and_shows_the_story_that_is_worked_on(desk: Callable[..., Page]) -> None:
    page = desk()
    assert page.locator("#desk-frame").get_attribute("sandbox") == "allow-popups allow-popups-to-escape-sandbox"
    page.wait_for_function("document.getElementById('desk-frame').contentDocument === null")

    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    with page.expect_event("framenavigated", lambda frame: "#story-" in frame.url):
        page.keyboard.press("Shift+K")
        said(page, "is moved")

    story = page.locator("[data-story]:focus").get_attribute("data-story")
    frame = page.frames[1]
    frame.wait_for_load_state()
    assert frame.url.endswith(f"#story-{story}")
    assert frame.evaluate("origin") == "null"
    top = frame.evaluate(f"document.getElementById('story-{story}').getBoundingClientRect().top")
    assert -1 <= top < frame.evaluate("innerHeight") - 100


# Scrolled to its end: a wheel's turn takes a while to arrive and another while to be over.
STANDS_STILL = """async box => {
    const pause = () => new Promise(done => setTimeout(done, 200));
    for (let top = NaN; top !== box.getBoundingClientRect().top; await pause()) top = box.getBoundingClientRect().top;
}"""


def test_headline_is_dragged_among_the_stories(desk: Callable[..., Page]) -> None:
    page = desk(width=1500)
    dragged = headlines(page, "headlines")[0]
    target = page.locator('[data-list="stories"] [data-story]').nth(2)
    target.scroll_into_view_if_needed()
    page.mouse.wheel(0, 200)
    target.evaluate(STANDS_STILL)

    grip = page.locator('[data-list="headlines"] .desk-story__grip').first.bounding_box()
    assert grip
    page.mouse.move(grip["x"] + 5, grip["y"] + 5)
    page.mouse.down()
    box = target.bounding_box()
    assert box
    page.mouse.move(box["x"] + 50, box["y"] + 40, steps=5)
    page.mouse.move(box["x"] + 50, box["y"] + 5, steps=3)
    page.mouse.up()

    said(page, "is moved")
    assert eventually(lambda: headlines(page)[2] == dragged)


SECTIONS = """
from newsletter.digests.models import Appearance, Issue
issue = Issue.objects.latest("pk")
look = Appearance.of(issue.newsletter)
look.groups_by_topic = True
look.save()
Issue.objects.filter(pk=issue.pk).update(max_articles=6)
"""


def test_stories_go_from_section_to_section_by_keys_and_by_hand(desk: Callable[..., Page], site: Product) -> None:
    site.run(SECTIONS)
    try:
        page = desk(width=1500)
        lists = page.locator("[data-list=stories][data-section]:not([data-section=''])")
        first, second = (lists.nth(n).get_attribute("data-section") for n in (0, 1))
        moved = lists.nth(0).locator("[data-story]").last
        headline = moved.locator(".desk-story__headline").inner_text()

        assert Axe().run(page, context="#issue-desk").violations_count == 0
        moved.focus()
        page.keyboard.press("Shift+J")
        said(page, f"is moved to {second}. {second}, place 1 of")
        expect(page.locator(f'[data-section="{second}"] .desk-story__headline').first).to_have_text(headline)
        expect(page.locator("[data-story]:focus .desk-story__headline")).to_contain_text(headline)

        grip = page.locator("[data-story]:focus .desk-story__grip").bounding_box()
        target = page.locator('[data-list="stories"]').first.locator("[data-story]").first.bounding_box()
        assert grip
        assert target
        page.mouse.move(grip["x"] + 5, grip["y"] + 5)
        page.mouse.down()
        page.mouse.move(target["x"] + 50, target["y"] + 40, steps=5)
        page.mouse.move(target["x"] + 50, target["y"] + 5, steps=3)
        page.mouse.up()
        said(page, "place 1 of 1")
        begins_with(page, headline)
        assert first
    finally:
        site.run(SECTIONS.replace("= True", "= False"))


def test_phone_has_one_part_at_a_time_and_everything_fits(desk: Callable[..., Page]) -> None:
    page = desk(width=390)
    expect(page.locator("#part-waiting")).to_be_hidden()

    page.locator('.issue-desk__tabs [data-part="preview"]').click()

    expect(page.locator("#part-issue")).to_be_hidden()
    expect(page.frame_locator("#desk-frame").locator("h2, h1").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", [390, 1500])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anybody_from_the_desk(desk: Callable[..., Page], width: int, scheme: str) -> None:
    page = desk(width=width, color_scheme=scheme)
    expect(page.locator(".desk-story__grip").first).to_be_attached()

    found = Axe().run(page, options={"resultTypes": ["violations"]}, context="#issue-desk")

    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []


def test_every_button_works_without_javascript(desk: Callable[..., Page]) -> None:
    signed_in = desk()
    address = signed_in.url.rstrip("/").rpartition("/")[2]
    session = signed_in.context.storage_state()
    page = desk(at=address, width=390, java_script_enabled=False, storage_state=session)
    one, two, _three = headlines(page)

    page.locator('[data-list="stories"] [data-story]').nth(1).get_by_role("button", name="Up").click()
    begins_with(page, two, one)
    page.locator('[data-list="stories"] [data-story]').first.get_by_role("button", name="Drop").click()
    begins_with(page, one)
    page.get_by_role("button", name="Undo", exact=True).click()
    begins_with(page, two, one)
    page.locator("#subject").fill("A subject by hand")
    with page.expect_navigation():
        page.locator("#desk-words-form").get_by_role("button", name="Keep").click()
    page.get_by_role("button", name="Approve").click()

    expect(page.locator(".desk-status__state")).to_have_text("approved")
    expect(page.locator("#subject")).to_have_value("A subject by hand")


def test_two_editors_see_each_other_and_overwrite_nothing(desk: Callable[..., Page], site: Product) -> None:
    ada = desk()
    address = ada.url.rstrip("/").rpartition("/")[2]
    ben = desk(at=address)
    ben.locator("#intro").focus()

    ada.locator("#subject").fill("What Ada wrote for today")
    expect(ada.locator("#desk-kept")).to_contain_text("Kept at")
    ben.evaluate("document.getElementById('subject').value = 'What Ben wrote for today'")
    ben.locator("#subject").press("End")
    ben.locator("#subject").press_sequentially("!")

    expect(ben.locator("#desk-trouble")).to_contain_text("What Ada wrote for today")
    expect(ben.locator("#subject")).to_have_value("What Ben wrote for today!")
    ben.get_by_role("button", name="Keep mine").click()
    expect(ada.locator("#subject")).to_have_value("What Ben wrote for today!")  # it appears by itself


def test_placeholder_is_told_at_once_and_blocks(desk: Callable[..., Page]) -> None:
    page = desk()

    page.locator("#intro").fill("Good morning, TK.")
    expect(page.locator("#intro-meter")).to_contain_text("placeholder: TK")
    expect(page.locator(".desk-preflight__line--error")).to_contain_text("TK")
    page.get_by_role("button", name="Approve").click()

    expect(page.locator("#desk-trouble")).to_contain_text("It cannot be approved")
    expect(page.locator(".desk-status__state")).to_have_text("draft")


def test_test_mail_says_that_it_is_one(desk: Callable[..., Page], site: Product) -> None:
    page = desk()

    page.locator("#test-to").fill("desk-list@example.org")
    page.get_by_role("button", name="Send the test").click()
    said(page, "on its way")

    letter = letters.source(site, letters.letter_in_mailbox(site, "desk-list@example.org"))
    assert str(letter["Subject"]).startswith("[Test] ")


ANNOUNCE = """
from datetime import timedelta
from django.utils import timezone
from newsletter.digests import drafting
from newsletter.subscribers.models import Newsletter
issue = drafting.new_issue(Newsletter.objects.get(kind="announcements"), send_at=timezone.now() + timedelta(hours=2))
issue.subject, issue.body = "Our open day", "<p>Come and see us.</p>"
issue.save()
print("announcement", issue.pk)
"""


def red_square() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (640, 400), "#b03020").save(written, "PNG")
    return written.getvalue()


def test_announcement_is_written_in_the_editor_with_a_picture_and_a_button(
    desk: Callable[..., Page], site: Product
) -> None:
    page = desk(at=site.run(ANNOUNCE).split("announcement ")[1].strip(), width=1280)
    text = page.locator(".editor__text")

    text.click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+b")
    page.keyboard.type("Saturday at ten.")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Picture").click()
    page.locator("#picture-file").set_input_files({"name": "day.png", "mimeType": "image/png", "buffer": red_square()})
    page.get_by_role("button", name="Put it in").click()
    expect(page.locator("#picture-error")).to_contain_text("Describe the picture")
    page.locator("#picture-alt").fill("A red square")
    page.get_by_role("button", name="Put it in").click()
    expect(page.locator(".editor__text img")).to_be_visible()
    page.keyboard.press("Control+End")
    page.get_by_role("button", name="Button", exact=True).click()
    page.locator("#link-href").fill("https://tickets.example/")
    page.get_by_role("button", name="Set the link").click()

    expect(page.locator("#desk-kept")).to_contain_text("Kept at")
    frame = page.frame_locator("#desk-frame")
    expect(frame.locator("strong", has_text="Saturday at ten.")).to_be_visible()
    expect(frame.get_by_role("img", name="A red square")).to_be_visible()
    expect(frame.locator(".action").get_by_role("link", name="Read more")).to_be_visible()
    assert Axe().run(page, context="#issue-desk").violations_count == 0
