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

from typing import Any

from .flow import unread

NAME = "streamsite.door"


class Door:
    """The way around `send` for one connection, which is a `Request` or a `Socket`."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @property
    def is_open(self) -> bool:
        """Whether the connection takes framed bytes. HTTP/1.0 and HTTP/2 have no chunks."""
        return bool(self._connection.takes_frames)

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
        return self._connection.write_framed

    async def drained(self) -> None:
        """Wait until the connection takes more. A client that reads nothing is cut off."""
        await self._connection.drained()

    @property
    def unread(self) -> int:
        """The bytes that wait for the client to read, in this process and in the kernel."""
        return unread(self._connection.lowest)

    def abort(self) -> None:
        """Reset the connection, so that the client notices that it has not got everything."""
        self._connection.abort()
