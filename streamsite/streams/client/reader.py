"""Read one stream to its end, over as many connections as that takes."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Literal
from urllib.parse import urlsplit

from ..pieces import LATEST, Cursor, End, Record
from .backoff import Backoff
from .failures import ConnectionLost, Refused
from .ledger import Ledger

TRANSPORTS = ("polling", "chunked", "sse", "websocket")
# Seconds without a sign of life from the server after which a reader gives up.
PATIENCE = 60.0
# Seconds for which `wait=True` waits for a stream that does not exist yet.
WAIT = 60.0
# The most seconds between two questions for a stream that does not exist yet.
WAITING_PAUSE = 5.0
NOT_FOUND = 404


def _ignore_loss(lost: ConnectionLost, wait: float) -> None:
    """Do nothing. The default for `on_lost`."""


async def open(  # noqa: A001 - client.open, as gzip.open
    url: str,
    *,
    transport: str = "sse",
    after: Cursor | int | str = 0,
    headers: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
    wait: float | bool = False,
    on_lost: Callable[[ConnectionLost, float], None] = _ignore_loss,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Record, None]:
    """Yield the records of the stream at `url`: `Pieces`, perhaps a `Reset`, and the `End` last.

        async with aclosing(client.open("https://example.com/stream/build", after=17)) as records:
            async for record in records:
                if isinstance(record, Pieces):
                    print(*record.texts, sep="", end="", flush=True)

    Use `contextlib.aclosing`, as above, where the loop may end before the stream does.

    `url` is the address of the stream, without the name of a transport. The query of `url` goes
    with each request, such as `?pace=0.1`.
    `transport` is one of `TRANSPORTS`.
    `after` is the cursor to read from, such as 17, "2.17" or a `Cursor`. "latest" begins with the
    newest piece.
    `headers` are sent with each request.
    `patience` is how many seconds to keep trying without a sign of life from the server.
    `wait` is how many seconds to wait for a stream that does not exist yet, or True for `WAIT`.
    Until then a 404 is not final, and the client asks again at growing intervals of at most 5
    seconds.
    `on_lost` is called when a connection is lost, with the error and with the number of seconds
    until the next connection.
    `tls` is how the client checks the server's certificate, such as
    `ssl.create_default_context(cafile="our-authority.pem")`.

    A lost connection is replaced by another connection from the last cursor, so the numbers of the
    pieces have no gap and no repeat. After a `Reset` the pieces start again from the number of the
    `Reset`.

    Raises:
    - ValueError if `url` or `transport` is not valid;
    - BadRequest if `after` is not a cursor;
    - Refused if the server refuses the request, for example because there is no such stream;
    - ConnectionLost if the server shows no sign of life for `patience` seconds;
    - Corrupt if the received text differs from the text that the server sent;
    - ImportError if httpx or websockets is not installed.
    """
    check_address(url)
    if transport not in TRANSPORTS:
        raise ValueError(
            f"There is no transport {transport!r}. Use one of {', '.join(TRANSPORTS)}."
        )
    try:
        # Imported here because only the extra "client" installs what the connections import, and
        # `manage.py follow` reads the streams of its own site without it.
        from .connections import CONNECTIONS, Subscription, http_client
    except ImportError as error:
        raise ImportError(
            'The client needs httpx and websockets. Install streamsite with the extra "client", '
            "or run: pip install httpx websockets"
        ) from error
    ledger = Ledger(as_cursor(after))
    backoff = Backoff()
    now = asyncio.get_running_loop().time
    last_heard = now()
    appears_until = last_heard + (WAIT if wait is True else wait)
    async with http_client(headers or {}, tls) as http:
        while True:
            subscription = Subscription(http, url, str(ledger.cursor), headers or {}, backoff, tls)
            try:
                async with aclosing(CONNECTIONS[transport](subscription)) as batches:
                    async for batch in batches:
                        last_heard = now()
                        for record in batch:
                            if (new := ledger.take(record)) is None:
                                continue
                            backoff.reset()
                            appears_until = 0.0
                            yield new
                            if isinstance(new, End):
                                return
                            # The time that the caller took is not the server's silence.
                            last_heard = now()
                raise ConnectionLost("the connection ended before the stream did")
            except ConnectionLost as lost:
                pause = lost.retry_after + backoff.next()
                if now() + pause - last_heard > patience:
                    raise
                on_lost(lost, pause)
            except Refused as refused:
                last_heard = now()
                if refused.status != NOT_FOUND or last_heard >= appears_until:
                    raise
                pause = min(backoff.next(), WAITING_PAUSE, appears_until - last_heard)
            await asyncio.sleep(pause)


def as_cursor(after: Cursor | int | str) -> Cursor | Literal["latest"]:
    """Return the cursor that the argument `after` stands for. Raises BadRequest."""
    if isinstance(after, Cursor):
        return after
    return LATEST if after == LATEST else Cursor.parse(str(after))


def check_address(url: str) -> None:
    """Raise ValueError unless `url` can be the address of a stream.

    A stream's address is an http or https URL with a host, such as
    https://example.com/stream/build.
    """
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        (parts.hostname or "").encode("idna")
    except ValueError:
        complete = False
    if not complete:
        raise ValueError(
            f"{url[:200]!r} is not a stream's address. "
            "Write an address such as https://example.com/stream/build."
        )
