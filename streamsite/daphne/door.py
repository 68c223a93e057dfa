"""The door: a connection takes bytes that have their frames already.

An application that sends the same to many connections makes the frames once for all of them. A
framed part costs less than half of a part that goes through `send`, Daphne and Twisted.

    door = scope["extensions"].get("streamsite.door")
    if door is not None and door.is_open:
        framed = door.frame(b"data: hello\\n\\n")
        if not door.write(framed):
            await door.drained()

The door is open after the first part of a chunked body or after the accept of a WebSocket, and
until the last message. A door takes whole parts of a body, or whole text messages.
"""

from collections.abc import Callable
from typing import Any

from .flow import Flow, unread
from .writing import FrameWriter, is_tcp

NAME = "streamsite.door"


class Framed:
    """What a `Request` and a `Socket` have in common: they take whole frames, and have a door.

    A frame is a chunk of a response, or a message of a WebSocket.
    """

    flow: Flow
    # Twisted's: the transport of the connection, and None for a request of HTTP/2.
    transport: Any
    _writer: FrameWriter | None = None

    @staticmethod
    def frame(data: bytes, /) -> bytes:
        """Return bytes as a frame."""
        raise NotImplementedError

    @property
    def takes_frames(self) -> bool:
        """Whether the connection takes frames now."""
        raise NotImplementedError

    def write_framed(self, data: bytes) -> bool:
        """Write whole frames. Return whether the connection takes more."""
        raise NotImplementedError

    def writer(self) -> Callable[[bytes], bool]:
        """Return the function that writes whole frames, and that works until `close_writer`."""
        if self._writer is None and self.takes_frames and is_tcp(self.transport):
            self._writer = FrameWriter(self.transport, self.write_framed)
        return self.write_framed if self._writer is None else self._writer.write

    def close_writer(self) -> int:
        """Let the function write nothing from now on. Return the bytes that it has sent at once."""
        if self._writer is None:
            return 0
        writer, self._writer = self._writer, None
        writer.close()
        return writer.sent

    async def drained(self) -> None:
        """Wait until the connection takes more, and abort it if the client reads nothing."""
        try:
            await self.flow.drained(self.transport)
        except TimeoutError:
            self.abort()

    def abort(self) -> None:
        """Reset the connection, without what still waits to be written."""
        if self._writer is not None:
            self._writer.stop()


class Door:
    """The way around `send` for one connection."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Framed) -> None:
        self._connection = connection

    @property
    def is_open(self) -> bool:
        """Whether the connection takes framed bytes. HTTP/1.0 and HTTP/2 have no chunks."""
        return self._connection.takes_frames

    @property
    def frame(self) -> Any:
        """The function that puts the frame around the bytes of a part or a message.

        The framed bytes fit all doors that have the same function.
        """
        return self._connection.frame

    @property
    def write(self) -> Any:
        """The function that sends framed bytes, at once if the connection is idle.

        The function returns whether the connection takes more. On a connection that is closing,
        the function does nothing.
        """
        return self._connection.writer()

    async def drained(self) -> None:
        """Wait until the connection takes more. A client that reads nothing is cut off."""
        await self._connection.drained()

    @property
    def unread(self) -> int:
        """The bytes that wait for the client to read, in this process and in the kernel."""
        return unread(self._connection.transport)

    def abort(self) -> None:
        """Reset the connection, so that the client notices that it has not got everything."""
        self._connection.abort()
