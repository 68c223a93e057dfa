"""What the engine does on granian, with a server that has granian's lock and its futures."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest
from granian import _granian

from streamsite.streams.http.granian import Connection, closable, is_body, rest_of
from streamsite.streams.http.outlets import (
    NO_TEXT,
    AheadOutlet,
    WebSocketOutlet,
    can_step,
    websocket_outlet,
)  # fmt: skip
from tests.waiting import PATIENCE

CONNECT = {"type": "websocket.connect"}
CLOSE = {"type": "websocket.close", "code": 1000}
DISCONNECT = {"type": "websocket.disconnect", "code": 1005}


class Ready:
    """A message that has arrived: granian's awaitable for it has no cancel()."""

    def __await__(self) -> Generator[None, None, dict[str, Any]]:
        return CONNECT
        yield


class Server:
    """A server that takes the same lock to receive a message and to send a close."""

    def __init__(self) -> None:
        self.connected = False
        self.sent: list[dict[str, Any]] = []
        self.receiving = asyncio.Event()
        self._lock = asyncio.Lock()
        self._closed = asyncio.Event()

    def receive(self) -> Awaitable[dict[str, Any]]:
        if not self.connected:
            self.connected = True
            return Ready()
        return asyncio.ensure_future(self._receive())

    async def _receive(self) -> dict[str, Any]:
        async with self._lock:
            self.receiving.set()
            await self._closed.wait()
            return DISCONNECT

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "websocket.close":
            async with self._lock:
                self._closed.set()
        self.sent.append(message)


async def connect() -> tuple[Server, Connection]:
    """Return a server and a connection that has received its first message."""
    server = Server()
    connection = Connection(server.receive, server.send)
    assert await connection.receive() == CONNECT
    return server, connection


async def test_a_close_is_sent_during_a_receive_which_then_returns_the_disconnect():
    server, connection = await connect()
    async with asyncio.timeout(30):
        receiving = asyncio.create_task(connection.receive())
        await server.receiving.wait()
        await connection.send(CLOSE)
        assert await receiving == DISCONNECT
    assert server.sent == [CLOSE]
    assert receiving.cancelling() == 0


async def test_a_close_is_sent_by_the_task_that_receives():
    server, connection = await connect()
    await connection.send(CLOSE)
    assert server.sent == [CLOSE]
    assert await connection.receive() == DISCONNECT


async def test_a_task_that_is_cancelled_while_a_close_is_sent_stays_cancelled():
    server, connection = await connect()
    async with asyncio.timeout(30):
        receiving = asyncio.create_task(connection.receive())
        await server.receiving.wait()
        closing = asyncio.ensure_future(connection.send(CLOSE))
        receiving.cancel()
        await closing
        with pytest.raises(asyncio.CancelledError):
            await receiving


def test_the_connections_of_other_servers_are_not_wrapped():
    server = Server.receive, Server.send
    assert closable(*server) == server


def test_granian_has_the_class_by_which_its_send_is_known():
    assert callable(_granian.ASGIHTTPProtocol.send)


def test_the_send_of_no_other_server_is_taken_for_granian_s():
    assert not is_body(Server().send)
    assert isinstance(websocket_outlet(list, Server().send), WebSocketOutlet)
    assert not can_step(print)
    assert websocket_outlet(list, print) is None


class Ahead:
    """A server that has taken a message when `send` returns, as granian, and then sends it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, asyncio.Future[None]]] = []
        self.left = False
        self.connection = Connection(self.send, self.send)

    def send(self, message: dict[str, Any]) -> Awaitable[Any]:
        if self.left:
            return Ready()
        under_way = asyncio.get_running_loop().create_future()
        self.taken.append((message["text"], under_way))
        return under_way

    @property
    def texts(self) -> list[str]:
        return [text for text, _ in self.taken]

    def finish(self) -> None:
        """Finish the first message that is under way."""
        next(future for _, future in self.taken if not future.done()).set_result(None)


def outlet() -> tuple[Ahead, AheadOutlet]:
    server = Ahead()
    found = websocket_outlet(list, server.connection.send)
    assert isinstance(found, AheadOutlet)
    return server, found


async def test_a_viewer_on_granian_stays_in_the_fan_out_while_one_frame_is_under_way():
    server, viewer = outlet()
    for number in range(3):
        assert viewer.write([f"{number}"])
        server.finish()
    assert server.texts == ["0", "1", "2"]


async def test_no_frame_overtakes_one_that_is_under_way():
    server, viewer = outlet()
    assert viewer.write(["one"])
    assert not viewer.write(["two"])
    assert server.texts == ["one"]
    drained = asyncio.ensure_future(viewer.drained())
    for text in ("one", "two"):
        await until(lambda text=text: server.texts[-1] == text)
        assert not drained.done()
        server.finish()
    await drained
    assert viewer.write(["three"])
    assert server.texts == ["one", "two", "three"]


async def test_the_frames_of_one_message_are_sent_one_after_another():
    server, viewer = outlet()
    assert not viewer.write(["one", "two", "three"])
    drained = asyncio.ensure_future(viewer.drained())
    for number, text in enumerate(("one", "two", "three"), start=1):
        await until(lambda text=text: server.texts[-1] == text)
        assert len(server.texts) == number
        server.finish()
    await drained


async def test_the_last_frame_has_gone_out_when_the_outlet_is_drained():
    server, viewer = outlet()
    assert viewer.write(["last"])
    drained = asyncio.ensure_future(viewer.drained())
    await asyncio.sleep(0)
    assert not drained.done()
    server.finish()
    await drained


async def test_frames_for_a_client_that_has_left_granian_raise_nothing():
    server, viewer = outlet()
    server.left = True
    assert viewer.write(["one"])
    assert viewer.write(["two"])
    await viewer.drained()
    viewer.write(["three", "four"])
    await viewer.drained()
    assert server.texts == []


async def test_a_keep_alive_on_granian_sends_nothing():
    server, viewer = outlet()
    assert viewer.write([NO_TEXT])
    assert server.texts == []


async def test_a_part_that_granian_has_taken_leaves_nothing_to_await():
    assert rest_of(Ready()) is None
    future = asyncio.get_running_loop().create_future()
    assert rest_of(future) is future


async def until(condition: Callable[[], bool]) -> None:
    """Give other tasks their turns until the condition is true."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)
