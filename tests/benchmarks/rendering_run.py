"""The rendering benchmark in a process of its own; see rendering.py."""

# ruff: noqa: E402 (Django must be set up before its models can be imported)

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from itertools import combinations, islice

import django

django.setup()

from django.core.management import call_command
from django.utils import timezone

from articles.models import Article
from config.demo import filling
from newsletter.delivery.models import Campaign
from newsletter.delivery.personalization import Letter
from newsletter.delivery.recipients import Recipient
from newsletter.digests import blocks
from newsletter.digests.models import Appearance, EditionItem, Issue
from newsletter.digests.rendering import IssueRenderer
from newsletter.subscribers.models import Newsletter
from tests.factories import make_issue

EDITIONS, READERS, STORIES, HEADLINES = 1_000, 20_000, 10, 4


def main() -> None:
    call_command("migrate", verbosity=0)
    filling.fill(now=timezone.now())
    articles = list(Article.objects.exclude(picture="").order_by("pk")[:16])
    newsletter = Newsletter.objects.filter(kind=Newsletter.Kind.DIGEST).earliest("pk")
    issue = make_issue(newsletter=newsletter, articles=articles, send_at=timezone.now())
    for layout in Appearance.Layout.values:
        measure(layout, issue, [article.pk for article in articles])


def measure(layout: str, issue: Issue, pks: list[int]) -> None:
    """Print what the mails of one layout cost."""
    blocks.forget()
    renders, render = [0], blocks.render

    def counted(template: str, context: Mapping[str, object]) -> str:
        renders[0] += 1
        return render(template, context)

    blocks.render = counted
    renderer = IssueRenderer(issue, appearance=Appearance(newsletter=issue.newsletter, layout=layout))
    editions = list(islice(combinations(pks, STORIES + HEADLINES), EDITIONS))
    renderer.render(items(editions[0]))  # compiles the templates and reads the articles
    blocks.forget()
    renders[0] = 0
    started = time.process_time()
    mail = renderer.render(items(editions[0]))
    first, first_renders = time.process_time() - started, renders[0]
    assert mail
    started = time.process_time()
    for edition in editions:
        renderer.render(items(edition))
    further = (time.process_time() - started) / len(editions)
    now = timezone.now()
    letter = Letter(campaign=Campaign(pk=1, issue=issue, started_at=now), mail=mail)
    started = time.process_time()
    data = b""
    for number in range(READERS):
        row = Recipient(number, 1, number, number, f"reader{number}@example.org", "Ada", "html", 0, now, 0, "")
        data = letter.to(row).data
    reader = (time.process_time() - started) / READERS
    sys.stdout.write(
        f"{layout:10} first edition {first * 1000:.1f} ms ({first_renders} template renders), further ones "
        f"{further * 1000:.2f} ms ({len(editions):,} editions: {renders[0]} renders), a reader's mail "
        f"{reader * 1e6:.0f} µs; HTML {len(mail.html.encode()):,} bytes, message {len(data):,} bytes\n"
    )
    blocks.render = render


def items(pks: tuple[int, ...]) -> list[EditionItem]:
    placement = EditionItem.Placement
    return [
        EditionItem(article_id=pk, position=n, placement=placement.STORY if n < STORIES else placement.HEADLINE)
        for n, pk in enumerate(pks)
    ]


if __name__ == "__main__":
    main()
