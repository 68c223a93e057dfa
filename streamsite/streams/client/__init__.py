"""Reading a stream over the network, on any of the four transports.

    async for record in client.open("https://example.com/stream/build", transport="sse"):
        match record:
            case Pieces(texts=texts): ...
            case Reset(): ...  # the text comes anew
            case End(state=state): ...

The records are those of `streamsite.streams.pieces`, as `follow` gives them in the server itself.
"""

from .connections import TRANSPORTS
from .failures import ConnectionLost, Corrupt, Refused
from .reader import PATIENCE, check_address, open  # noqa: A004 - client.open, as gzip.open

__all__ = [
    "PATIENCE",
    "TRANSPORTS",
    "ConnectionLost",
    "Corrupt",
    "Refused",
    "check_address",
    "open",
]
