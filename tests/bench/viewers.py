"""The clients of the load: viewers, who count what they receive, and clients that poll."""

import asyncio
import json
import re
import time
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from .parsers import COUNTERS
from .usage import Usage

# Connections that are opened at the same time.
OPENING = 100
OPEN_TIMEOUT = 60
# The time at which a producer made a piece, in nanoseconds. The piece begins with it.
STAMP = re.compile(rb"@(\d+)@")


@dataclass(frozen=True)
class Target:
    """A server under load."""

    host: str
    port: int
    pids: Sequence[int]

    def usage(self) -> Usage:
        return Usage.of(self.pids)

    def request(self, path: str, transport: str, cookie: str = "") -> bytes:
        lines = [f"GET {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        if cookie:
            lines += [f"Cookie: {cookie}"]
        if transport == "ws":
            lines += [
                "Upgrade: websocket",
                "Connection: Upgrade",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ]
        elif transport == "events":
            lines += ["Accept: text/event-stream"]
        return "\r\n".join([*lines, "", ""]).encode()

    def question(self, conversation: str, cookie: str = "") -> bytes:
        """Return the request that asks a question of the chat."""
        parts = [{"type": "text", "text": "why"}]
        message = {"id": f"{conversation}-m", "role": "user", "parts": parts}
        body = json.dumps({"id": conversation, "messages": [message]})
        head = (
            f"POST /chat/api HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nCookie: {cookie}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return (head + body).encode()

    def stop(self, conversation: str, cookie: str) -> bytes:
        """Return the request that stops the answer of a conversation of the chat."""
        return (
            f"POST /chat/api/{conversation}/stop HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n"
        ).encode()


class Viewer(asyncio.Protocol):
    """A viewer. Counts its pieces and notes the times at which they arrive."""

    def __init__(self, request: bytes, transport: str, notes: "Notes") -> None:
        self.request = request
        self.count = COUNTERS[transport]()
        self.notes = notes
        self.head = b""
        self.open = False
        self.pieces = 0
        self.first = self.last = 0.0
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.begun: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if not self.open:
            self.head += data
            head, found, data = self.head.partition(b"\r\n\r\n")
            if not found:
                return
            self.open = True
            if head.split(b" ", 2)[1] not in (b"200", b"101"):
                self.transport.abort()
                return
            self.opened.set_result(None)
            if not data:
                return
        found = self.count(data)
        if not found:
            return
        notes = self.notes
        if not self.pieces:
            self.first = now
            if not self.begun.done():
                self.begun.set_result(None)
        elif notes.taken:
            notes.gaps.append(now - self.last)
        self.pieces += found
        self.last = now
        if notes.stamped and notes.taken:
            received = time.monotonic_ns()
            for stamp in STAMP.findall(data):
                notes.delays.append((received - int(stamp)) / 1e9)

    def connection_lost(self, error: Exception | None) -> None:
        for waiting in (self.opened, self.begun):
            if not waiting.done():
                waiting.set_exception(ConnectionError("The server refused a viewer."))
                waiting.exception()  # asyncio logs no error if nobody awaits the future.
        self.over.set_result(None)


class Notes:
    """The times in seconds that all viewers note while `taken` is true.

    `gaps` are the times between two pieces. `delays` are the times from the producer to the viewer,
    if the pieces are `stamped`.
    """

    def __init__(self, stamped: bool) -> None:
        self.stamped = stamped
        self.taken = False
        self.gaps = array("d")
        self.delays = array("d")


class Audience:
    """All viewers of a server."""

    def __init__(self, target: Target, transport: str, stamped: bool = False) -> None:
        self.target = target
        self.transport = transport
        self.notes = Notes(stamped)
        self.viewers: list[Viewer] = []
        self.waits: list[float] = []

    async def open(self, paths: Sequence[str], viewers: int, *, begun: bool) -> None:
        """Open the viewers, and wait until each has its first piece.

        If `begun` is false, wait only for the head of each response. The viewers take the paths in
        turn.
        """
        requests = [self.target.request(path, self.transport) for path in paths]
        await self.send(islice(cycle(requests), viewers), begun=begun)

    async def send(self, requests: Iterable[bytes], *, begun: bool) -> None:
        """Open a viewer for each request, as `open` does."""
        gate = asyncio.Semaphore(OPENING)

        async def open_one(request: bytes) -> None:
            async with gate:
                started = time.monotonic()
                _, viewer = await asyncio.get_running_loop().create_connection(
                    lambda: Viewer(request, self.transport, self.notes),
                    self.target.host,
                    self.target.port,
                )
                self.viewers.append(viewer)
                await (viewer.begun if begun else viewer.opened)
                self.waits.append(time.monotonic() - started)

        async with asyncio.timeout(OPEN_TIMEOUT):
            await asyncio.gather(*map(open_one, requests))

    @property
    def pieces(self) -> int:
        return sum(viewer.pieces for viewer in self.viewers)

    async def watch(self, seconds: float) -> tuple[int, float]:
        """Watch for some seconds. Return the number of pieces and the CPU time of the server."""
        pieces, cpu = self.pieces, self.target.usage().cpu
        self.notes.taken = True
        await asyncio.sleep(seconds)
        self.notes.taken = False
        return self.pieces - pieces, self.target.usage().cpu - cpu

    def close(self) -> None:
        for viewer in self.viewers:
            viewer.transport.abort()


class Poller(asyncio.Protocol):
    """A client that polls over one connection, and sends each request right after an answer."""

    def __init__(self, requests: list[bytes]) -> None:
        self.requests = cycle(requests)
        self.answers = 0
        self.waits = array("d")
        self.asked = 0.0
        self.rest = b""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.asked = time.monotonic()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.rest += data
        head, found, body = self.rest.partition(b"\r\n\r\n")
        if not found:
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(head.decode())
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length is None or len(body) < int(length[1]):
            return
        self.rest = b""
        self.answers += 1
        self.waits.append(time.monotonic() - self.asked)
        self.ask()
