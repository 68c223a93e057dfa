"""The system checks of the engine: `manage.py check`."""

import re
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import get_commands
from django.test import override_settings

from streamsite.streams import checks
from streamsite.streams.http.application import Lifespan, lifespan
from streamsite.streams.workers import IN_MEMORY, workers_of


def redis_layer(*hosts: Any) -> dict[str, Any]:
    """Return the setting of Channels' older Redis layer."""
    layer = {"BACKEND": checks.REDIS, "CONFIG": {"hosts": hosts}}
    return {"CHANNEL_LAYERS": {"default": layer}}


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the command line of a command. The names of tests on pytest's own may name a server."""
    monkeypatch.setattr(sys, "argv", ["manage.py", "check"])
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)


REMOTE_USER = "django.contrib.auth.middleware.RemoteUserMiddleware"


MISTAKES = [
    ({"STREAM_ALLOWED_ORIGINS": ["example.com"]}, "streams.E002"),
    ({"STREAM_GRACE": "10"}, "streams.E013"),
    ({"STREAM_GRACE": -1}, "streams.E013"),
    ({"STREAM_STALL_TIMEOUT": 0}, "streams.E013"),
    ({"STREAM_MAX_PIECE_LENGTH": "65536"}, "streams.E013"),
    ({"STREAM_MAX_PIECES": None}, "streams.E013"),
    ({"STREAM_MAX_LENGTH": 0}, "streams.E013"),
    ({"STREAM_MAX_BODY": 1.5}, "streams.E013"),
    ({"STREAM_ALLOWED_ORIGINS": "https://example.com"}, "streams.E014"),
    ({"STREAM_TRUSTED_PROXIES": "10.0.0.1"}, "streams.E014"),
    ({"STREAM_SKIPPED_MIDDLEWARE": None}, "streams.E014"),
    ({"STREAM_LOGIN_REQUIRED": "off"}, "streams.E014"),
    (
        {"MIDDLEWARE": [*settings.MIDDLEWARE, "django.middleware.gzip.GZipMiddleware"]},
        "streams.W001",
    ),
    ({"ASGI_APPLICATION": None, "ROOT_URLCONF": "tests.urlconfs.plain.urls"}, "streams.W002"),
    ({"ASGI_APPLICATION": None, "ROOT_URLCONF": "tests.urlconfs.indirect.urls"}, "streams.W002"),
    ({"ASGI_APPLICATION": None, "ROOT_URLCONF": "tests.urlconfs.mounted"}, "streams.W002"),
    ({"ASGI_APPLICATION": "tests.urlconfs.plain.asgi.application"}, "streams.W006"),
    ({"STREAM_TRUSTED_PROXIES": ["10.0.0.1/8"]}, "streams.E006"),
    ({"CHANNEL_LAYERS": {"default": {"BACKEND": checks.REDIS}}}, "streams.W003"),
    (redis_layer({"address": "redis://localhost", "socket_timeout": 5}), "streams.W003"),
    ({"ROOT_URLCONF": "tests.urlconfs.nowhere"}, "streams.E003"),
    ({"ROOT_URLCONF": "tests.urlconfs.by_language"}, "streams.E004"),
    ({"ROOT_URLCONF": "tests.urlconfs.with_parameter"}, "streams.E005"),
    ({"STREAM_POLICY": "shop.streams.Policy"}, "streams.E007"),
    ({"STREAM_POLICY": "django.http.HttpRequest"}, "streams.E007"),
    ({"STREAM_POLICY": "tests.unit.test_policy.Asynchronous"}, "streams.E007"),
    ({"STREAM_POLICY": None}, "streams.E007"),
    ({"STREAM_KEEP": 30}, "streams.E009"),
    ({"STREAM_MAX_VIEWERS": 0}, "streams.E012"),
    ({"STREAM_MAX_WRONG_TOKENS": "20"}, "streams.E012"),
    ({"STREAM_MAX_LIVE_STREAMS": 1.5}, "streams.E012"),
    ({"STREAM_KEEP": timedelta(days=-1)}, "streams.E009"),
    ({"MIDDLEWARE": [*settings.MIDDLEWARE, REMOTE_USER]}, "streams.E008"),
    ({"DISALLOWED_USER_AGENTS": [re.compile("Bot")]}, "streams.E008"),
]


