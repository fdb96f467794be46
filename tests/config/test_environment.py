from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import environment


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)])
def test_boolean_understands_the_usual_words(monkeypatch: pytest.MonkeyPatch, value: str, *, meant: bool) -> None:
    monkeypatch.setenv("DEBUG", value)

    assert environment.boolean("DEBUG", default=not meant) is meant


@pytest.mark.parametrize("default", [True, False])
def test_empty_counts_as_unset(monkeypatch: pytest.MonkeyPatch, *, default: bool) -> None:
    monkeypatch.setenv("SSL_REDIRECT", "")
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("REDIS_URL", "")

    assert environment.boolean("SSL_REDIRECT", default=default) is default
    assert environment.port("PORT", 8000) == 8000
    assert environment.redis_url("REDIS_URL") == ""


def test_a_list_is_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", "news.example.org, www.example.org,")

    assert environment.words("ALLOWED_HOSTS", "") == ["news.example.org", "www.example.org"]


READERS: dict[str, Callable[[], object]] = {
    "DEBUG": lambda: environment.boolean("DEBUG", default=False),
    "PORT": lambda: environment.port("PORT", 8000),
    "SITE_URL": lambda: environment.site_url("SITE_URL", ""),
    "REDIS_URL": lambda: environment.redis_url("REDIS_URL"),
    "DATABASE_URL": lambda: environment.database("DATABASE_URL", ""),
    "MAILER_URL": lambda: environment.mailer("MAILER_URL", environment.text("MAILER_URL", "")),
}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("DEBUG", "maybe", "DEBUG is 'maybe'; it should be 1 or 0."),
        ("PORT", "80a", "PORT is '80a'; it should be a whole number."),
        ("PORT", "-1", "PORT is '-1'; it should be a whole number."),
        ("PORT", "²", "PORT is '²'; it should be a whole number."),
        ("PORT", "99999", "PORT is 99999; a port lies between 1 and 65535."),
        ("SITE_URL", "news.example.org", "it should look like https://news.example.org"),
        ("SITE_URL", "https://a.example/news", "without a path"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL should begin with redis://"),
        ("DATABASE_URL", "mysql://db/x", "sqlite:///PATH or postgres://"),
        ("DATABASE_URL", "postgres://db", "HOST:PORT/NAME"),
        ("DATABASE_URL", "sqlite:///", "sqlite:///PATH"),
        ("DATABASE_URL", "postgres://u:p/w@h:x/d", "percent-encoded"),
        ("MAILER_URL", "http://mail", "begin with one of mailbox:, smtp://"),
        ("MAILER_URL", "postmark://", "lacks the key"),
        ("MAILER_URL", "smtp://h:p", "MAILER_URL is no valid URL"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured) as refused:
        READERS[name]()

    assert sentence in str(refused.value)
    assert name in str(refused.value)


def test_an_error_does_not_show_the_password() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        environment.mailer("MAILER_URL", "smtp://user:sec/ret@mail:port")

    assert "sec" not in str(refused.value)


def test_site_url_loses_the_slash_at_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://news.example.org/")

    assert environment.site_url("SITE_URL", "") == "https://news.example.org"


def test_database_reads_every_part_of_a_postgresql_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://us%40er:p%2Fw@db.example:5433/news%20paper?sslmode=require")

    found = environment.database("DATABASE_URL", "")

    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["USER"], found["PASSWORD"], found["HOST"], found["PORT"]) == ("us@er", "p/w", "db.example", "5433")
    assert (found["NAME"], found["OPTIONS"]) == ("news paper", {"sslmode": "require"})


def test_database_takes_a_socket_directory_as_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres:///news?host=/run/postgresql")

    found = environment.database("DATABASE_URL", "")

    assert (found["HOST"], found["OPTIONS"]) == ("/run/postgresql", {})


@pytest.mark.parametrize("path", ["/srv/news/db.sqlite3", "/srv/odd #1 100%/ü?.sqlite3"])
def test_a_path_survives_its_url(path: str) -> None:
    assert environment.database("UNSET", environment.sqlite_url(Path(path)))["NAME"] == path


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("smtp://mail", {"host": "mail", "port": 25}),
        ("smtp://u%40x:p%3Aw@mail:587?tls=1", {"port": 587, "username": "u@x", "password": "p:w", "use_tls": True}),
        ("smtps://u:p@mail", {"port": 465, "use_ssl": True}),
        ("mailgun://key-1@mg.example.org", {"api_key": "key-1", "sender_domain": "mg.example.org"}),
        ("mailgun://k@mg.example.org?api_url=https://api.eu.example", {"api_url": "https://api.eu.example"}),
        ("postmark://To-Ken%2F1", {"server_token": "To-Ken/1"}),
    ],
)
def test_mailer_reads_options_from_its_url(url: str, options: dict[str, object]) -> None:
    found = environment.mailer("MAILER_URL", url)["OPTIONS"]

    assert options.items() <= found.items()


def test_every_smtp_mailer_has_a_timeout() -> None:
    assert environment.mailer("MAILER_URL", "smtp://mail")["OPTIONS"]["timeout"] > 0


def test_of_many_that_start_at_once_all_have_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(environment.kept_secret, [path] * 64))

    assert len(found) == 1
    assert len(found.pop()) >= 50
    assert path.stat().st_mode & 0o077 == 0
    assert list(path.parent.iterdir()) == [path]


def test_a_kept_secret_is_not_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text("from the backup\n")

    assert environment.kept_secret(path) == "from the backup"
