"""`streams_application`, called with the scopes of a server."""

import json
import subprocess
import sys
from typing import Any

import pytest
from channels.routing import ProtocolTypeRouter
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured

from streamsite.streams import Policy
from streamsite.streams.asgi import streams_application
from streamsite.streams.http import application as composition
from tests.site import environment

Messages = list[dict[str, Any]]

OPENAPI = "/stream/openapi.json"
CONNECT = {"type": "websocket.connect"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1005}


class Recorder:
    """An application of a project that records its scopes, and answers nothing."""

    def __init__(self) -> None:
        self.scopes: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)


@pytest.fixture(autouse=True)
def project_settings(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.urlconfs.mounted"
    settings.ALLOWED_HOSTS = ["example.com"]


async def call(application: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> Messages:
    """Call an application with a scope. Return the messages that the application sent."""
    coming = list(messages)
    sent: Messages = []

    async def receive() -> dict[str, Any]:
        return coming.pop(0)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, receive, send)
    return sent


def http_scope(path: str, **scope: Any) -> dict[str, Any]:
    headers = [(b"host", b"example.com")]
    return {"type": "http", "method": "GET", "path": path, "headers": headers, **scope}


async def get(application: Any, path: str, **scope: Any) -> Messages:
    return await call(application, http_scope(path, **scope), {"type": "http.request"})


async def connect(application: Any, path: str, origin: str = "", **scope: Any) -> Messages:
    headers = [(b"host", b"example.com"), *([(b"origin", origin.encode())] if origin else [])]
    base = {"type": "websocket", "path": path, "headers": headers, "subprotocols": []}
    return await call(application, {**base, **scope}, CONNECT, DISCONNECT)


# HTTP.


async def test_the_engine_serves_its_endpoints_and_the_project_all_other_paths():
    pages = Recorder()
    application = streams_application(pages)
    assert (await get(application, OPENAPI))[0]["status"] == 200
    for path in ("/", "/stream/", "/streams/openapi.json", "/stream/a/b", "x" * 1000):
        assert await get(application, path) == []
        assert pages.scopes.pop()["path"] == path


@pytest.mark.parametrize(
    ("urlconf", "openapi", "page"),
    [
        ("tests.urlconfs.at_root", "/openapi.json", "/build/page"),
        ("tests.urlconfs.below_include", "/shop/stream/openapi.json", "/stream/openapi.json"),
        ("tests.urlconfs.nowhere", None, OPENAPI),
    ],
)
async def test_the_urlconf_says_where_the_endpoints_are(settings, urlconf, openapi, page):
    settings.ROOT_URLCONF = urlconf
    pages = Recorder()
    application = streams_application(pages)
    if openapi:
        assert (await get(application, openapi))[0]["status"] == 200
    assert await get(application, page) == []
    assert len(pages.scopes) == 1


@pytest.mark.parametrize(
    ("path", "root_path", "script_name"),
    [
        # Some servers put the root path before the path, others leave that to their proxy.
        (f"/app{OPENAPI}", "/app", None),
        (OPENAPI, "/app", None),
        (f"/app{OPENAPI}", "", "/app"),
        (OPENAPI, "/other", "/app"),
    ],
)
async def test_the_endpoints_are_below_a_root_path(settings, path, root_path, script_name):
    settings.FORCE_SCRIPT_NAME = script_name
    start, body = await get(streams_application(Recorder()), path, root_path=root_path)
    assert start["status"] == 200
    assert json.loads(body["body"])["servers"] == [{"url": "/app/stream"}]


async def test_a_request_with_a_wrong_host_is_refused():
    start, _body = await get(
        streams_application(Recorder()), OPENAPI, headers=[(b"host", b"evil.example")]
    )
    assert start["status"] == 400


async def test_an_http_request_to_a_websocket_is_refused():
    start, body = await get(streams_application(Recorder()), "/repeat/fox")
    assert start["status"] == 400
    assert b"wss://" in body["body"]


# Logins.


@pytest.fixture
def login_required(settings: Any) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]


