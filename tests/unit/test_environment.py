"""The environment variables: which values are accepted, and how the others are refused."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from streamsite import environment, logs

SCHEMES = ("postgres", "sqlite")


def database() -> dict[str, Any]:
    return environment.parse_database_url("V", environment.url("V", SCHEMES))


def redis() -> dict[str, Any]:
    return environment.parse_redis_url("V", environment.url("V", ("redis", "rediss", "unix")))


READERS: dict[str, Callable[[], Any]] = {
    "boolean": lambda: environment.boolean("V", default=True),
    "choice": lambda: environment.choice("V", "off", ("on", "off", "proxy")),
    "duration": lambda: environment.duration("V", "30d"),
    "integer": lambda: environment.integer("V", 7),
    "limit": lambda: environment.limit("V", 7),
    "url": lambda: environment.url("V", SCHEMES),
    "database": lambda: database()["HOST"],
    "redis": redis,
    "hosts": lambda: environment.hosts("V", ["localhost"]),
    "origins": lambda: environment.origins("V"),
    "networks": lambda: environment.networks("V"),
}
GOOD = [
    ("boolean", "", True),
    ("boolean", "off", False),
    ("boolean", " True ", True),
    ("boolean", "0", False),
    ("choice", "", "off"),
    ("choice", "PROXY", "proxy"),
    ("integer", "", 7),
    ("integer", " 12 ", 12),
    ("integer", "0001", 1),
    ("integer", "9" * 18, 10**18 - 1),
    ("limit", "", 7),
    ("limit", " 12 ", 12),
    ("limit", "None", None),
    ("duration", "", timedelta(days=30)),
    ("duration", " 12H ", timedelta(hours=12)),
    ("duration", "forever", None),
    ("url", "", ""),
    ("url", " sqlite:///x ", "sqlite:///x"),
    ("database", "postgres://user:pass%3Aword@db:5432/name", "db"),
    ("hosts", "", ["localhost"]),
    ("hosts", " a.example,, .b.example , [::1] ", ["a.example", ".b.example", "[::1]"]),
    ("hosts", "*", ["*"]),
    ("origins", "", []),
    (
        "origins",
        "https://example.com/, http://localhost:3000",
        ["https://example.com/", "http://localhost:3000"],
    ),
    ("networks", "127.0.0.1, 10.0.0.0/8, ::1", ["127.0.0.1", "10.0.0.0/8", "::1"]),
    ("redis", "redis://host/3", {"host": "host", "db": 3, "ssl": False}),
    ("redis", "rediss://:a%3Ab@host", {"host": "host", "password": "a:b", "ssl": True}),
    ("redis", "unix:///run/redis", {"unix_socket_path": "/run/redis", "ssl": False}),
    (
        "redis",
        "redis://host?health_check_interval=5",
        {"host": "host", "health_check_interval": 5, "ssl": False},
    ),
]

NOT_A_NUMBER = "V={!r} is not a whole number of at least 1."
NOT_A_DURATION = (
    "V is not valid: {!r} is not a duration. Use a number and s, m, h or d: 30d. Or use forever."
)
NOT_A_HOST = (
    "V: {!r} is not a host name: leave out scheme, port and path, such as example.com, "
    "and separate several names by commas."
)
NOT_AN_ORIGIN = (
    "V: {!r} is not an origin: write the scheme, the host and, unless it is the default, the "
    "port, such as https://example.com or http://localhost:3000."
)
NOT_A_DATABASE = (
    "V can't be understood: write it as postgres://user:password@host:5432/name, "
    "with special characters of the password percent-encoded."
)
NOT_A_REDIS = (
    "V can't be understood: write it as redis://user:password@host:6379/0, "
    "with special characters of the password percent-encoded."
)
NOT_A_NETWORK = "V: {!r} is neither an IP address nor a network: write 127.0.0.1, or 10.0.0.0/8."
BAD = [
    (
        "boolean",
        "maybe",
        "V='maybe' is not understood: use one of on, off, true, false, 1, 0.",
    ),
    ("choice", "perhaps", "V='perhaps' is not understood: use one of on, off, proxy."),
    *[
        ("integer", value, NOT_A_NUMBER.format(value))
        for value in ("abc", "0", "-1", "1.5", "1_000", "٣", "9" * 19)
    ],
    *[
        ("limit", value, f"{NOT_A_NUMBER.format(value)[:-1]}, or none.")
        for value in ("0", "all", "-1")
    ],
    *[
        ("duration", value, NOT_A_DURATION.format(value))
        for value in ("30", "-1d", "1.5h", "3 d", "1w", "never")
    ],
    ("url", "foo", "V must be a URL that begins with postgres:// or sqlite://."),
    ("url", "https://secret", "V must be a URL that begins with postgres:// or sqlite://."),
    ("database", "postgres://user:secret@host:port/name", NOT_A_DATABASE),
    ("redis", "redis://user:secret@host:99999", NOT_A_REDIS),
    ("redis", "redis://user:secret@host/zero", NOT_A_REDIS),
    *[
        ("hosts", value, NOT_A_HOST.format(value))
        for value in ("http://x", "example.com/", "example.com:80", "a.example b.example")
    ],
    *[
        ("networks", value, NOT_A_NETWORK.format(value))
        for value in ("localhost", "10.0.0.1/8", "10.0.0.0/33", "127.0.0.1:80")
    ],
    *[
        ("origins", value, NOT_AN_ORIGIN.format(value))
        for value in (
            "example.com",
            "ftp://example.com",
            "https://",
            "https://example.com/path",
            "https://example.com//",
            "https://example.com?query",
            "https://example.com#part",
            "https://user@example.com",
            "https://example.com:0",
            "https://example.com:port",
            "https://[::1",
        )
    ],
]


@pytest.mark.parametrize(("reader", "value", "result"), GOOD)
def test_a_good_value_is_returned(monkeypatch, reader, value, result):
    monkeypatch.setenv("V", value)
    assert READERS[reader]() == result


@pytest.mark.parametrize(("reader", "value", "sentence"), BAD)
def test_a_bad_value_is_refused_with_a_sentence(monkeypatch, reader, value, sentence):
    monkeypatch.setenv("V", value)
    with pytest.raises(ImproperlyConfigured) as refused:
        READERS[reader]()
    assert str(refused.value) == sentence


@pytest.mark.parametrize("folder", ["var", "/50%/var", "/a%20b", "/why?", "/site #2", "/数据"])
def test_the_embedded_database_is_in_its_folder_whatever_the_folders_name(folder):
    path = Path(folder, "db.sqlite3")
    found = environment.parse_database_url("V", environment.sqlite_url(path))
    assert found["NAME"] == str(path)


def test_an_unknown_redis_option_is_refused_by_its_name(monkeypatch):
    monkeypatch.setenv("V", "redis://user:secret@host?colour=red")
    with pytest.raises(ImproperlyConfigured, match=r"an option that .* doesn't know .*colour"):
        redis()


def test_a_variable_that_is_not_set_has_its_default(monkeypatch, tmp_path):
    monkeypatch.delenv("V", raising=False)
    assert environment.integer("V", 7) == 7
    assert environment.boolean("V", default=False) is False
    assert environment.folder("V", tmp_path) == tmp_path
    assert environment.origins("V") == []


# The secret key.


def test_the_secret_key_is_made_once_for_its_owner_only(monkeypatch, tmp_path):
    monkeypatch.delenv("V", raising=False)
    path = tmp_path / "new" / "secret-key"
    key = environment.secret_key("V", path)
    assert len(key) >= 50
    assert path.stat().st_mode & 0o777 == 0o600
    assert environment.secret_key("V", path) == key
    assert list(path.parent.iterdir()) == [path]


def test_the_secret_key_of_the_environment_needs_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("V", "a key")
    assert environment.secret_key("V", tmp_path / "secret-key") == "a key"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("V", raising=False)
    # A file in place of a folder, because root may write to any folder.
    (tmp_path / "file").touch()
    with pytest.raises(ImproperlyConfigured, match=rf"{tmp_path}/file/var .*VAR_DIR"):
        environment.secret_key("V", tmp_path / "file" / "var" / "secret-key")


# The filters of the log.


def record_of(error: BaseException | None) -> logging.LogRecord:
    exc_info = None if error is None else (type(error), error, None)
    return logging.LogRecord("x", logging.ERROR, "x.py", 1, "No %s", ("answer",), exc_info)


def test_only_cancelled_tasks_are_left_out_of_the_log():
    assert logs.is_not_cancelled(record_of(None))
    assert logs.is_not_cancelled(record_of(ValueError("wrong")))
    assert not logs.is_not_cancelled(record_of(asyncio.CancelledError()))


def test_a_traceback_becomes_the_end_of_the_message():
    record = record_of(ValueError("100% wrong"))
    assert logs.without_traceback(record)
    assert logging.Formatter().format(record) == "No answer: ValueError('100% wrong')"
    plain = record_of(None)
    assert logs.without_traceback(plain)
    assert logging.Formatter().format(plain) == "No answer"
