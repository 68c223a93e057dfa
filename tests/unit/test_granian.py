"""The wrapper around a WebSocket on granian, with a server that has granian's lock."""

import asyncio
from typing import Any

import pytest

from streamsite.streams.http.granian import Connection, closable

DISCONNECT = {"type": "websocket.disconnect", "code": 1005}


class Server:
    """A server that takes the same lock to receive a message and to send a close."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.receiving = asyncio.Event()
        self._lock = asyncio.Lock()
        self._closed = asyncio.Event()

    def receive(self) -> asyncio.Future[dict[str, Any]]:
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


async def test_a_close_is_sent_during_a_receive_which_then_gives_the_disconnect():
    server = Server()
    connection = Connection(server.receive, server.send)
    async with asyncio.timeout(30):
        receiving = asyncio.create_task(connection.receive())
        await server.receiving.wait()
        await connection.send({"type": "websocket.close", "code": 1000})
        assert await receiving == DISCONNECT
    assert server.sent == [{"type": "websocket.close", "code": 1000}]
    assert receiving.cancelling() == 0


async def test_a_task_that_is_cancelled_while_a_close_is_sent_stays_cancelled():
    server = Server()
    connection = Connection(server.receive, server.send)
    async with asyncio.timeout(30):
        receiving = asyncio.create_task(connection.receive())
        await server.receiving.wait()
        closing = asyncio.ensure_future(connection.send({"type": "websocket.close"}))
        receiving.cancel()
        await closing
        with pytest.raises(asyncio.CancelledError):
            await receiving


def test_the_connections_of_other_servers_are_not_wrapped():
    server = Server.receive, Server.send
    assert closable(*server) == server