async def test_a_login_is_demanded_where_nothing_lifts_the_demand(settings, login_required):
    application = streams_application(Recorder())
    for path in (OPENAPI, "/stream/build/events", "/repeat/fox"):
        assert (await get(application, path))[0]["status"] == 401
    assert (await get(application, OPENAPI, method="OPTIONS"))[0]["status"] == 200
    assert (await connect(application, "/repeat/fox"))[-1]["code"] == 4401
    # An endpoint and a consumer with login_not_required.
    assert (await get(application, "/open/fox"))[0]["status"] == 400
    assert (await connect(application, "/open/fox"))[1]["text"] == "fox"
    settings.STREAM_LOGIN_REQUIRED = False
    assert (await get(application, OPENAPI))[0]["status"] == 200
    assert (await get(application, "/repeat/fox"))[0]["status"] == 401


class Everybody(Policy):
    def publisher(self, request, name):
        return AnonymousUser()


async def test_an_anonymous_publisher_has_to_log_in(settings, login_required):
    settings.STREAM_POLICY = f"{__name__}.Everybody"
    application = streams_application(Recorder())
    assert (await get(application, "/stream/build/polling"))[0]["status"] == 401


async def test_a_subclass_of_the_middleware_demands_a_login(settings):
    settings.MIDDLEWARE = [f"{__name__}.StrictMiddleware"]
    assert (await get(streams_application(Recorder()), OPENAPI))[0]["status"] == 401


class StrictMiddleware(LoginRequiredMiddleware):
    """The login middleware of a project."""


def test_the_log_has_the_middleware_that_does_not_run(settings, caplog):
    settings.MIDDLEWARE = [f"{__name__}.StrictMiddleware"]
    streams_application(Recorder())
    (record,) = caplog.records
    assert "StrictMiddleware does not run" in record.message


# WebSockets.


@pytest.mark.parametrize(
    ("path", "root_path"), [("/repeat/fox", ""), ("/app/repeat/fox", "/app"), ("/repeat/fox", "/a")]
)
async def test_a_consumer_of_the_urlconf_is_served(path, root_path):
    sent = await connect(streams_application(Recorder()), path, root_path=root_path)
    assert [message["type"].partition(".")[2] for message in sent] == ["accept", "send", "close"]
    assert sent[1]["text"] == "fox"


async def test_the_project_gets_all_other_websockets_unchanged():
    project = Recorder()
    application = streams_application(
        ProtocolTypeRouter({"http": Recorder(), "websocket": project})
    )
    assert await connect(application, "/chat/", "https://evil.example") == []
    assert project.scopes[0]["path"] == "/chat/"
    assert "url_route" not in project.scopes[0]


async def test_a_websocket_that_nobody_serves_is_closed_with_4404():
    accepted, closed = await connect(streams_application(Recorder()), "/nowhere")
    assert accepted["type"] == "websocket.accept"
    assert closed["code"] == 4404


@pytest.mark.parametrize("path", ["/repeat/fox", "/stream/build/ws", "/nowhere"])
async def test_a_handshake_of_a_page_of_an_unknown_origin_is_rejected(path):
    application = streams_application(Recorder())
    (rejected,) = await connect(application, path, "https://evil.example")
    assert rejected["type"] == "websocket.close"


# Decorators around endpoints and consumers.


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/members/fox", 302),
        ("/members-ws/fox", 302),
        ("/allowed/fox", 403),
        ("/asynchronous/fox", 200),
        ("/asynchronous/crow", 403),
        ("/synchronous/fox", 200),
        ("/synchronous/crow", 403),
        ("/hidden/fox", 200),
        ("/hidden/crow", 404),
    ],
)
async def test_the_decorators_of_an_endpoint_answer_first(settings, path, status):
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"
    start, _body = await get(streams_application(Recorder()), path)
    assert start["status"] == status


