"""The connections of viewers: through ASGI, or through Daphne's door."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from ..reading.steps import step
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


class Stepped:
    """A connection to which a server's `send` writes, without a task while the client keeps up."""

    __slots__ = ("_rest", "_send", "encode")

    def __init__(self, encode: Callable[[Any], Any], send: Any) -> None:
        self.encode = encode
        self._send = send
        self._rest: Awaitable[None] | None = None

    def _step(self, sending: Coroutine[Any, Any, None]) -> bool:
        self._rest = step(sending)
        return self._rest is None

    async def drained(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            await uvicorn.patiently(self._send, rest)


class Body(Stepped):
    """The body of a response, whose parts are sent through ASGI."""

    __slots__ = ()

    def write(self, part: bytes) -> bool:
        if not part:
            return True
        return self._step(
            self._send({"type": "http.response.body", "body": part, "more_body": True})
        )


class Frames(Stepped):
    """A WebSocket, whose text frames are sent through ASGI."""

    __slots__ = ()

    def write(self, message: list[str]) -> bool:
        if message == [NO_TEXT]:
            uvicorn.write_frame(self._send, PONG)
            return True
        return self._step(self._send_all(message))

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

    __slots__ = ("drained", "encode", "write")

    def __init__(self, encode: Callable[[Any], bytes], door: Any) -> None:
        self.encode = encode
        self.write, self.drained = door.write, door.drained


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
    if door is None and not can_step(send):
        return lambda part: send({"type": "http.response.body", "body": part, "more_body": True})
    outlet: Body | Framed
    if door is None:
        outlet, frame = Body(bytes, send), bytes
    else:
        outlet, frame = Framed(bytes, door), door.frame

    def put(part: bytes) -> Awaitable[None] | None:
        # The frame of no bytes would end the body.
        return None if not part or outlet.write(frame(part)) else outlet.drained()

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
