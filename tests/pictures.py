"""Makes the pictures of docs/pictures from the demo site: ``make pictures``. Needs Chromium.

Times, and what the day brings, differ from run to run; what is shown and its order do not.
"""

from __future__ import annotations

import io
import sys
import tempfile
from html import escape
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests import workspace

workspace.prepare()

from tests import product  # noqa: E402 (it reads the environment that was prepared)
from tests.architecture.sources import ROOT  # noqa: E402
from tests.journeys.conftest import ARGUMENTS, chromium  # noqa: E402
from tests.journeys.test_editor import sign_in  # noqa: E402
from tests.product import Product  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
MOST_BYTES = 200_000
GAP, GRAY = 8, "#888888"
SETTLED = 2_000  # milliseconds until pictures, previews and counters stand
BUSY = """
from newsletter.subscribers.models import Newsletter, Subscriber
from tests import stage
places = stage.busy()
stage.subscribe(Newsletter.objects.get(kind="digest"), list(Subscriber.objects.all()))
print("places", *places, *stage.public())
"""
MAILS = """
from pathlib import Path
from tests import picture_mails
picture_mails.write(Path({folder!r}))
"""
SCREENS = (
    ("front", "front page", "light", 1280, 1000),
    ("article", "article", "light", 390, 844),
    ("preferences", "preferences", "light", 390, 844),
    ("desk", "today", "light", 1400, 1000),
    ("today-phone", "today", "dark", 390, 844),
    ("campaign", "campaign", "light", 1110, 720),
    ("campaign-phone", "campaign", "dark", 390, 844),
    ("issue-desk", "issue desk", "light", 1400, 900),
    ("issue-desk-phone", "issue desk", "light", 390, 844),
)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        product.running("pictures", on_given_redis=False) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        _screens(site, browser)
        site.run(MAILS.format(folder=folder))
        _mails(site, browser, Path(folder))
        browser.close()


def _screens(site: Product, browser: Browser) -> None:
    _finished, campaign, desk, _held, article, preferences = site.run(BUSY).split("places ")[1].split()
    public = {"front page": "/", "article": article, "preferences": preferences}
    paths = {"today": "/admin/", "campaign": campaign, "issue desk": desk, **public}
    for name, screen, scheme, width, height in SCREENS:
        is_dark = scheme == "dark"
        page = browser.new_page(
            base_url=site.url, viewport={"width": width, "height": height}, color_scheme="dark" if is_dark else "light"
        )
        if screen not in public:
            page.goto("/admin/")
            sign_in(page, *site.editor)
            page.wait_for_selector("#id_password", state="detached")
        page.goto(paths[screen])
        page.wait_for_timeout(SETTLED)
        _keep(name, _shot(page))
        page.close()


def _mails(site: Product, browser: Browser, folder: Path) -> None:
    page = browser.new_page()
    small, large = ("classic", "magazine", "headlines", "classic-dark", "arabic"), ("classic", "magazine-dark")
    _keep("mail-phone", _beside([_mail(page, site, folder / f"{kind}.html", 320, 780) for kind in small]))
    _keep("mail-desktop", _beside([_mail(page, site, folder / f"{kind}.html", 640, 820) for kind in large]))
    _keep("digest", _mail(page, site, folder / "classic.html", 640, 1240))
    text = escape((folder / "classic.txt").read_text().replace(site.url, "https://gazette.example"))
    (folder / "text.html").write_text(f"<meta charset=utf-8><body style='margin: 24px'><pre>{text}</pre>")
    _keep("mail-text", _mail(page, site, folder / "text.html", 800, 1000))
    page.close()


def _mail(page: Page, site: Product, path: Path, width: int, height: int) -> Image.Image:
    page.set_viewport_size({"width": width, "height": height})
    page.set_content(path.read_text().replace('="/media/', f'="{site.url}/media/'))
    page.wait_for_timeout(SETTLED)
    return _shot(page)


def _shot(page: Page) -> Image.Image:
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def _beside(images: list[Image.Image]) -> Image.Image:
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    sheet, left = Image.new("RGB", (width, images[0].height), GRAY), 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width + GAP
    return sheet


def _keep(name: str, image: Image.Image) -> None:
    """As PNG of 256 colors, or of fewer if it would weigh more than MOST_BYTES."""
    drawn = (_as_png(image, colors) for colors in (256, 128, 64, 32))
    written = next((each for each in drawn if len(each) <= MOST_BYTES), None)
    assert written, f"{name} is too large"
    (FOLDER / f"{name}.png").write_bytes(written)
    sys.stdout.write(f"{name}.png {image.width} x {image.height}, {len(written) // 1000} kB\n")


def _as_png(image: Image.Image, colors: int) -> bytes:
    written = io.BytesIO()
    image.quantize(colors, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
