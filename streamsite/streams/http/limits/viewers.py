"""The requests and WebSockets that a process serves at once.

Each of them counts while it is open, whether it streams, waits for a piece or is answered at once.
A poll that waits therefore counts, too, and an endpoint of a project that streams needs no code for
this. Requests that change something, such as those of publishers, don't count.
"""

from typing import Any

from ...conf import setting
from ...refusals import CLIENT_VIEWERS, VIEWERS, too_many
from ..clients import client_in, network_of, warn_of_proxy

# The key in a scope that counts: the network of its client.
NETWORK = "streamsite.network"
# Seconds after which a client that was refused may try again. Viewers leave at any time.
RETRY = 5

# The open requests and WebSockets, by the network of the client.
_open: dict[str, int] = {}
_total = 0


def enter(scope: Any) -> None:
    """Count a request or a WebSocket, given its ASGI scope, until `leave`. Raises TooMany."""
    global _total
    most = setting("STREAM_MAX_VIEWERS")
    if most is not None and _total >= most:
        raise too_many(
            VIEWERS, f"The server has {most} viewers, as many as it takes.", seconds=RETRY
        )
    network = network_of(client_in(scope))
    here = _open.get(network, 0)
    most = setting("STREAM_MAX_VIEWERS_PER_CLIENT")
    # A server behind a Unix socket may not know the address.
    if most is not None and here >= most and network:
        remote = network_of(str(scope["client"][0]))
        if network == remote and any(name == b"x-forwarded-for" for name, _ in scope["headers"]):
            warn_of_proxy(network)
        raise too_many(
            CLIENT_VIEWERS,
            f"This address has {most} requests open, as many as one may.",
            seconds=RETRY,
        )
    _open[network] = here + 1
    _total += 1
    scope[NETWORK] = network


def leave(scope: Any) -> None:
    """Stop counting a request or a WebSocket that `enter` has counted."""
    global _total
    network = scope.pop(NETWORK, None)
    if network is None:
        return
    _total -= 1
    if _open[network] == 1:
        del _open[network]
    else:
        _open[network] -= 1
