"""One reader of one stream: it connects, counts, and connects again, until the end."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from urllib.parse import urlsplit

from ..pieces import Cursor, End, Record
from .backoff import Backoff
from .connections import CONNECTIONS, StreamRequest, http_client
from .failures import ConnectionLost
from .ledger import Ledger

# Seconds without a word from the server after which a reader gives up.
PATIENCE = 60.0


def _ignore_loss(lost: ConnectionLost, wait: float) -> None:
    """Tell nobody that a connection was lost."""


async def open(  # noqa: A001 - client.open, as gzip.open
    url: str,
    *,
    transport: str = "sse",
    after: Cursor | int | str = 0,
    headers: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
    on_lost: Callable[[ConnectionLost, float], None] = _ignore_loss,
) -> AsyncGenerator[Record, None]:
    """Yield the records of the stream at `url` (https://example.com/stream/build), the `End` last.

    `transport` is one of TRANSPORTS, `after` the cursor to begin at; `headers` go with each
    request. A connection that breaks off is followed by another from where it was, for as long as
    the server is silent for no more than `patience` seconds; `on_lost` is told why, and how many
    seconds it takes to the next one. Numbers come without gap or repeat, except after a `Reset`.

    Close it (`contextlib.aclosing`) when you leave early. Raises ValueError for an address or a
    transport that is none, BadRequest for such a cursor, Refused when the server refuses,
    ConnectionLost when patience ends, and Corrupt when the text isn't what the end says.
    """
    check_address(url)
    if transport not in CONNECTIONS:
        raise ValueError(f"{transport!r} is no transport: use one of {', '.join(CONNECTIONS)}.")
    ledger = Ledger(after if isinstance(after, Cursor) else Cursor.parse(str(after)))
    backoff = Backoff()
    now = asyncio.get_running_loop().time
    last_heard = now()
    async with http_client(headers or {}) as http:
        while True:
            request = StreamRequest(http, url, str(ledger.cursor), headers or {}, backoff)
            try:
                async with aclosing(CONNECTIONS[transport](request)) as batches:
                    async for batch in batches:
                        last_heard = now()
                        for record in batch:
                            if (new := ledger.take(record)) is None:
                                continue
                            backoff.reset()
                            yield new
                            if isinstance(new, End):
                                return
                            last_heard = now()  # However long the caller took.
                raise ConnectionLost("the connection ended before the stream did")
            except ConnectionLost as lost:
                wait = lost.retry_after + backoff.next()
                if now() + wait - last_heard > patience:
                    raise
                on_lost(lost, wait)
            await asyncio.sleep(wait)


def check_address(url: str) -> None:
    """Raise ValueError when this can't be a stream's address."""
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        complete = False
    if not complete:
        raise ValueError(
            f"{url[:200]!r} is not a stream's address: write it as https://example.com/stream/build."
        )
