"""The connections of viewers: through ASGI, or through Daphne's door."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from ..pieces import Batch
from ..reading.fanout import step
from . import uvicorn

T = TypeVar("T")

# The key of a connection's door in the extensions of its scope.
DOOR = "streamsite.door"
# A keep-alive of a WebSocket whose text frames must be records: a frame that applications don't
# see. A pong that nobody asked for is a heartbeat in one direction (RFC 6455, section 5.5.3).
NO_TEXT = ""
PONG = b"\x8a\x00"


class ClientLeft(Exception):
    """The client has left, and its disconnect message is on its way or there."""


class Parts:
    """The parts of a response's body, sent through ASGI."""

    __slots__ = ("_send",)

    def __init__(self, send: Any) -> None:
        self._send = send

    def put(self, message: bytes) -> Awaitable[None] | None:
        if not message:
            return None
        rest = step(self._send({"type": "http.response.body", "body": message, "more_body": True}))
        return rest and uvicorn.patiently(self._send, rest)


class Body(Parts):
    """The body of a response that the fan-out serves, sent through ASGI."""

    __slots__ = ("encode",)

    def __init__(self, encode: Callable[[Batch], bytes], send: Any) -> None:
        super().__init__(send)
        self.encode = encode


class Frames:
    """A WebSocket, whose text frames are sent through ASGI."""

    __slots__ = ("_send", "encode")

    def __init__(self, encode: Callable[[Batch], list[str]], send: Any) -> None:
        self.encode = encode
        self._send = send

    def put(self, message: list[str]) -> Awaitable[None] | None:
        if message == [NO_TEXT]:
            uvicorn.write_frame(self._send, PONG)
            return None
        rest = step(self._send_all(message))
        return rest and uvicorn.patiently(self._send, rest)

    async def _send_all(self, texts: list[str]) -> None:
        try:
            for text in texts:
                await self._send({"type": "websocket.send", "text": text})
        except (OSError, RuntimeError) as error:
            # A server raises OSError when the client has left (ASGI specification, "Disconnected
            # Client - send exception"). uvicorn also raises RuntimeError.
            raise ClientLeft from error


class Framed:
    """A connection of Daphne that takes framed bytes: see streamsite/daphne/door.py."""

    __slots__ = ("_door", "_write", "encode")

    def __init__(self, encode: Callable[[Batch], bytes], door: Any) -> None:
        self.encode = encode
        self._door = door
        self._write = door.write

    def put(self, message: bytes) -> Awaitable[None] | None:
        if not message or self._write(message):
            return None
        return self._door.drained()  # type: ignore[no-any-return]


def open_door(scope: Any) -> Any:
    """Return the door of a connection, or None if the server has none or the door is closed."""
    door = (scope.get("extensions") or {}).get(DOOR)
    return door if door is not None and door.is_open else None


def part_sender(scope: Any, send: Any) -> Callable[[bytes], Awaitable[None] | None]:
    """Return the function that sends a part of a body, whose first part has been sent already.

    The function returns None when the connection takes more, and else what remains to await. On
    Daphne the part goes through the door.
    """
    door = open_door(scope)
    if door is None and can_step(send):
        return Parts(send).put
    if door is None:
        return lambda part: send({"type": "http.response.body", "body": part, "more_body": True})
    frame, write = door.frame, door.write

    def put(part: bytes) -> Awaitable[None] | None:
        # The frame of no bytes would end the body.
        return None if not part or write(frame(part)) else door.drained()

    return put


async def while_connected(request: Any, work: Awaitable[T]) -> T:
    """Return what `work` returns, for a request that may wait for long.

    Raises ClientLeft, after `work` was cancelled, if the client leaves before.
    """
    receive = getattr(request, "receive", None)
    if receive is None:  # Django's own handler cancels a view whose client has left.
        return await work
    task = asyncio.current_task()
    assert task is not None
    ended = False

    def stop(_message: object) -> None:
        if not ended:
            task.cancel()

    # The request has been read, so the only message that can follow is http.disconnect.
    leaving = asyncio.ensure_future(receive())
    leaving.add_done_callback(stop)
    try:
        return await work
    except asyncio.CancelledError:
        if not leaving.done():
            raise
        task.uncancel()
        raise ClientLeft from None
    finally:
        ended = True
        leaving.cancel()


def cut(scope: Any, send: Any) -> None:
    """Cut off a body without its end, so that no client takes it for complete."""
    if door := open_door(scope):
        door.abort()
    else:
        uvicorn.abort(send)


def can_step(send: Any) -> bool:
    """Return whether a server's `send` returns a coroutine, as the fan-out needs.

    `send` of granian returns a future, and always makes the application wait.
    """
    return iscoroutinefunction(send)
