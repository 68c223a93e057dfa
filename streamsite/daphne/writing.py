"""Writes that go out at once.

Twisted queues each write and registers the socket with the selector, which takes as long as the
write itself. When nothing is queued, the socket usually accepts the data immediately.

The module uses undocumented attributes of Twisted's TCP connection and of its base class
`twisted.internet.abstract.FileDescriptor`: `socket`, `connected`, `disconnecting`, and, for the
data that waits to be written, `dataBuffer` and the private `_tempDataLen`. The private attribute
`_writers` of the reactor holds the connections that have data to write.
"""

from collections.abc import Callable, Container
from typing import Any

from twisted.internet import tcp


def is_tcp(transport: Any) -> bool:
    """Return whether a transport is a connection of TCP, or of a Unix socket, without TLS.

    A connection with TLS has another class.
    """
    return isinstance(transport, tcp.Connection)


def is_idle(transport: Any) -> bool:
    """Return whether a transport is an open TCP connection with no data waiting to be written.

    The answer is False for a TLS connection, whose transport is another class.
    """
    return (
        is_tcp(transport)
        and not transport.dataBuffer
        and not transport._tempDataLen
        and bool(transport.connected)
    )


def write_at_once(transport: Any, data: bytes) -> bool:
    """Write to a connection, and send the data before returning if the connection is idle.

    Return whether all of the data was sent.
    """
    if is_idle(transport):
        try:
            sent = transport.socket.send(data)
        except OSError:
            # The socket is full or broken. The transport meets the same error and handles it.
            sent = 0
        if sent == len(data):
            return True
        data = data[sent:]
    transport.write(data)
    return False


class FrameWriter:
    """The way of framed bytes into one connection: see door.py.

    The fan-out calls `write` for each viewer and piece. This small object holds all that `write`
    needs, because the attributes of Twisted's connection lie in a dozen places in memory: with 1000
    viewers, a piece cost 14.5 µs through the connection and costs 11.1 µs through this object.
    """

    __slots__ = ("_busy", "_otherwise", "_send", "_transport", "sent")

    def __init__(self, transport: Any, otherwise: Callable[[bytes], bool]) -> None:
        """Write to a TCP connection. `otherwise` writes what can't be sent at once."""
        self._transport = transport
        self._send = transport.socket.send
        self._busy: Container[Any] = transport.reactor._writers
        self._otherwise = otherwise
        # Bytes that were sent at once.
        self.sent = 0

    def write(self, data: bytes) -> bool:
        """Write whole frames. Return whether the connection takes more."""
        if self._transport in self._busy:
            return self._otherwise(data)
        try:
            sent = self._send(data)
        except OSError:
            # The socket is full or broken. The transport meets the same error and handles it.
            sent = 0
        self.sent += sent
        return sent == len(data) or self._otherwise(data[sent:])

    def stop(self) -> None:
        """Send nothing at once from now on.

        A connection that is aborted drops what waits to be written. What comes later must not
        reach the client, who would take it for the next part.
        """
        self._busy = (self._transport,)

    def close(self) -> None:
        """Write nothing from now on, and forget the connection."""
        self._transport = self._otherwise = None  # type: ignore[assignment]
        self._send = len  # All data counts as sent.


def reply_at_once(transport: Any, reply: Callable[[Any], None], message: Any) -> None:
    """Call `reply(message)`, and send everything that it writes with one write before returning.

    While `reply` runs, the transport's `startWriting` does nothing, so that the data stays in the
    buffer. Then `doWrite`, with which the reactor writes the buffer, is called directly.
    """
    if not is_idle(transport):
        reply(message)
        return
    transport.startWriting = _not_yet
    try:
        reply(message)
    finally:
        del transport.startWriting
    if transport._tempDataLen and transport.connected:
        transport.doWrite()
    if transport.connected and (
        transport.disconnecting or transport.dataBuffer or transport._tempDataLen
    ):
        # The selector handles the rest, and an error too, as it does for any other write.
        transport.startWriting()


def _not_yet() -> None:
    """Stand in for the `startWriting` of a transport while a reply is put together."""
