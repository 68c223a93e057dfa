"""The client's side of the four transports. Each function is one connection from one cursor.

A connection yields batches of records as they arrive, and an empty batch as a sign of life when the
server has answered without records. A connection raises Refused, or ConnectionLost for every other
failure. The caller checks the numbers, reconnects, and stops at the stream's end.
"""

import codecs
import json
import re
import ssl
from asyncio import sleep
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from ..errors import BadRequest
from ..pieces import Batch
from ..wire import ndjson, sse
from .backoff import Backoff
from .failures import ConnectionLost, Refused
from .parsing import parse_poll, parse_records

OPEN_TIMEOUT = 10.0  # seconds
# Seconds without data after which a connection counts as lost. The server sends something at least
# every 15 s.
READ_TIMEOUT = 30.0
JSON = "application/json"
# Seconds for which the server may hold a poll until there are pieces.
POLL_WAIT = 20
# Seconds between two polls, in case the server answers at once although there are no pieces.
POLL_PAUSE = 0.25

# Seconds to wait after a WebSocket was closed with 4429 (Too Many Requests).
BUSY_PAUSE = 5

SUBPROTOCOLS = [Subprotocol("streamsite.v1.batch"), Subprotocol("streamsite.v1")]

# The 4xx statuses after which the same request may succeed later: Request Timeout (RFC 9110,
# 15.5.9), Too Early (RFC 8470, 5.2) and Too Many Requests (RFC 6585, 4).
TRANSIENT = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to the stream at `url` from the cursor `after`.

    `http` sends the HTTP requests. `headers` and `tls` are for the handshake of a WebSocket. A
    server may change the `base` of `backoff`.
    """

    http: httpx.AsyncClient
    url: str
    after: str
    headers: Mapping[str, str]
    backoff: Backoff
    tls: ssl.SSLContext | None = None

    def address(self, endpoint: str, **query: object) -> str:
        """Return the URL of one of the stream's endpoints, with the query of the stream's URL."""
        parts = urlsplit(self.url)
        own = {"after": self.after, **query}
        others = parse_qsl(parts.query, keep_blank_values=True)
        pairs = [(name, value) for name, value in others if name not in own]
        path = f"{parts.path.rstrip('/')}/{endpoint}"
        whole = urlencode([*pairs, *own.items()])
        return parts._replace(path=path, query=whole, fragment="").geturl()


async def polling(subscription: Subscription) -> AsyncGenerator[Batch, None]:
    """Send one request after the other. The server holds each until there are pieces."""
    wait = 0  # The first answer comes at once, as a sign of life.
    received_at = monotonic()
    while True:
        waited = f"{monotonic() - received_at:.3f}"
        async with get(subscription, "polling", JSON, wait=wait, waited=waited) as response:
            body = await response.aread()
        with decoding("the answer"):
            records, after = parse_poll(json.loads(body))
        if records:
            received_at = monotonic()
        yield records
        if wait and not records:
            await sleep(POLL_PAUSE)
        subscription = replace(subscription, after=str(after))
        wait = POLL_WAIT


async def chunked(subscription: Subscription) -> AsyncGenerator[Batch, None]:
    """Read one response of newline-delimited JSON, one object on each line."""
    async with get(subscription, "chunked", ndjson.CONTENT_TYPE) as response:
        yield []
        decoder = ndjson.Decoder()
        async for data in response.aiter_bytes():
            with decoding("a line"):
                records = parse_records(decoder.feed(data))
            yield records
        # The rest in the decoder is a line without its end, so half an object. It is dropped.


async def events(subscription: Subscription) -> AsyncGenerator[Batch, None]:
    """Read one response of Server-Sent Events."""
    async with get(subscription, "events", sse.CONTENT_TYPE) as response:
        if response.status_code == httpx.codes.OK:
            yield []
            decoder = sse.Decoder()
            utf8 = codecs.getincrementaldecoder("utf-8")()
            async for data in response.aiter_bytes():
                with decoding("an event"):
                    records = parse_records(event.data for event in decoder.feed(utf8.decode(data)))
                if decoder.retry is not None:
                    subscription.backoff.base = decoder.retry / 1000
                yield records
            return
    # Status 204 tells a browser's EventSource, which has all pieces, not to reconnect. The response
    # does not say how the stream ended, so polling asks.
    async for batch in polling(subscription):
        yield batch


async def websocket(subscription: Subscription) -> AsyncGenerator[Batch, None]:
    """Read the frames of one WebSocket.

    A frame is a JSON object. A reader that is behind gets an array of objects in a frame.
    """
    address = re.sub(r"\Ahttp", "ws", subscription.address("ws"), flags=re.IGNORECASE)
    secure = address.lower().startswith("wss:")
    try:
        async with connect(
            address,
            subprotocols=SUBPROTOCOLS,
            additional_headers=subscription.headers,
            open_timeout=OPEN_TIMEOUT,
            ping_timeout=READ_TIMEOUT,
            # Most frames are too short for compression to save anything.
            compression=None,
            max_size=None,
            ssl=(subscription.tls or True) if secure else None,
        ) as socket:
            yield []
            async for frame in socket:
                with decoding("a frame"):
                    records = parse_records([frame])
                yield records
    except InvalidStatus as error:
        raise response_error(
            error.response.status_code, error.response.body or b"", error.response.headers
        ) from error
    except ConnectionClosedError as error:
        code, reason = (
            (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "without a close frame")
        )
        # The server closes with 4000 + an HTTP status. Applications may use the codes from 4000 to
        # 4999 (RFC 6455, 7.4.2).
        if 4400 <= code <= 4499 and code - 4000 not in TRANSIENT:
            raise Refused(code - 4000, reason) from error
        if code == 4429:
            # A close frame has no Retry-After.
            raise ConnectionLost(reason, retry_after=BUSY_PAUSE) from error
        raise ConnectionLost(f"the WebSocket closed with {code} {reason}".rstrip()) from error
    except (OSError, WebSocketException) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error


Connect = Callable[[Subscription], AsyncGenerator[Batch, None]]

CONNECTIONS: Mapping[str, Connect] = {
    "polling": polling,
    "chunked": chunked,
    "sse": events,
    "websocket": websocket,
}


def http_client(headers: Mapping[str, str], tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """Return the HTTP client that all connections of one reader share."""
    return httpx.AsyncClient(
        # A proxy that compresses a stream may hold the data back until a block is full.
        headers={**headers, "Accept-Encoding": "identity", "Cache-Control": "no-store"},
        timeout=httpx.Timeout(OPEN_TIMEOUT, read=READ_TIMEOUT),
        follow_redirects=True,
        verify=tls or True,
    )


@asynccontextmanager
async def get(
    subscription: Subscription, endpoint: str, accept: str, **query: object
) -> AsyncIterator[httpx.Response]:
    """Send a GET request to one of the stream's endpoints.

    Transport errors inside the block raise ConnectionLost, too.
    """
    # A refusal is JSON. A server takes a client that accepts an event stream alone for an
    # EventSource, and tells it in an event stream to come back later.
    accepts = ", ".join(dict.fromkeys([accept, JSON]))
    try:
        async with subscription.http.stream(
            "GET", subscription.address(endpoint, **query), headers={"Accept": accepts}
        ) as response:
            if not response.is_success:
                raise response_error(response.status_code, await response.aread(), response.headers)
            kind = response.headers.get("Content-Type", "no type")
            # Another content type comes from something between client and server, such as the login
            # page of a Wi-Fi network. The next request may reach the server.
            if response.status_code != httpx.codes.NO_CONTENT and not kind.startswith(accept):
                raise ConnectionLost(f"the endpoint {endpoint!r} sent {kind} instead of {accept}")
            yield response
    except (httpx.TransportError, httpx.TooManyRedirects) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error


def response_error(status: int, body: bytes | bytearray, headers: Mapping[str, str]) -> Exception:
    """Return the error for a response whose status is not a success."""
    if 400 <= status < 500 and status not in TRANSIENT:
        return Refused(status, error_detail(body) or f"HTTP status {status}")
    seconds = headers.get("Retry-After", "")
    wait = int(seconds) if re.fullmatch(r"[0-9]{1,4}", seconds) else 0
    return ConnectionLost(f"HTTP status {status}", retry_after=wait)


def error_detail(body: bytes | bytearray) -> str:
    """Return the explanation in the body of an error response, or ""."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError):
        return ""


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Raise ConnectionLost where decoding fails inside the block.

    Something between server and client may have changed the data, and may not change the data of
    the next connection.
    """
    try:
        yield
    except (ValueError, RecursionError, BadRequest) as error:
        raise ConnectionLost(f"{what} can't be decoded: {error}") from error
