"""Writes that go out at once.

Twisted queues each write and registers the socket with the selector, which takes as long as the
write itself. When nothing is queued, the socket usually accepts the data immediately.

The functions use undocumented attributes of Twisted's TCP connection and of its base class
`twisted.internet.abstract.FileDescriptor`: `socket`, `connected`, `disconnecting`, and, for the
data that waits to be written, `dataBuffer` and the private `_tempDataLen`.
"""

from collections.abc import Callable
from typing import Any

from twisted.internet import tcp


def is_idle(transport: Any) -> bool:
    """Return whether a transport is an open TCP connection with no data waiting to be written.

    The answer is False for a TLS connection, whose transport is another class.
    """
    return (
        isinstance(transport, tcp.Connection)
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
