"""Fetch a feed and read it, without touching the database: this part of a poll may run in any thread."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from articles.feeds import fetching
from articles.feeds.fetching import Fetched, FetchError, Validators
from articles.feeds.parsing import ParsedFeed, ParseError, parse
from articles.models import Feed

READING = b"3"  # raise it when the same document is read differently, so that unchanged ones are read once more


@dataclass(frozen=True)
class Question:
    """What to ask for, and what is known already."""

    url: str
    validators: Validators = field(default_factory=Validators)
    body_digest: str = ""
    agent: str = ""  # who asks, for a thread that may not ask the database

    @classmethod
    def about(cls, feed: Feed, *, agent: str = "") -> Question:
        return cls(feed.url, Validators(feed.etag, feed.last_modified), feed.body_digest, agent)


@dataclass(frozen=True)
class Retrieved:
    """What came: a feed, nothing new (neither ``parsed`` nor ``error``), or an error."""

    fetched: Fetched | None = None
    parsed: ParsedFeed | None = None
    body_digest: str = ""
    error: FetchError | ParseError | None = None


def retrieve(question: Question) -> Retrieved:
    """Never raises for what the feed or its server do. Asks the database only for who asks, if that is not said."""
    try:
        fetched = fetching.fetch_feed(question.url, validators=question.validators, agent=question.agent)
        if not fetched.is_modified:
            return Retrieved(fetched, body_digest=question.body_digest)
        digest = digest_of(fetched.body)
        if digest == question.body_digest:
            return Retrieved(_without_body(fetched), body_digest=digest)
        parsed = parse(fetched.body, url=fetched.url, content_type=fetched.content_type)
    except (FetchError, ParseError) as error:
        return Retrieved(error=error)
    return Retrieved(_without_body(fetched), parsed, digest)


def digest_of(body: bytes) -> str:
    return hashlib.sha256(READING + body).hexdigest()


def _without_body(fetched: Fetched) -> Fetched:
    return replace(fetched, body=b"")
