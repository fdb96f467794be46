"""Pictures inside texts: which ones an article has, and how its text is shown with our copies of them.

The text itself keeps the addresses that it came with, so that a feed's change and an editor's change can be told apart
and nothing is lost if a copy is not there yet. On the way out each picture is replaced by our copy, with its size and
smaller ones for small screens; one that is not here is left out, because a page, a preview and a feed of ours ask no
third party for anything (nobody is to learn who reads what, nor which editor looks at what).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from html import escape

from django.conf import settings

from articles import pictures
from articles.models import Article, BodyPicture
from articles.sanitizing import clean_html, images_of, with_images

MAX_PER_ARTICLE = 40
SIZES = "(min-width: 48rem) 42rem, 100vw"


def note(article: Article, *, now: datetime) -> int:
    """Remember which pictures the article's text names elsewhere, to be fetched. Returns how many are new."""
    if "<img " not in article.body:
        return 0
    sources = dict.fromkeys(image["src"] for image in images_of(clean_html(article.body)) if is_elsewhere(image["src"]))
    wanted = {_digest(url): url for url in list(sources)[:MAX_PER_ARTICLE]}
    known = set(BodyPicture.objects.filter(article=article, url_digest__in=wanted).values_list("url_digest", flat=True))
    rows = [
        BodyPicture(article=article, url=url, url_digest=digest, next_try_at=now)
        for digest, url in wanted.items()
        if digest not in known
    ]
    BodyPicture.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def is_elsewhere(url: str) -> bool:
    return not url.startswith(f"{settings.SITE_URL}/")


def html_for_page(article: Article) -> str:
    """The article's text as safe HTML for our own pages: pictures are ours, sized, and loaded when they are near."""
    return _shown(article, _for_page)


def html_for_others(article: Article) -> str:
    """The same for feeds and programs: every address absolute, no ``srcset``, which readers of feeds mistake."""
    return _shown(article, lambda image, local: _plain_image(image, f"{settings.SITE_URL}{local}"))


def _shown(article: Article, write: Callable[[Mapping[str, str], str], str]) -> str:
    cleaned = clean_html(article.body, base_url=f"{settings.SITE_URL}/")
    if "<img " not in cleaned:
        return cleaned
    copies = {row.url: row.picture.url for row in article.body_pictures.all() if row.picture} if article.pk else {}

    def replaced(image: Mapping[str, str]) -> str:
        source = image["src"]
        local = copies.get(source, "") if is_elsewhere(source) else source.removeprefix(settings.SITE_URL)
        return write(image, local) if local.startswith(settings.MEDIA_URL) else ""

    return with_images(cleaned, replaced)


def _for_page(image: Mapping[str, str], local: str) -> str:
    copies = pictures.copies_of(local)
    attributes = {"src": local, **_described(image)}
    if copies:
        attributes |= {"width": str(copies.width), "height": str(copies.height)}
        if copies.srcset:
            attributes |= {"srcset": copies.srcset, "sizes": SIZES}
    return _written({**attributes, "loading": "lazy", "decoding": "async"})


def _plain_image(image: Mapping[str, str], address: str) -> str:
    copies = pictures.copies_of(address)
    size = {"width": str(copies.width), "height": str(copies.height)} if copies else {}
    return _written({"src": address, **_described(image), **size})


def _described(image: Mapping[str, str]) -> dict[str, str]:
    kept = {name: image[name] for name in ("title", "width", "height") if name in image}
    return {"alt": image.get("alt", ""), **kept}


def _written(attributes: Mapping[str, str]) -> str:
    return "<img " + " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items()) + ">"


def _digest(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()
