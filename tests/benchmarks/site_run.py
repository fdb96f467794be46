"""One run of ``site``, on the database that it made."""

# ruff: noqa: S608 (only names of our own are put into the SQL)

from __future__ import annotations

import argparse
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import django
import urllib3

django.setup()

from django.core.management import call_command  # noqa: E402 - needs the settings
from django.db import connection  # noqa: E402
from django.db.backends.utils import CursorWrapper  # noqa: E402
from django.db.models import Model  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from articles import search_index  # noqa: E402
from articles.models import Article, Author, Topic  # noqa: E402
from newsletter.subscribers.models import Subscriber  # noqa: E402
from tests.benchmarks.readers_lists_seed import _default as default_of  # noqa: E402
from tests.product import eventually, free_port  # noqa: E402

SECONDS, CONNECTIONS = 10, 32
TOPICS, AUTHORS, PARAGRAPHS, WORDS, VOCABULARY = 12, 200, 500, 60, 20_000
ROW = "{:<14}{:<34}{:>14}{:>10}{:>10}{:>10}\n"


def main() -> None:
    is_postgresql = connection.vendor == "postgresql"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=1_000_000 if is_postgresql else 50_000)
    parser.add_argument("--readers", type=int, default=1_000_000 if is_postgresql else 50_000)
    options = parser.parse_args()
    began = time.monotonic()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    fill(options.articles, options.readers)
    sys.stdout.write(
        f"{options.articles:,} articles, {options.readers:,} readers in {time.monotonic() - began:.0f} s\n\n"
    )
    sys.stdout.write(ROW.format("page", "", "requests/s", "p50", "p99", "errors"))
    article = Article.objects.published(timezone.now())[0].get_absolute_url()
    variants: dict[str, dict[str, str]] = {
        "ours": {},
        "ours, PAGE_CACHE_SECONDS=0": {"PAGE_CACHE_SECONDS": "0"},
        "plain Django": {"DJANGO_SETTINGS_MODULE": "tests.benchmarks.site_plain"},
    }
    for name, environment in variants.items():
        with served(environment) as url:
            for page, path in (("front page", "/"), ("article", article)):
                load(page, name, f"{url}{path}")
    connection.close()
    one_by_one()


def fill(articles: int, readers: int) -> None:
    """Stories of two of PARAGRAPHS made-up paragraphs, whose words are as unequal as in any language."""
    draw, words = random.Random(1), [f"word{number}" for number in range(VOCABULARY)]
    weights = [1 / (number + 1) for number in range(VOCABULARY)]
    paragraphs = [" ".join(draw.choices(words, weights, k=WORDS)) for _ in range(PARAGRAPHS)]
    Topic.objects.bulk_create(Topic(name=f"Topic {n}", slug=f"topic-{n}", position=n) for n in range(TOPICS))
    Author.objects.bulk_create(Author(name=f"Author {n}", slug=f"author-{n}") for n in range(AUTHORS))
    first_topic, first_author = (model.objects.order_by("pk")[0].pk for model in (Topic, Author))
    _drop_search()
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE paragraph (n integer PRIMARY KEY, text text)")
        cursor.executemany("INSERT INTO paragraph VALUES (%s, %s)", list(enumerate(paragraphs)))
        cursor.execute(_articles_sql(), [articles])
        _rows(cursor, "articles_article_topics (article_id, topic_id)", f"{first_topic} + n %% {TOPICS}", articles)
        _rows(cursor, "articles_article_authors (article_id, author_id)", f"{first_author} + n %% {AUTHORS}", articles)
        cursor.execute(_readers_sql(), [readers])
        cursor.execute("ANALYZE")
    search_index.ensure()


