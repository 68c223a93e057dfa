"""Free TCP ports. No two processes that use this module get the same port."""

import socket
from collections.abc import Iterator

HOST = "127.0.0.1"

# Below the ports of outgoing connections, which begin at 32768 on Linux. Such a connection could
# take the port of a server that a test stops and starts again.
FIRST, LAST, BLOCK = 20_000, 32_000, 100


def free_port() -> int:
    """Return a port that is free, and that no other process gets from this function."""
    return next(PORTS)


def listener(port: int) -> socket.socket | None:
    """Return a socket that listens on this port, or None where another one does."""
    found = socket.socket()
    try:
        found.bind((HOST, port))
        found.listen()
    except OSError:
        found.close()
        return None
    return found


def free_ports() -> Iterator[int]:
    """Yield the free ports of a block, again and again.

    The block belongs to the process that listens on its first port.
    """
    blocks = iter(range(FIRST, LAST, BLOCK))
    owner = None
    while owner is None:
        first = next(blocks)
        owner = listener(first)
    while True:
        for port in range(first + 1, first + BLOCK):
            if probe := listener(port):
                probe.close()
                yield port


PORTS = free_ports()
