"""The parts of `streamsite.daphne` that need no server: the selector and the connection table."""

import asyncio
import socket
import time
from typing import Any

import pytest
from autobahn.websocket.protocol import WebSocketProtocol
from twisted.internet import tcp
from twisted.internet.abstract import FileDescriptor
from twisted.web import http

from streamsite.daphne.door import Door
from streamsite.daphne.flow import Flow
from streamsite.daphne.http import chunk
from streamsite.daphne.server import CHECKED_AT_ONCE, Server
from streamsite.daphne.timers import Selector, sharpen
from streamsite.daphne.websocket import text_frame

# The selector.


def test_the_selector_is_never_early():
    with Selector() as selector:
        for wait in (0.0001, 0.0009, 0.0021):
            until = time.monotonic() + wait
            assert selector.select(wait) == []
            assert time.monotonic() >= until


def test_the_selector_finds_a_ready_socket_with_any_timeout():
    ours, theirs = socket.socketpair()
    with ours, theirs, Selector() as selector:
        key = selector.register(ours, 1)
        assert selector.select(0) == []
        theirs.send(b"x")
        for wait in (None, -1, 0, 0.001, 60):
            assert selector.select(wait) == [(key, 1)]


async def test_a_loop_with_the_selector_runs_timers_and_sockets():
    loop = asyncio.new_event_loop()
    sharpen(loop)
    assert type(loop._selector) is Selector

    async def talk() -> bytes:
        server = await asyncio.start_server(
            lambda _, writer: (writer.write(b"hello"), writer.close()), "127.0.0.1", 0
        )
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await asyncio.sleep(0.0015)
            said = await reader.read()
            writer.close()
        return said

    try:
        assert await asyncio.to_thread(loop.run_until_complete, talk()) == b"hello"
    finally:
        loop.close()


# The connections.


class Connection:
    """A connection with the methods that the server calls."""

    def __init__(self) -> None:
        self.checked = 0
        self.told: list[BaseException] = []

    def check_timeouts(self) -> None:
        self.checked += 1

    def handle_exception(self, error: BaseException) -> None:
        self.told.append(error)


@pytest.fixture
def server() -> Server:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if (await receive())["type"] == "raise":
            raise ValueError("broken")
        await asyncio.Event().wait()

    server = Server(application, ["tcp:0"])
    server.connections = {}
    return server


async def test_an_error_of_an_application_reaches_its_connection_at_once(server, caplog):
    connection = Connection()
    server.protocol_connected(connection)
    server.create_application(connection, {"type": "http"}).put_nowait({"type": "raise"})
    while not connection.told:
        await asyncio.sleep(0)
    assert "broken" in caplog.text
    server.protocol_disconnected(connection)
    assert not server.connections


async def test_only_an_application_whose_client_left_long_ago_is_cancelled(server, caplog):
    leaving, staying = Connection(), Connection()
    for connection in (leaving, staying):
        server.protocol_connected(connection)
        server.create_application(connection, {"type": "http"}).put_nowait({"type": "stay"})
    server.protocol_disconnected(leaving)
    server.application_checker()
    await asyncio.sleep(0)
    assert set(server.connections) == {leaving, staying}
    server.application_close_timeout = -1  # A client that left just now left too long ago.
    server.application_checker()
    while leaving in server.connections:
        await asyncio.sleep(0)
    assert "took too long" in caplog.text
    assert set(server.connections) == {staying}


async def test_all_connections_are_checked_even_new_ones(server, monkeypatch):
    monkeypatch.setattr("streamsite.daphne.server.CHECK_INTERVAL", 0.01)
    first = [Connection() for _ in range(3 * CHECKED_AT_ONCE + 1)]
    for connection in first:
        server.protocol_connected(connection)
    gone = first.pop(0)
    server.timeout_checker()
    assert sum(connection.checked for connection in first) == CHECKED_AT_ONCE
    server.protocol_disconnected(gone)
    later = Connection()
    server.protocol_connected(later)
    while not all(connection.checked for connection in (*first, later)):
        await asyncio.sleep(0)
    assert not gone.checked


# The door: bytes that have their frames already. The tests name what the door uses of Twisted and
# Autobahn, so that an upgrade that changes a name fails here.


def test_the_frames_are_those_of_the_standards():
    assert chunk(b"hello") == b"5\r\nhello\r\n"
    assert text_frame(b"hello") == b"\x81\x05hello"
    assert text_frame(b"x" * 200)[:4] == b"\x81\x7e\x00\xc8"
    assert text_frame(b"x" * 70_000)[:10] == b"\x81\x7f" + (70_000).to_bytes(8)


def test_twisted_and_autobahn_have_the_names_that_the_door_uses():
    request = http.Request(StringTransportChannel(), queued=False)
    assert (request.startedWriting, request.chunked, request.finished) == (0, 0, 0)
    assert request.sentLength == 0
    assert FileDescriptor(None).dataBuffer == b""
    assert FileDescriptor(None)._tempDataLen == FileDescriptor(None).offset == 0
    assert callable(WebSocketProtocol._sendAutoPing)
    assert callable(tcp.Connection.doWrite)
    assert WebSocketProtocol.STATE_OPEN != WebSocketProtocol.STATE_CLOSED


async def test_a_door_that_takes_no_more_says_so():
    connection = SlowConnection()
    door = Door(connection)
    assert door.is_open
    assert door.write(door.frame(b"one"))
    connection.flow.pauseProducing()
    assert not door.write(door.frame(b"two"))
    drained = asyncio.create_task(door.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    connection.flow.resumeProducing()
    await drained
    assert connection.written == [b"3\r\none\r\n", b"3\r\ntwo\r\n"]


class StringTransportChannel:
    """The channel of a request that writes nowhere."""

    def __getattr__(self, name: str) -> Any:
        return None if name == "transport" else lambda *_: None


class SlowConnection:
    """A connection with the methods that a door calls."""

    takes_frames = True
    frame = staticmethod(chunk)

    def __init__(self) -> None:
        self.flow = Flow()
        self.written: list[bytes] = []

    def write_framed(self, data: bytes) -> bool:
        self.written.append(data)
        return not self.flow.blocked

    async def drained(self) -> None:
        await self.flow.drained(None)
