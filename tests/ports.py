"""Free ports."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a port that was free a moment ago. Whoever takes it must be ready to lose the race."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]
