"""What cleaning an article costs, beside taking it as it is and beside lxml's cleaner, in one run.

``make bench-sanitizing``. Texts of three sizes, each cleaned as on the way in (with a base address) and on the way out;
milliseconds of processor time for one, the median of several rounds.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable
from functools import partial
from time import process_time

from lxml_html_clean import Cleaner

from articles.boilerplate import tidy
from articles.sanitizing import clean_html, plain_text
from articles.standard_boilerplate import STANDARD_BOOK

PARAGRAPH = (
    '<p class="x" onclick="y()">The ferry between the <b>two quays</b> is running again, the <a href="/harbor?a=1&b=2">'
    "harbor</a> said; the <i>tide tables</i> were changed and printed anew for the third time this year.</p>"
)
FIGURE = (
    '<figure><img src="/p.jpg" alt="A quay" width="600" height="400" onerror="z()"><figcaption>C</figcaption></figure>'
)
TEXTS = {
    "1 KB": PARAGRAPH * 4,
    "8 KB": (PARAGRAPH * 9 + FIGURE) * 3 + "<p>- Advertisement -</p>",
    "100 KB": (PARAGRAPH * 9 + FIGURE) * 38 + "<p>- Advertisement -</p>",
}
BASE = "https://news.example/1"
ROUNDS, SECONDS = 7, 0.15


def milliseconds(work: Callable[[], object]) -> float:
    """Of one call: the median of ROUNDS, each as many calls as SECONDS hold."""
    work()
    rounds = []
    for _round in range(ROUNDS):
        count, started = 0, process_time()
        while process_time() - started < SECONDS:
            work()
            count += 1
        rounds.append((process_time() - started) * 1000 / count)
    return statistics.median(rounds)


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    cleaner = Cleaner(safe_attrs_only=True, add_nofollow=True)
    tell("| text | as it is (a copy) | lxml's cleaner | clean_html, in | clean_html, out | plain_text | tidy |")
    tell("|---|---|---|---|---|---|---|")
    for name, text in TEXTS.items():
        clean = clean_html(text, BASE)
        works: list[Callable[[], object]] = [
            partial(str.strip, text + " "),
            partial(cleaner.clean_html, f"<div>{text}</div>"),
            partial(clean_html, text, BASE),
            partial(clean_html, clean, BASE),
            partial(plain_text, text),
            partial(tidy, clean, STANDARD_BOOK),
        ]
        tell(f"| {name} | " + " | ".join(f"{milliseconds(work):.3f} ms" for work in works) + " |")


if __name__ == "__main__":
    main()
