"""The socket below a connection: how much of it waits to be sent, and its reset.

ASGI hands out no socket. On Daphne, the door of `streamsite.daphne` has what is needed here. On
uvicorn, `send` is a method of an object with the undocumented attribute `transport`, which is an
asyncio transport. It was last read in uvicorn 0.54. Other servers give no way.
"""

import asyncio
import fcntl
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

# The key of Daphne's door in the extensions of a scope.
DOOR = "streamsite.door"
SIOCOUTQ = 0x5411  # tcp(7): bytes in the send queue of a socket that the client has not confirmed
LINGER_NOT = struct.pack("ii", 1, 0)  # socket(7): close with a reset


class Link:
    """One connection of a run: a request that is being answered, or a WebSocket."""

    def __init__(self, scope: Any, send: Any) -> None:
        self._door = (scope.get("extensions") or {}).get(DOOR)
        self._transport = getattr(getattr(send, "__self__", None), "transport", None)
        # Done when the connection is to end and its socket can't be reached.
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def reachable(self) -> bool:
        """Whether the server gives a way to the socket."""
        return self._door is not None or self._transport is not None

    def reset(self) -> str:
        """Reset the connection. Return "reset", or "ended" where the socket can't be reached."""
        if self._door is not None:
            self._door.abort()
        elif self._transport is not None:
            if found := self._socket():
                with suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self._transport.abort()
        else:
            if not self.ended.done():
                self.ended.set_result(None)
            return "ended"
        return "reset"

    def shrink(self, size: int) -> None:
        """Have the kernel keep few bytes for the client, so that the server notices a slow one."""
        if found := self._socket():
            with suppress(OSError):
                found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)

    def unsent(self) -> int | None:
        """Return the bytes that wait here for the client, or None where they can't be known."""
        if self._door is not None:
            size = self._door.unsent
        elif self._transport is not None:
            size = self._transport.get_write_buffer_size()
        else:
            return None
        return int(size) + in_kernel(self._socket())

    def _socket(self) -> Any:
        if self._door is not None:
            return self._door.socket
        return self._transport.get_extra_info("socket") if self._transport is not None else None


def in_kernel(found: Any) -> int:
    """Return the bytes in a socket's send queue (Linux), or 0."""
    if sys.platform != "linux" or found is None:
        return 0
    with suppress(OSError, ValueError):
        return int(struct.unpack("i", fcntl.ioctl(found.fileno(), SIOCOUTQ, bytes(4)))[0])
    return 0
