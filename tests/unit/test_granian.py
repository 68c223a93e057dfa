"""The wrapper around a WebSocket on granian, with a server that has granian's lock."""

import asyncio
from collections.abc import Awaitable, Generator
from typing import Any

import pytest

from streamsite.streams.http.granian import Connection, closable

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
