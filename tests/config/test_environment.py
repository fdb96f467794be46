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
    "UNSUBSCRIBE_MAILBOX": lambda: environment.mail_address("UNSUBSCRIBE_MAILBOX"),
    "REDIS_URL": lambda: environment.redis_url("REDIS_URL"),
    "DATABASE_URL": lambda: environment.database("DATABASE_URL", ""),
    "TRANSPORTS": lambda: environment.transports("TRANSPORTS"),
    "NEWSLETTER_TRANSPORTS": lambda: environment.transports_of_newsletters("NEWSLETTER_TRANSPORTS", ["main", "second"]),
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
        ("UNSUBSCRIBE_MAILBOX", "leave@x.org>, <b@x.org", "should look like leave@news"),
        ("MAILER_URL", "http://mail", "begin with one of mailbox:, smtp://"),
        ("MAILER_URL", "postmark://", "lacks the key"),
        ("MAILER_URL", "smtp://h:p", "MAILER_URL is no valid URL"),
        ("MAILER_URL", "smtp://mail?windows=8", "windows after its ?, which means nothing"),
        ("MAILER_URL", "smtp://mail?connections=many", "connections is 'many'; it should be a whole number"),
        ("MAILER_URL", "postmark://key?timeout=soon", "timeout is 'soon'; it should be a whole number of seconds"),
        ("MAILER_URL", "mailjet://key@api", "lacks the secret key"),
        ("TRANSPORTS", "smtp://mail", "NAME=URL"),
        ("TRANSPORTS", "Main=smtp://mail", "small letters"),
        ("TRANSPORTS", "a=smtp://mail a=mailbox:", "the name a is taken"),
        ("TRANSPORTS", "a=ftp://mail", "TRANSPORTS (a) should begin with one of mailbox:"),
        ("NEWSLETTER_TRANSPORTS", "latest-news=spare", "names of TRANSPORTS (main, second)"),
        ("NEWSLETTER_TRANSPORTS", "latest-news", "names of TRANSPORTS (main, second)"),
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
        ("mailjet://public:se%3Acret@api", {"api_key": "public", "secret_key": "se:cret"}),
    ],
)
def test_mailer_reads_options_from_its_url(url: str, options: dict[str, object]) -> None:
    found = environment.mailer("MAILER_URL", url)["OPTIONS"]

    assert options.items() <= found.items()


def test_what_is_said_of_bulk_mail_stands_apart_from_what_opens_the_connection() -> None:
    smtp = environment.mailer("MAILER_URL", "smtp://mail?tls=1&connections=4&window=8&rate=100/s")
    provider = environment.mailer("MAILER_URL", "mailgun://k@mg.example.org?batch=500&timeout=5")

    assert smtp["SENDING"] == {"connections": 4, "window": 8, "rate": 100.0}
    assert "connections" not in smtp["OPTIONS"]
    assert provider["SENDING"] == {"batch": 500}
    assert provider["OPTIONS"] == {"api_key": "k", "sender_domain": "mg.example.org", "timeout": 5}


@pytest.mark.parametrize("rate", ["100", "0/s", "1/day", "59/h"])
def test_a_rate_that_cannot_be_read_is_refused(rate: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="100/s, 3000/min or 20000/h"):
        environment.mailer("MAILER_URL", f"smtp://mail?rate={rate}")


def test_transports_have_names_and_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRANSPORTS", "main=smtp://mail?weight=3  second=mailgun://k@mg.example.org?order=2")
    monkeypatch.setenv("NEWSLETTER_TRANSPORTS", "alerts=second,main offers=main")

    found = environment.transports("TRANSPORTS")

    assert {name: entry["SENDING"] for name, entry in found.items()} == {"main": {"weight": 3}, "second": {"order": 2}}
    own = environment.transports_of_newsletters("NEWSLETTER_TRANSPORTS", found)
    assert own == {"alerts": ("second", "main"), "offers": ("main",)}


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
