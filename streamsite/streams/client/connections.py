"""The four transports: each function is one connection, from a cursor to where it breaks off.

Each yields batches of records as they arrive, and an empty one where the server only shows that
it is there. Each raises Refused, and ConnectionLost for all else that goes wrong. None counts,
tries again, or looks for the stream's end.
"""

import codecs
import json
import re
from asyncio import sleep
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from ..errors import BadRequest
from ..pieces import Record
from ..wire import ndjson, sse
from .backoff import Backoff
from .failures import ConnectionLost, Refused
from .parsing import parse_poll, parse_records

Batch = Sequence[Record]

OPEN_TIMEOUT = 10.0  # seconds that a connection may take to open
# Seconds after which a connection that shows nothing is given up for lost. The server shows a
# sign of life within 15 s.
READ_TIMEOUT = 30.0
# Seconds that a poll waits at the server, and between two polls where the server doesn't hold them.
POLL_WAIT = 20
POLL_PAUSE = 0.25

SUBPROTOCOLS = [Subprotocol("streamsite.v1.batch"), Subprotocol("streamsite.v1")]

# Statuses of the 400s that speak of this moment, not of the request.
TRANSIENT = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """A stream's address, and what a connection to it takes."""

    http: httpx.AsyncClient
    url: str
    after: str
    headers: Mapping[str, str]
    backoff: Backoff

    def address(self, endpoint: str, **query: object) -> str:
        """Return the address of one of the stream's endpoints, with the stream's own query kept."""
        parts = urlsplit(self.url)
        query = {**dict(parse_qsl(parts.query)), "after": self.after, **query}
        path = f"{parts.path.rstrip('/')}/{endpoint}"
        return parts._replace(path=path, query=urlencode(query), fragment="").geturl()


async def polling(request: StreamRequest) -> AsyncGenerator[Batch, None]:
    """One request after the other, each of which the server holds until it has something."""
    wait = 0  # The first answer comes at once: it shows that the server is there.
    while True:
        async with get(request, "polling", "application/json", wait=wait) as response:
            body = await response.aread()
        with decoding("the answer"):
            records, after = parse_poll(json.loads(body))
        yield records
        if wait and not records:
            await sleep(POLL_PAUSE)
        request = replace(request, after=str(after))
        wait = POLL_WAIT


async def chunked(request: StreamRequest) -> AsyncGenerator[Batch, None]:
    """One response that goes on, a JSON object a line."""
    async with get(request, "chunked", ndjson.CONTENT_TYPE) as response:
        yield []
        decoder = ndjson.Decoder()
        async for data in response.aiter_bytes():
            with decoding("a line"):
                records = parse_records(decoder.feed(data))
            yield records
        # A line without its end is half an object, so it is dropped.


async def events(request: StreamRequest) -> AsyncGenerator[Batch, None]:
    """Server-Sent Events."""
    async with get(request, "events", sse.CONTENT_TYPE) as response:
        if response.status_code == httpx.codes.OK:
            yield []
            decoder = sse.Decoder()
            utf8 = codecs.getincrementaldecoder("utf-8")()
            async for data in response.aiter_bytes():
                with decoding("an event"):
                    records = parse_records(event.data for event in decoder.feed(utf8.decode(data)))
                if decoder.retry is not None:
                    request.backoff.base = decoder.retry / 1000
                yield records
            return
    # 204 keeps an EventSource that has everything from coming back, but doesn't say how it ended.
    async for batch in polling(request):
        yield batch


async def websocket(request: StreamRequest) -> AsyncGenerator[Batch, None]:
    """WebSocket: a frame is a JSON object, or an array of them when the reader is behind."""
    address = re.sub(r"\Ahttp", "ws", request.address("ws"), flags=re.IGNORECASE)
    try:
        async with connect(
            address,
            subprotocols=SUBPROTOCOLS,
            additional_headers=request.headers,
            open_timeout=OPEN_TIMEOUT,
            # Pings find out whether the server is there; text that is worth it comes in batches.
            ping_timeout=READ_TIMEOUT,
            compression=None,
            max_size=None,
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
            (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "without a word")
        )
        # HTTP statuses, moved into the range that applications have.
        if 4400 <= code <= 4499:
            raise Refused(code - 4000, reason) from error
        raise ConnectionLost(f"the WebSocket closed with {code} {reason}".rstrip()) from error
    except (OSError, WebSocketException) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error


Connect = Callable[[StreamRequest], AsyncGenerator[Batch, None]]

CONNECTIONS: Mapping[str, Connect] = {
    "polling": polling,
    "chunked": chunked,
    "sse": events,
    "websocket": websocket,
}
TRANSPORTS = tuple(CONNECTIONS)


def http_client(headers: Mapping[str, str]) -> httpx.AsyncClient:
    """Return what all HTTP connections of one reader share."""
    return httpx.AsyncClient(
        # A compressed stream may be held back by whoever compresses it.
        headers={**headers, "Accept-Encoding": "identity", "Cache-Control": "no-store"},
        timeout=httpx.Timeout(OPEN_TIMEOUT, read=READ_TIMEOUT),
        follow_redirects=True,
    )


@asynccontextmanager
async def get(
    request: StreamRequest, endpoint: str, accept: str, **query: object
) -> AsyncIterator[httpx.Response]:
    """Ask an endpoint for the stream. What goes wrong inside is a lost connection too."""
    try:
        async with request.http.stream(
            "GET", request.address(endpoint, **query), headers={"Accept": accept}
        ) as response:
            if not response.is_success:
                raise response_error(response.status_code, await response.aread(), response.headers)
            kind = response.headers.get("Content-Type", "no type")
            # Not the server's own answer but a captive portal's, say: it may be gone the next time.
            if response.status_code != httpx.codes.NO_CONTENT and not kind.startswith(accept):
                raise ConnectionLost(f"{kind} came from {endpoint} instead of {accept}")
            yield response
    except (httpx.TransportError, httpx.TooManyRedirects) as error:
        raise ConnectionLost(str(error) or type(error).__name__) from error


def response_error(status: int, body: bytes | bytearray, headers: Mapping[str, str]) -> Exception:
    """Return what an answer that isn't a success stands for."""
    if 400 <= status < 500 and status not in TRANSIENT:
        return Refused(status, error_detail(body) or f"HTTP status {status}")
    seconds = headers.get("Retry-After", "")
    wait = int(seconds) if re.fullmatch(r"[0-9]{1,4}", seconds) else 0
    return ConnectionLost(f"HTTP status {status}", retry_after=wait)


def error_detail(body: bytes | bytearray) -> str:
    """Return an error's own sentence, where it has one."""
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError):
        return ""


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Turn what can't be read into a lost connection: whoever changed it may not the next time."""
    try:
        yield
    except (ValueError, RecursionError, BadRequest) as error:
        raise ConnectionLost(f"{what} can't be read: {error}") from error
