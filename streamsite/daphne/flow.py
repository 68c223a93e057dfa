"""Back-pressure (daphne#170).

Daphne accepts everything that an application sends, however slowly the client reads, and keeps the
rest in memory. Twisted calls a push producer when the buffer of a connection is full, and again
when the buffer is empty. `Flow` is such a producer. The interface is documented in
`twisted.internet.interfaces.IPushProducer`.

The functions use undocumented attributes of Twisted's TCP connection: `socket`, and, for the data
that waits to be written, `dataBuffer`, `offset` and the private `_tempDataLen`.
"""

import asyncio
import socket
import struct
import sys
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

# How often a connection is looked at within the time for which its client may read nothing.
LOOKS = 4
# Bytes that the kernel holds of what the client has not been sent yet. Without the limit Linux
# holds up to 4 MiB for a client that reads nothing.
UNSENT = 65_536
# The option's number on Linux, for Python 3.11 (tcp(7)).
TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)


@implementer(IPushProducer)
class Flow:
    """Whether a connection accepts more data. Twisted sets this, and asyncio tasks await it."""

    __slots__ = ("_drained",)

    # Seconds for which a client may read nothing of the data in the buffer. Then its connection is
    # reset. `install` sets the time.
    patience = 15.0

    def __init__(self) -> None:
        self._drained: asyncio.Future[None] | None = None

    @property
    def blocked(self) -> bool:
        return self._drained is not None

    async def drained(self, transport: Any) -> None:
        """Wait until the buffer of `transport` is empty or the connection is lost.

        Raise `TimeoutError` if the client reads nothing for `patience` seconds. A client that reads
        slowly is waited for.
        """
        if (drained := self._drained) is None:
            return
        left, looks = unread(transport), 0
        while looks < LOOKS:
            # `asyncio.timeout` would need a task, and the fan-out runs the first step without one.
            await asyncio.wait((drained,), timeout=self.patience / LOOKS)
            if drained.done():
                return
            before, left = left, unread(transport)
            looks = looks + 1 if left >= before else 0
        raise TimeoutError

    def pauseProducing(self) -> None:  # noqa: N802 - Twisted's name
        if self._drained is None:
            self._drained = asyncio.get_running_loop().create_future()

    def resumeProducing(self) -> None:  # noqa: N802 - Twisted's name
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)

    stopProducing = resumeProducing  # noqa: N815 - Twisted's name


def connection_of(transport: Any) -> Any:
    """Return the TCP connection of a transport, which may be one of TLS, or None."""
    found = getattr(transport, "transport", transport)
    return found if isinstance(found, tcp.Connection) and found.connected else None


def unread(transport: Any) -> int:
    """Return how many bytes the client's system has not confirmed."""
    found = connection_of(transport)
    if found is None:
        return 0
    waiting: int = len(found.dataBuffer) - found.offset + found._tempDataLen
    return waiting + (unconfirmed(found.socket.fileno()) if sys.platform == "linux" else 0)


def unconfirmed(number: int) -> int:
    """Return the bytes in the kernel that were not confirmed, given a socket's file descriptor."""
    from fcntl import ioctl
    from termios import TIOCOUTQ

    found: int = struct.unpack("i", ioctl(number, TIOCOUTQ, bytes(4)))[0]
    return found


def hold_little(transport: Any) -> None:
    """Have the kernel hold little for a client that reads slowly.

    A Unix socket has no such option, and holds little by itself.
    """
    found = connection_of(transport)
    if found is None or sys.platform != "linux":
        return
    if found.socket.family != socket.AF_UNIX:
        found.socket.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)
