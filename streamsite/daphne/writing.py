"""Writes that go out at once.

Twisted queues each write and registers the socket with the selector for it, which costs as much as
the write itself. When nothing is queued, the socket will take a piece there and then.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet import tcp


def is_idle(transport: Any) -> bool:
    """Tell whether this is a plain connection on which nothing waits to be written."""
    return (
        isinstance(transport, tcp.Connection)
        and not transport.dataBuffer
        and not transport._tempDataLen
        and bool(transport.connected)
    )


def write_at_once(transport: Any, data: bytes) -> None:
    """Write to a connection, and have it sent before returning where it is idle."""
    if is_idle(transport):
        with suppress(OSError):  # Full, or broken: the transport finds that out by itself.
            data = data[transport.socket.send(data) :]
    if data:
        transport.write(data)


def reply_at_once(transport: Any, reply: Callable[[Any], None], message: Any) -> None:
    """Do `reply(message)`, and have all that it writes sent together before returning."""
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
        # Whatever is left, an error included, is the selector's, as always.
        transport.startWriting()


def _not_yet() -> None:
    """Stand in for a transport's startWriting while its reply is put together."""
