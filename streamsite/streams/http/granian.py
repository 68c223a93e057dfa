"""What the engine knows of granian.

Sending: granian 2.8 has taken a message when `send` returns. For a part of a body, `send` returns a
future if the connection takes no more, and else an awaitable that never suspends. For a frame of a
WebSocket, `send` returns a future, or such an awaitable if the client has left.

Closing a WebSocket: granian 2.8 takes one lock to receive a message and to send a close frame. A
close therefore waits until the client sends something. `closable` wraps granian's `receive` and
`send` so that a close cancels the `receive` that is under way. The `receive` starts again after the
close. Delete `closable` and its only use, in consumers.py, when granian sends a close frame during
a `receive`: tests/test_endpoints.py then passes on granian without `closable`.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any


def class_of(function: Any) -> str:
    """Return the name of granian's class of which a function is a method, or "" for all others."""
    owner = type(getattr(function, "__self__", None))
    return owner.__name__ if owner.__module__ == "granian._granian" else ""


def is_body(send: Any) -> bool:
    """Return whether `send` is granian's, for an HTTP request."""
    return class_of(send) == "ASGIHTTPProtocol"


def rest_of(sending: Any) -> Awaitable[None] | None:
    """Return what remains to await of a message that was given to granian's `send`, or None."""
    return sending if asyncio.isfuture(sending) else None


def is_websocket(send: Any) -> bool:
    """Return whether `send` is granian's for a WebSocket, as `closable` wraps it."""
    return isinstance(getattr(send, "__self__", None), Connection)


def closable(receive: Any, send: Any) -> tuple[Any, Any]:
    """Return `receive` and `send` of a WebSocket, wrapped if they are granian's."""
    if not class_of(receive):
        return receive, send
    connection = Connection(receive, send)
    return connection.receive, connection.send


class Connection:
    """One WebSocket on granian.

    granian's `receive` returns a future, or an awaitable without `cancel()` if there is a message
    already. The second kind never suspends the application, so no close can find it.
    """

    __slots__ = ("_closed", "_receive", "_receiving", "_send")

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._receiving: asyncio.Future[Any] | None = None
        self._closed: asyncio.Event | None = None

    async def receive(self) -> Any:
        while True:
            self._receiving = self._receive()
            try:
                return await self._receiving
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                # The server cancels the task. A close cancels only the future.
                if self._closed is None or task.cancelling():
                    raise
            finally:
                self._receiving = None
            # A new receive would take the lock before the close does.
            await self._closed.wait()

    def send(self, message: Any) -> Awaitable[None]:
        # Not a coroutine function: each frame would pass through one more coroutine.
        return self._close(message) if message["type"] == "websocket.close" else self._send(message)

    async def _close(self, message: Any) -> None:
        self._closed = asyncio.Event()
        if self._receiving is not None:
            self._receiving.cancel()
        try:
            await self._send(message)
        finally:
            self._closed.set()