def _drop_search() -> None:
    """It is faster to build at the end than to keep at every row."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for event in ("insert", "update", "delete", "truncate"):
                cursor.execute(f"DROP TRIGGER {search_index.TABLE}_{event} ON articles_article")
            cursor.execute(f"DROP TABLE {search_index.TABLE}")
        else:
            for event in ("insert", "update", "delete"):
                cursor.execute(f"DROP TRIGGER {search_index.TABLE}_{event}")


def _series() -> str:
    return "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < %s) "


def _ago() -> str:
    if connection.vendor == "postgresql":
        return "now() - n * interval '5 minutes'"
    return "strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now', '-' || (n * 5) || ' minutes')"


def _articles_sql() -> str:
    values: dict[str, str] = {
        "title": "'Headline number ' || n || ' on the harbor'", "slug": "'story-' || n",
        "summary": "'A summary of what happened, number ' || n", "status": "'published'",
        "body": "'<p>' || first.text || '</p><p>' || second.text || ' unique' || n || '</p>'",
        "released_at": _ago(), "updated_at": _ago(), "first_seen_at": _ago(),
        "is_mailable": "true", "is_sponsored": "false", "score": "0",
    }  # fmt: skip
    columns = {**_defaults(Article, besides=values), **values}
    return (
        f"INSERT INTO articles_article ({', '.join(columns)}) {_series()} SELECT {', '.join(columns.values())} "
        f"FROM series JOIN paragraph first ON first.n = series.n %% {PARAGRAPHS} "
        f"JOIN paragraph second ON second.n = series.n * 7 / 3 %% {PARAGRAPHS - 1}"
    ).replace("|| n", "|| series.n").replace("- n *", "- series.n *").replace("(n * 5)", "(series.n * 5)")  # fmt: skip


def _rows(cursor: CursorWrapper, into: str, value: str, count: int) -> None:
    joined = "FROM series JOIN articles_article a ON a.slug = 'story-' || n"
    cursor.execute(f"INSERT INTO {into} {_series()} SELECT a.id, {value} {joined}", [count])


def _readers_sql() -> str:
    values = {
        "email": "'reader' || n || '@example.org'", "address_key": "'reader' || n || '@example.org'",
        "address_hash": "'hash' || n", "created_at": _ago(),
    }  # fmt: skip
    columns = {**_defaults(Subscriber, besides=values), **values}
    table = Subscriber._meta.db_table
    return f"INSERT INTO {table} ({', '.join(columns)}) {_series()} SELECT {', '.join(columns.values())} FROM series"


def _defaults(model: type[Model], *, besides: Collection[str]) -> dict[str, str]:
    fields = ((str(field.column), default_of(field)) for field in model._meta.concrete_fields)
    return {column: value for column, value in fields if value and column not in besides}


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """granian, as config/launching.py starts it."""
    port = free_port()
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--no-ws", "--blocking-threads", "4",
        "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "config.wsgi:application",
    ]  # fmt: skip
    process = subprocess.Popen(command, env={**os.environ, **environment})
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: _answers(url), seconds=60)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def load(page: str, name: str, address: str) -> None:
    command = ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-H", "Accept-Encoding: gzip", address]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {label: match[1] for label, pattern in (
        ("rate", r"Requests/sec:\s+(\S+)"), ("p50", r"\n\s+50%\s+(\S+)"), ("p99", r"\n\s+99%\s+(\S+)"),
        ("errors", r"Non-2xx or 3xx responses: (\d+)"),
    ) if (match := re.search(pattern, told))}  # fmt: skip
    sys.stdout.write(ROW.format(page, name, found["rate"], found["p50"], found["p99"], found.get("errors", "0")))
    sys.stdout.flush()


def one_by_one() -> None:
    """Pages that nobody rushes to, the slowest of three times."""
    middle = Article.objects.count() // 2
    addresses = [
        "/topics/topic-3/", "/authors/author-3/", f"/?before={middle}", "/archive/", "/feed.xml", "/sitemap.xml",
        "/sitemaps/articles-0.xml", "/news-sitemap.xml", "/search/?q=word0", "/search/?q=word19999",
        f"/search/?q=unique{middle}", "/search/?q=word0+word1+word2", "/search/?q=word150+word9000",
        "/search/?q=headline", "/search/?q=nowhere",
    ]  # fmt: skip
    sys.stdout.write("\n{:<40}{:>8}{:>8}\n".format("one at a time, nothing kept", "ms", "status"))
    client = Client(headers={"host": "localhost"})
    client.cookies["sessionid"] = "none"  # whoever has a session gets no kept page
    for address in addresses:
        answers = []
        for _attempt in range(3):
            began = time.monotonic()
            response = client.get(address)
            answers.append((time.monotonic() - began, response.status_code, b"too many stories" in response.content))
        slowest, status, is_given_up = max(answers)
        note = " given up" if is_given_up else ""
        sys.stdout.write(f"{address:<40}{slowest * 1000:>8.0f}{status:>8}{note}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
