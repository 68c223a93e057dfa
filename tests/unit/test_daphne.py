"""The parts of `streamsite.daphne` that need no server: the selector and the connection table."""

import asyncio
import gc
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest
from autobahn.websocket.protocol import WebSocketProtocol
from twisted.internet import tcp
from twisted.internet.abstract import FileDescriptor
from twisted.web import http

from streamsite.daphne import http as ours
from streamsite.daphne.door import Door
from streamsite.daphne.flow import Flow
from streamsite.daphne.http import chunk
from streamsite.daphne.server import CHECKED_AT_ONCE, Server
from streamsite.daphne.timers import Selector, sharpen
from streamsite.daphne.websocket import Socket, text_frame
from streamsite.daphne.writing import FrameWriter

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


# The attributes of a WebSocket.


def test_an_attribute_that_is_none_for_all_connections_is_kept_once():
    usual, other = Socket.__new__(Socket), Socket.__new__(Socket)
    assert usual._is_common("rare", None)
    assert not other._is_common("rare", False)
    assert not other._is_common("rare", 0)
    assert usual.rare is None
    usual.rare = "set"
    assert usual.rare == "set"
    with pytest.raises(AttributeError):
        assert other.unknown


# The way of framed bytes into a connection.


class Transport:
    """What a `FrameWriter` needs of a TCP connection, with a real socket."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.reactor = self
        self._writers: dict[Any, int] = {}


@pytest.fixture
def written():
    """Return a writer, its transport, the client's socket, and what was written otherwise."""
    ours, client = socket.socketpair()
    with ours, client:
        ours.setblocking(False)
        client.setblocking(False)
        transport, otherwise = Transport(ours), []

        def write(data: bytes) -> bool:
            otherwise.append(data)
            return False

        yield FrameWriter(transport, write), transport, client, otherwise


def test_frames_go_out_at_once(written):
    writer, _, client, otherwise = written
    assert writer.write(b"one")
    assert writer.write(b"two")
    assert client.recv(100) == b"onetwo"
    assert (writer.sent, otherwise) == (6, [])


def test_frames_wait_behind_the_data_that_a_connection_has_to_write(written):
    writer, transport, client, otherwise = written
    transport._writers[transport] = 1
    assert not writer.write(b"one")
    assert otherwise == [b"one"]
    with pytest.raises(BlockingIOError):
        client.recv(100)


def test_what_a_full_socket_does_not_take_is_written_otherwise(written):
    writer, _, client, otherwise = written
    data = bytes(range(250)) * 10_000
    assert not writer.write(data)
    assert not writer.write(b"more")
    read = client.recv(len(data))
    while len(read) < writer.sent:
        read += client.recv(len(data))
    assert read + b"".join(otherwise) == data + b"more"


def test_a_stopped_writer_sends_nothing_past_its_connection(written):
    writer, transport, client, otherwise = written
    transport._writers[transport] = 1
    writer.stop()
    transport._writers.clear()  # The connection drops what waited.
    writer.write(b"late")
    assert otherwise == [b"late"]
    with pytest.raises(BlockingIOError):
        client.recv(100)


def test_a_closed_writer_writes_nothing_and_keeps_no_connection(written):
    writer, transport, client, otherwise = written
    writer.close()
    assert writer.write(b"late")
    assert otherwise == []
    with pytest.raises(BlockingIOError):
        client.recv(100)
    assert transport not in gc.get_referents(writer)


def test_the_writer_of_a_websocket_closes_with_the_first_sign_of_its_end(written):
    writer, _, client, otherwise = written
    websocket = Socket.__new__(Socket)
    websocket.state = Socket.STATE_OPEN
    websocket._writer = writer
    websocket.state = Socket.STATE_OPEN
    assert writer.write(b"one")
    websocket.state = Socket.STATE_CLOSING
    assert writer.write(b"late")
    assert (client.recv(100), otherwise) == (b"one", [])


@pytest.mark.parametrize(("ending", "arguments"), [("finish", ()), ("connectionLost", (None,))])
def test_the_writer_of_a_response_closes_with_the_response(
    written, monkeypatch, ending: str, arguments: tuple[None, ...]
):
    writer, _, client, otherwise = written
    monkeypatch.setattr(ours.TwistedRequest, ending, lambda *_: None)
    request = ours.Request.__new__(ours.Request)
    request.server = SimpleNamespace(protocol_disconnected=lambda _request: None)
    request.application_queue = request.client_addr = request.producer = None
    request.sentLength, request._writer = 0, writer
    assert writer.write(b"one")
    getattr(request, ending)(*arguments)
    assert writer.write(b"late")
    assert (request.sentLength, client.recv(100), otherwise) == (3, b"one", [])


@pytest.mark.parametrize("connection", [ours.Request, Socket])
def test_an_aborted_connection_sends_nothing_more_at_once(written, connection):
    writer, _, client, otherwise = written
    aborted = connection.__new__(connection)
    aborted.channel, aborted.transport = None, SimpleNamespace(abortConnection=lambda: None)
    aborted._writer = writer
    aborted.abort()
    writer.write(b"late")
    assert otherwise == [b"late"]
    with pytest.raises(BlockingIOError):
        client.recv(100)


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

    def writer(self) -> Any:
        return self.write_framed

    def write_framed(self, data: bytes) -> bool:
        self.written.append(data)
        return not self.flow.blocked

    async def drained(self) -> None:
        await self.flow.drained(None)
