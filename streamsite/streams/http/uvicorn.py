"""The transport below uvicorn's `send`, for what uvicorn itself does not do.

uvicorn waits for ever for a client that reads nothing, and closes a connection only when everything
was sent. It pings a WebSocket every 20 s, and some proxies cut off a silence of 15 s. The functions
reach the transport, which is an attribute of uvicorn's protocols and undocumented. On other
servers, and below middleware that replaces `send`, there is no transport to reach: then the
functions do nothing.

`Door` uses more undocumented attributes of uvicorn's protocol for httptools: `chunked_encoding`,
`disconnected`, `flow`, `response_complete`, and `write_paused` of the flow.
"""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Awaitable
from typing import Any

from ..conf import setting

# Bytes that the kernel holds of what the client has not been sent yet. Without the limit Linux
# holds up to 4 MiB for a client that reads nothing.
UNSENT = 65_536
# The option's number on Linux, for Python 3.11 (tcp(7)).
TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)
# Close with a reset: a client that reads nothing would never confirm an orderly close.
RESET = struct.pack("ii", 1, 0)
# How often a connection is looked at within STREAM_STALL_TIMEOUT.
LOOKS = 4


def transport_of(send: Any) -> Any:
    """Return the transport of the connection to which uvicorn's `send` sends, or None."""
    protocol = getattr(send, "__self__", None)
    if not type(protocol).__module__.startswith("uvicorn.protocols."):
        return None
    return getattr(protocol, "transport", None)


class Door:
    """A door as of streamsite/daphne/door.py, for a body that uvicorn sends in chunks.

    With 1000 viewers, a piece cost 15.6 µs through `send` and costs 12.7 µs through the door.
    """

    __slots__ = ("_cycle", "_flow", "_write")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._flow = cycle.flow
        self._write = cycle.transport.write

    @staticmethod
    def frame(body: bytes) -> bytes:
        """Return bytes as a chunk (RFC 9112, section 7.1)."""
        return b"%x\r\n%b\r\n" % (len(body), body)

    def write(self, chunks: bytes) -> bool:
        """Write whole chunks. Return whether the connection takes more."""
        cycle = self._cycle
        if not (cycle.disconnected or cycle.response_complete):
            self._write(chunks)
        return not self._flow.write_paused

    async def drained(self) -> None:
        """Wait until the connection takes more. A client that reads nothing is cut off."""
        if self._flow.write_paused:
            await patiently(self._cycle.send, self._flow.drain())


def open_door(send: Any) -> Door | None:
    """Return the door of a connection whose response has begun, or None if there is none.

    The protocol for h11 has none.
    """
    cycle: Any = getattr(send, "__self__", None)
    if type(cycle).__module__ != "uvicorn.protocols.http.httptools_impl":
        return None
    return Door(cycle) if cycle.chunked_encoding and not cycle.response_complete else None


def hold_little(send: Any) -> None:
    """Have the kernel hold little for a client that reads slowly."""
    transport = transport_of(send)
    if transport is not None and sys.platform == "linux":
        set_option(transport, socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)


def write_frame(send: Any, frame: bytes) -> None:
    """Send the bytes of a WebSocket's frame that ASGI has no message for."""
    transport = transport_of(send)
    if transport is not None and not transport.is_closing():
        transport.write(frame)


async def patiently(send: Any, rest: Awaitable[None]) -> None:
    """Await `rest`, the rest of a `send`, and abort the connection if its client reads nothing."""
    watch = None if transport_of(send) is None else Watch(send)
    try:
        await rest
    finally:
        if watch is not None:
            watch.stop()


def watch_the_rest(send: Any) -> None:
    """Abort the connection if its client does not read the rest of the body."""
    transport = transport_of(send)
    if transport is not None and transport.get_write_buffer_size():
        Watch(send)


def unread(send: Any) -> int | None:
    """Return how many bytes the client's system has not confirmed, or None on another server."""
    transport = transport_of(send)
    if transport is None:
        return None
    waiting: int = transport.get_write_buffer_size()
    if sys.platform == "linux" and (number := file_number(transport)) >= 0:
        waiting += unconfirmed(number)
    return waiting


def abort(send: Any) -> None:
    """Reset the connection."""
    transport = transport_of(send)
    if transport is not None:
        set_option(transport, socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()


class Watch:
    """Abort a connection if its client reads nothing for STREAM_STALL_TIMEOUT seconds.

    A client that reads slowly is not cut off. The watch ends when everything was sent.
    """

    def __init__(self, send: Any) -> None:
        self._send = send
        self._transport = transport_of(send)
        self._left = unread(send) or 0
        self._looks = 0
        self._wait()

    def stop(self) -> None:
        self._timer.cancel()

    def _wait(self) -> None:
        pause = setting("STREAM_STALL_TIMEOUT") / LOOKS
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        before, self._left = self._left, unread(self._send) or 0
        self._looks = self._looks + 1 if self._left >= before else 0
        if self._looks == LOOKS:
            abort(self._send)
        elif self._transport.get_write_buffer_size():
            self._wait()


def unconfirmed(number: int) -> int:
    """Return the bytes in the kernel that were not confirmed, given a socket's file descriptor."""
    from fcntl import ioctl
    from termios import TIOCOUTQ

    found: int = struct.unpack("i", ioctl(number, TIOCOUTQ, bytes(4)))[0]
    return found


def file_number(transport: Any) -> int:
    """Return the file descriptor of a transport's socket, or -1 if there is none."""
    found = transport.get_extra_info("socket")
    return -1 if found is None else found.fileno()


def set_option(transport: Any, level: int, *option: Any) -> None:
    """Set an option of a transport's socket, of which uvloop shows only the file descriptor.

    A Unix socket has no options of TCP, and holds little by itself.
    """
    if (number := file_number(transport)) >= 0:
        with socket.socket(fileno=os.dup(number)) as same:
            if level == socket.SOL_SOCKET or same.family != socket.AF_UNIX:
                same.setsockopt(level, *option)
