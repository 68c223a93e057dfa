"""Answers under Daphne, on connections of Twisted without a socket."""

import asyncio
import inspect
from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from streamsite.daphne.answers import whole_answer
from streamsite.daphne.http import PROCESS, Factory, Request
from streamsite.daphne.server import Server
from tests.raw.http import parse_responses

TYPE = (b"Content-Type", b"application/json")
LENGTH = (b"Content-Length", b"2")
REQUEST = b"GET /a%20b?c=d&c=e HTTP/1.1\r\nHost: localhost\r\n\r\n"


def start(*headers: tuple[bytes, bytes], status: int = 200) -> dict[str, Any]:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data: bytes = b"{}", **more: bool) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, **more}


class Client:
    """A client of an application that answers each request with the same messages."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *messages: dict[str, Any]) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.errors: list[Exception] = []
        self.logged: list[dict[str, Any]] = []

        async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
            self.scopes.append(scope)
            assert await receive() == {"type": "http.request", "body": b"", "more_body": False}
            try:
                for message in messages:
                    await send(message)
            except Exception as error:
                self.errors.append(error)
                raise

        monkeypatch.setattr("daphne.http_protocol.WebRequest", Request)
        server = Server(application, ["tcp:0"], action_logger=lambda *args: self.log(*args))
        server.connections = {}
        self.transport = StringTransport()
        self.protocol = Factory(server).buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def log(self, _protocol: str, _action: str, details: dict[str, Any]) -> None:
        self.logged.append(details)

    async def get(self, request: bytes = REQUEST) -> bytes:
        self.transport.clear()
        self.protocol.dataReceived(request)
        for _ in range(20):
            await asyncio.sleep(0)
        return bytes(self.transport.value())


@pytest.mark.parametrize(
    "messages",
    [
        [start(TYPE, LENGTH), body()],
        [start(TYPE, LENGTH, status=404), body()],
        [start(TYPE, LENGTH, (b"Server", b"own")), body()],
        [start(LENGTH, (b"Set-Cookie", b"a=b"), (b"Set-Cookie", b"c=d")), body()],
        [start((b"Content-Length", b"0")), body(b"")],
        [start(LENGTH, status=599), body()],
        # What only Twisted can send.
        [start(TYPE), body()],
        [start((b"Content-Length", b"3")), body()],
        [start(LENGTH, (b"X-Split", b"a\r\nX-Second: b")), body()],
        [start(LENGTH), body(b"{", more_body=True), body(b"}")],
        [start(status=204), body(b"")],
        [start(status=304), body(b"")],
    ],
    ids=[
        "usual", "status", "server", "cookies", "empty", "no-reason", "no-length", "wrong-length",
        "line-break", "parts", "no-content", "not-modified",
    ],
)  # fmt: skip
async def test_an_answer_that_is_sent_whole_is_the_answer_that_twisted_sends(
    monkeypatch, messages: list[dict[str, Any]]
):
    ours = Client(monkeypatch, *messages)
    wholly = await ours.get()
    monkeypatch.setattr("streamsite.daphne.http.whole_answer", lambda *_: None)
    twisteds = Client(monkeypatch, *messages)
    by_twisted = await twisteds.get()
    if messages[0]["headers"] == [(b"Content-Length", b"3")]:
        assert wholly == by_twisted  # Half an answer.
    else:
        (one,), (other,) = parse_responses(wholly), parse_responses(by_twisted)
        assert (one.status, one.headers, one.body) == (other.status, other.headers, other.body)
    for details in (*ours.logged, *twisteds.logged):
        del details["time_taken"]
    assert ours.logged == twisteds.logged != []


async def test_the_application_gets_the_request_as_daphne_passes_it_on(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    await client.get()
    (scope,) = client.scopes
    assert (scope["method"], scope["path"], scope["query_string"]) == ("GET", "/a b", b"c=d&c=e")
    assert (scope["http_version"], scope["raw_path"]) == ("1.1", b"/a%20b")
    assert scope["headers"] == [(b"host", b"localhost")]


async def test_a_connection_serves_one_request_after_another(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    answers = parse_responses(await client.get(REQUEST * 3) + await client.get())
    assert [answer.body for answer in answers] == [b"{}"] * 4
    assert not client.transport.disconnecting


async def test_a_client_that_asks_for_it_gets_its_connection_closed(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    (answer,) = parse_responses(await client.get(request))
    assert answer.headers["connection"] == "close"
    assert client.transport.disconnecting


async def test_head_gets_no_body(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    data = await client.get(REQUEST.replace(b"GET", b"HEAD"))
    assert data.endswith(b"\r\n\r\n")
    assert b"ontent-" in data


async def test_an_application_that_fails_after_its_head_is_a_500(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), {"type": "http.response.body", "body": None})
    (answer,) = parse_responses(await client.get())
    assert answer.status == 500
    assert len(client.errors) == 1


async def test_a_header_that_is_no_bytes_is_the_applications_error(monkeypatch):
    client = Client(monkeypatch, start(("X-Text", "text")), body())  # type: ignore[arg-type]
    (answer,) = parse_responses(await client.get())
    assert answer.status == 500
    assert isinstance(client.errors[0], ValueError)


async def test_a_message_after_the_end_of_an_answer_is_ignored(monkeypatch):
    late = body(b"late"), body(b"late", more_body=True)
    client = Client(monkeypatch, start(TYPE), body(more_body=True), body(b""), *late)
    (answer,) = parse_responses(await client.get())
    assert (answer.body, client.errors) == (b"{}", [])


async def test_a_door_writes_nothing_after_the_end_of_its_answer(monkeypatch):
    client = Client(monkeypatch, start(TYPE), body(more_body=True), body(b""))
    await client.get()
    door = client.scopes[0]["extensions"]["streamsite.door"]
    client.transport.clear()
    assert not door.is_open
    assert door.write(door.frame(b"late"))
    door.abort()
    assert client.transport.value() == b""
    assert [answer.body for answer in parse_responses(await client.get())] == [b"{}"]


async def test_a_packet_of_requests_for_no_address_is_answered_once(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    data = await client.get(b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)
    assert data == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    assert client.transport.disconnecting


async def test_a_request_that_daphne_refuses_gets_its_400(monkeypatch):
    client = Client(monkeypatch, start(LENGTH), body())
    (answer,) = parse_responses(await client.get(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"))
    assert (answer.status, client.scopes) == (400, [])


def test_daphnes_process_is_still_a_generator():
    assert inspect.isgeneratorfunction(PROCESS)


def test_a_whole_answer_is_one_message_of_http():
    head = start(TYPE, LENGTH)
    assert whole_answer(head, b"{}", "daphne") == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        b"Server: daphne\r\n\r\n{}"
    )
    assert head["headers"] == [TYPE, LENGTH]