def found() -> list[str]:
    """Return the ids of the engine's messages."""
    # On Django 6 the check of a JSONField would ask the database.
    return [message.id for message in run_checks(databases=[]) if message.id.startswith("streams.")]


@pytest.mark.parametrize("urlconf", ["at_root", "below_include"])
def test_the_engine_may_be_mounted_at_the_root_and_below_an_include(urlconf: str):
    with override_settings(ROOT_URLCONF=f"tests.urlconfs.{urlconf}"):
        assert found() == []


def test_a_site_of_one_process_needs_no_channel_layer():
    with override_settings(CHANNEL_LAYERS={}):
        assert found() == []


def test_the_settings_of_this_site_pass_the_checks():
    assert found() == []


@pytest.mark.parametrize(("setting", "message_id"), MISTAKES)
def test_a_mistake_in_the_settings_is_found(setting: dict[str, Any], message_id: str):
    with override_settings(**setting):
        assert found() == [message_id]


@pytest.mark.parametrize(
    ("database", "messages"),
    [
        ({"ENGINE": "django.db.backends.sqlite3"}, ["streams.W007"]),
        (
            {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "DEFERRED"}},
            ["streams.W007"],
        ),
        (
            {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"transaction_mode": "immediate"}},
            [],
        ),
        ({"ENGINE": "django.db.backends.postgresql"}, []),
    ],
)
def test_transactions_on_sqlite_that_do_not_wait_are_found(
    monkeypatch: pytest.MonkeyPatch, database: dict[str, Any], messages: list[str]
):
    # override_settings warns about DATABASES, because connections don't follow it.
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert found() == messages


class Router:
    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        return "streams"


@pytest.mark.parametrize(
    ("engines", "messages"),
    [(("postgresql", "sqlite3"), ["streams.W007"]), (("sqlite3", "postgresql"), [])],
)
def test_the_database_is_found_in_which_a_router_keeps_the_streams(
    monkeypatch: pytest.MonkeyPatch, engines: tuple[str, str], messages: list[str]
):
    for alias, engine in zip(("default", "streams"), engines, strict=True):
        database = {"ENGINE": f"django.db.backends.{engine}"}
        monkeypatch.setitem(settings.DATABASES, alias, database)
    with override_settings(DATABASE_ROUTERS=["tests.unit.test_checks.Router"]):
        assert found() == messages


@pytest.mark.parametrize(
    "host",
    [
        {"address": "redis://localhost", "socket_timeout": None},
        {"address": "redis://localhost", "socket_timeout": 60},
        "redis://localhost?socket_timeout=60",
    ],
)
def test_a_redis_layer_that_waits_for_messages_passes(host: Any):
    with override_settings(**redis_layer(host)):
        assert found() == []


@pytest.mark.parametrize(
    ("line", "environment", "workers"),
    [
        ("manage.py check", {}, 1),
        ("manage.py check", {"WEB_CONCURRENCY": "4"}, 4),
        ("manage.py check", {"WEB_CONCURRENCY": "auto"}, 1),
        ("/bin/uvicorn --workers 2 shop.asgi:application", {}, 2),
        ("/bin/uvicorn --workers=1 shop.asgi:application", {"WEB_CONCURRENCY": "4"}, 1),
        ("/lib/uvicorn/__main__.py shop.asgi:application --workers 12", {}, 12),
        ("/bin/gunicorn -k uvicorn_worker.UvicornWorker -w 3 shop.asgi", {}, 3),
        ("/bin/granian --workers 2 --interface asgi shop.asgi:application", {}, 2),
        ("/bin/granian --workers-lifetime 60 shop.asgi:application", {"WEB_CONCURRENCY": "4"}, 1),
        ("/bin/granian shop.asgi:application", {"GRANIAN_WORKERS": "2"}, 2),
        ("/bin/daphne shop.asgi:application", {}, 1),
        ("manage.py publish --workers 2", {}, 1),
    ],
)
def test_the_number_of_workers_is_known_where_the_server_was_told(line, environment, workers):
    assert workers_of(line.split(), environment) == workers


