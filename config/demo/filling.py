"""Fill an empty site with the demo's content, all of it or nothing."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image, ImageOps

from articles.models import Article, Author, Topic
from articles.sanitizing import clean_html
from config.demo import content, scenes
from newsletter.digests import scheduling
from newsletter.digests.models import Offer, Schedule
from newsletter.subscribers.models import Cadence, ConsentWording, Newsletter

EDITOR = "editor"
THUMBNAIL_SIZE = (352, 235)


class NotEmptyError(Exception):
    """The site has articles or newsletters of its own; the demo would mix with them."""


@dataclass(frozen=True)
class Filled:
    """What was made. ``password`` is None if there was an editor before; it is kept nowhere else."""

    topics: int
    authors: int
    articles: int
    pictures: int
    newsletters: int
    schedules: int
    offers: int
    editor: str
    password: str | None


@dataclass(frozen=True)
class Picture:
    """Two JPEG files: 1200 pixels wide for the page, 352 for lists and mails."""

    large: bytes
    small: bytes


def is_empty() -> bool:
    return not (Article.objects.exists() or Newsletter.objects.exists())


def fill(*, now: datetime, password: str = "") -> Filled:
    """Make topics, authors, articles, newsletters with their schedules, an offer and an editor.

    Without ``password`` the editor gets a random one. Raises NotEmptyError, having changed nothing.
    """
    if not is_empty():
        raise NotEmptyError
    stories = content.stories()
    pictures = _draw({story.scene for story in stories if story.scene} | {content.OFFER_SCENE})
    with transaction.atomic():
        if not is_empty():
            raise NotEmptyError
        topics, authors = _make_topics(), _make_authors()
        for story in reversed(stories):
            _make_article(story, topics, authors, pictures.get(story.scene), now)
        newsletters = _make_newsletters()
        schedules = _make_schedules(newsletters["latest-news"], now)
        _make_offer(newsletters["special-offers"], pictures[content.OFFER_SCENE], now.date())
        given = _make_editor(password)
    return Filled(
        topics=len(topics), authors=len(authors), articles=len(stories),
        pictures=sum(bool(story.scene) for story in stories), newsletters=len(newsletters), schedules=len(schedules),
        offers=1, editor=EDITOR, password=given,
    )  # fmt: skip


def _draw(names: set[str]) -> dict[str, Picture]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(names, pool.map(_picture, names), strict=True))


def _picture(name: str) -> Picture:
    large, small = scenes.drawn(name), BytesIO()
    with Image.open(BytesIO(large)) as image:
        ImageOps.fit(image, THUMBNAIL_SIZE, Image.Resampling.LANCZOS).save(small, "JPEG", quality=82, optimize=True)
    return Picture(large, small.getvalue())


def _make_topics() -> dict[str, Topic]:
    return {
        slug: Topic.objects.create(slug=slug, name=name, description=description, position=position)
        for position, (slug, name, description) in enumerate(content.TOPICS)
    }


def _make_authors() -> dict[str, Author]:
    return {slug: Author.objects.create(slug=slug, name=name) for slug, name in content.AUTHORS}


def _make_article(
    story: content.Story, topics: dict[str, Topic], authors: dict[str, Author], picture: Picture | None, now: datetime
) -> None:
    released_at = now - story.age
    article = Article(
        title=story.title, summary=story.summary, body=clean_html(story.body), language="en",
        picture_alt=story.alt, published_at=released_at, first_seen_at=released_at,
    )  # fmt: skip
    if picture:
        name = story.scene.replace(" ", "-")
        article.picture.save(f"{name}.jpg", ContentFile(picture.large), save=False)
        article.thumbnail.save(f"{name}-small.jpg", ContentFile(picture.small), save=False)
        article.picture_credit = settings.SITE_NAME
    article.save()
    article.topics.set([topics[slug] for slug in story.topics])
    article.authors.set([authors[story.author]])
    article.publish(released_at)


def _make_newsletters() -> dict[str, Newsletter]:
    made = {}
    for position, entry in enumerate(content.NEWSLETTERS):
        values = dict(entry)
        sender = values.pop("sender")
        newsletter = Newsletter.objects.create(
            **values,
            position=position,
            sender_name=settings.SITE_NAME,
            sender_address=f"{sender}@{mail_domain()}",
            postal_address=f"{settings.SITE_NAME}, {content.POSTAL_ADDRESS}",
            language="en",
            time_zone=settings.TIME_ZONE,
        )
        ConsentWording.objects.current(newsletter)
        made[newsletter.slug] = newsletter
    return made


def _make_schedules(newsletter: Newsletter, now: datetime) -> list[Schedule]:
    """Every day at seven, and on Saturdays at eight."""
    zone = newsletter.time_zone
    schedules = [
        Schedule(newsletter=newsletter, cadence=Cadence.DAILY, time=time(7), time_zone=zone, window_days=3),
        Schedule(
            newsletter=newsletter, cadence=Cadence.WEEKLY, time=time(8), time_zone=zone, weekdays=[5], window_days=8
        ),
    ]
    for schedule in schedules:
        schedule.save()
        scheduling.plan(schedule, now=now)
    return schedules


def _make_offer(newsletter: Newsletter, picture: Picture, today: date) -> None:
    offer = Offer(
        **content.OFFER, url=f"{settings.SITE_URL}/topics/harbor/", starts_on=today - timedelta(days=1),
        ends_on=today + timedelta(days=27),
    )  # fmt: skip
    offer.picture.save("evening-crossing.jpg", ContentFile(picture.large), save=False)
    offer.save()
    offer.newsletters.set([newsletter])


def _make_editor(password: str) -> str | None:
    if User.objects.filter(username=EDITOR).exists():
        return None
    password = password or secrets.token_urlsafe(12)
    User.objects.create_superuser(EDITOR, email=f"{EDITOR}@{mail_domain()}", password=password)
    return password


def mail_domain() -> str:
    """The site's host where mail could come from, or example.org on a machine without a name."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host if "." in host else "example.org"
    return "example.org"
