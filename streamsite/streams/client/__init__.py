"""Read a stream over the network, by any of the four transports.

    from streamsite.streams import client
    from streamsite.streams.pieces import End, Pieces, Reset

    async for record in client.open("https://example.com/stream/build", transport="sse"):
        match record:
            case Pieces(texts=texts):
                print(*texts, sep="", end="", flush=True)
            case Reset(why=why):
                print(f"{why} The text starts again.")
            case End(state=state):
                print(f"The stream ended as {state}.")

In a stream of JSON values, `values` of `Pieces` are the values.

The records are the records of `streamsite.streams.pieces`, which `follow` yields inside the server.

The client needs httpx and websockets, which the extra "client" installs.

The client runs on machines without a database, so its modules import only `wire`, `pieces` and
`errors` of the engine. A test checks the imports.
"""

from .failures import ConnectionLost, Corrupt, Refused
from .reader import (
    PATIENCE,
    TRANSPORTS,
    WAIT,
    check_address,
    open,  # noqa: A004 - client.open, as gzip.open
)

__all__ = [
    "PATIENCE",
    "TRANSPORTS",
    "WAIT",
    "ConnectionLost",
    "Corrupt",
    "Refused",
    "check_address",
    "open",
]