def test_middleware_that_the_project_answers_for_passes_the_checks():
    with override_settings(
        MIDDLEWARE=[*settings.MIDDLEWARE, REMOTE_USER], STREAM_SKIPPED_MIDDLEWARE=[REMOTE_USER]
    ):
        assert found() == []


@pytest.mark.parametrize("last", [[], ["daphne"]])
@pytest.mark.parametrize(("debug", "messages"), [(True, ["streams.W002"]), (False, [])])
def test_a_runserver_that_uses_wsgi_is_found(debug: bool, messages: list[str], last: list[str]):
    apps = [app for app in settings.INSTALLED_APPS if app != "daphne"] + last
    get_commands.cache_clear()
    try:
        with override_settings(INSTALLED_APPS=apps, DEBUG=debug):
            assert found() == messages
    finally:
        get_commands.cache_clear()


@pytest.mark.parametrize("urlconf", ["tests.urlconfs.plain.urls", "tests.urlconfs.mounted"])
def test_under_wsgi_all_middleware_runs(urlconf: str):
    with override_settings(
        ASGI_APPLICATION=None, ROOT_URLCONF=urlconf, MIDDLEWARE=[*settings.MIDDLEWARE, REMOTE_USER]
    ):
        assert found() == ["streams.W002"]


def test_without_streams_application_all_middleware_runs():
    with override_settings(
        ASGI_APPLICATION="tests.urlconfs.plain.asgi.application",
        MIDDLEWARE=[*settings.MIDDLEWARE, REMOTE_USER],
    ):
        assert found() == ["streams.W006"]


@pytest.mark.parametrize(
    "application",
    [
        "tests.urlconfs.wrapped.asgi.application",
        # Of these the source does not tell, so the check assumes that middleware is skipped.
        "tests.urlconfs.indirect.asgi.application",
        "tests.urlconfs.nowhere.asgi.application",
        "tests.nowhere.asgi.application",
        "application",
    ],
)
def test_middleware_that_might_be_skipped_is_found(application: str):
    with override_settings(
        ASGI_APPLICATION=application, MIDDLEWARE=[*settings.MIDDLEWARE, REMOTE_USER]
    ):
        assert found() == ["streams.E008"]


def test_a_project_with_streams_application_needs_no_asgi_application_setting():
    with override_settings(ASGI_APPLICATION=None, ROOT_URLCONF="tests.urlconfs.wrapped.urls"):
        assert found() == []
        with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, REMOTE_USER]):
            assert found() == ["streams.E008"]


def test_the_checks_do_not_import_the_application():
    with override_settings(ASGI_APPLICATION="tests.urlconfs.plain.asgi.application"):
        assert found() == ["streams.W006"]
    assert "tests.urlconfs.plain.asgi" not in sys.modules


def test_several_workers_need_a_channel_layer(monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    for layers in ({}, {"default": {"BACKEND": IN_MEMORY}}):
        with override_settings(CHANNEL_LAYERS=layers):
            assert found() == ["streams.W004"]
    with override_settings(**redis_layer({"address": "redis://localhost", "socket_timeout": None})):
        assert found() == []


async def test_a_worker_that_no_channel_layer_connects_says_so_at_its_start(monkeypatch, caplog):
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(_message: object) -> None:
        pass

    with override_settings(CHANNEL_LAYERS={}):
        await Lifespan(lifespan)({}, receive, send)
    assert [record.message[:25] for record in caplog.records] == ["The server runs 2 workers"]
