"""The connections to which the fan-out sends: through ASGI, or through Daphne's door."""

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import Any

from ..pieces import Batch
from ..reading.fanout import step
from . import uvicorn

# The key of a connection's door in the extensions of its scope.
DOOR = "streamsite.door"
# A keep-alive of a WebSocket whose text frames must be records: a frame that applications don't
# see. A pong that nobody asked for is a heartbeat in one direction (RFC 6455, section 5.5.3).
NO_TEXT = ""
PONG = b"\x8a\x00"


class ClientLeft(Exception):
    """The client has left, and its disconnect message is on its way or there."""


class Body:
    """The body of a response, sent through ASGI."""

    __slots__ = ("_send", "encode")

    def __init__(self, encode: Callable[[Batch], bytes], send: Any) -> None:
        self.encode = encode
        self._send = send

    def put(self, message: bytes) -> Awaitable[None] | None:
        if not message:
            return None
        rest = step(self._send({"type": "http.response.body", "body": message, "more_body": True}))
        return rest and uvicorn.patiently(self._send, rest)


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


def cut(scope: Any, send: Any) -> None:
    """Cut off a body without its end, so that no client takes it for complete."""
    if door := open_door(scope):
        door.abort()
    else:
        uvicorn.abort(send)


def can_step(send: Any) -> bool:
    """Tell whether a server's `send` returns a coroutine, as the fan-out needs.

    `send` of granian returns a future, and always makes the application wait.
    """
    return iscoroutinefunction(send)