@pytest.mark.parametrize(
    ("path", "close_code"),
    [
        ("/members-ws/fox", 4401),
        ("/raw-members/fox", 4401),
        ("/allowed-ws/fox", 4403),
        ("/asynchronous-ws/crow", 4403),
        ("/synchronous-ws/crow", 4403),
        ("/hidden-ws/crow", 4403),
    ],
)
async def test_the_decorators_of_a_consumer_turn_websockets_away(settings, path, close_code):
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"
    accepted, closed = await connect(streams_application(Recorder()), path)
    assert accepted["type"] == "websocket.accept"
    assert closed["code"] == close_code
    assert closed["reason"]


@pytest.mark.parametrize("path", ["asynchronous-ws", "synchronous-ws", "hidden-ws"])
async def test_a_websocket_that_the_decorators_let_through_is_served(settings, path):
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"
    sent = await connect(streams_application(Recorder()), f"/{path}/fox")
    assert sent[1]["text"] == "fox"


async def test_a_websocket_of_an_unknown_origin_is_rejected_whatever_the_decorators_say(settings):
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"
    for path in ("/members-ws/fox", "/asynchronous-ws/fox"):
        (sent,) = await connect(streams_application(Recorder()), path, "https://evil.example")
        assert sent["type"] == "websocket.close"


async def test_a_login_is_demanded_for_a_websocket_of_any_application(settings, login_required):
    settings.ROOT_URLCONF = "tests.urlconfs.decorated"
    assert (await connect(streams_application(Recorder()), "/raw/fox"))[-1]["code"] == 4401


# Lifespan, and other protocols.

LIFESPAN = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]


async def test_the_lifespan_ends_the_sources(monkeypatch):
    events: list[str] = []
    monkeypatch.setattr(composition, "end_sources", ending(events))
    sent = await call(streams_application(Recorder()), {"type": "lifespan"}, *LIFESPAN)
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert events == ["sources ended"]


async def test_the_sources_end_before_the_lifespan_of_the_project(monkeypatch):
    events: list[str] = []
    monkeypatch.setattr(composition, "end_sources", ending(events))

    async def lifespan(scope: Any, receive: Any, send: Any) -> None:
        events.append((await receive())["type"])
        events.append((await receive())["type"])

    project = ProtocolTypeRouter({"http": Recorder(), "lifespan": lifespan})
    await call(streams_application(project), {"type": "lifespan"}, *LIFESPAN)
    assert events == ["lifespan.startup", "sources ended", "lifespan.shutdown"]


def ending(events: list[str]) -> Any:
    async def end_sources() -> None:
        events.append("sources ended")

    return end_sources


async def test_other_protocols_of_the_project_stay():
    worker = Recorder()
    project = ProtocolTypeRouter({"http": Recorder(), "channel": worker})
    await call(streams_application(project), {"type": "channel"})
    assert worker.scopes == [{"type": "channel"}]


def test_a_router_without_http_is_refused():
    with pytest.raises(ImproperlyConfigured, match='no "http"'):
        streams_application(ProtocolTypeRouter({"websocket": Recorder()}))


# What is imported, and when.


def run(program: str, **variables: str) -> str:
    """Run a Python program, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment(variables),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_module_can_be_imported_before_django_is_set_up():
    assert run("import sys, streamsite.streams.asgi; print('django' in sys.modules)") == "False\n"


@pytest.mark.parametrize(
    ("command", "installed"),
    [
        ("daphne.server", False),
        ("daphne.cli", True),
        ("daphne.management.commands.runserver", True),
    ],
)
def test_the_additions_to_daphne_are_installed_when_daphne_runs_the_site(
    tmp_path, command, installed
):
    program = f"""
import sys, {command}
from django.core.asgi import get_asgi_application
from streamsite.streams.asgi import streams_application
streams_application(get_asgi_application())
print("streamsite.daphne" in sys.modules)
"""
    variables = {"DJANGO_SETTINGS_MODULE": "streamsite.settings", "VAR_DIR": str(tmp_path)}
    assert run(program, **variables) == f"{installed}\n"
