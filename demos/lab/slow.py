"""A reader of a run that stops reading, so that a visitor sees what the server does with it.

Browsers read on for themselves: an EventSource and a WebSocket can't stop, and the body of a fetch
fills some hundred kilobytes of buffers first. So this reader runs in the server. It connects to the
server's own address, with a receive buffer that is as small as the kernel allows.
"""

import asyncio
import base64
import secrets
import socket
from typing import Any

from django.conf import settings
from django.urls import reverse

from streamsite.streams import Conflict

from .account import now
from .options import choice, number
from .parsing import PARSERS, Parser
from .runs import Run

# Bytes of the receive buffer. The kernel takes its own least, 2304 on Linux.
BUFFER = 1024
READ = 65_536
SECONDS = (1, 75)
USUAL = 20
# The most slow readers of a run.
MOST = 6
# Seconds between two looks at what the server holds.
LOOK = 0.1
LET_GO = "let go"
ENDPOINTS = {"chunked": "chunked", "sse": "events", "websocket": "ws"}
SOURCES = ("engine", "plain")


class SlowReader:
    """One slow reader: reads the first bytes, then nothing for a while, and then the rest."""

    def __init__(self, run: Run, body: dict[str, Any], scope: Any) -> None:
        if len(run.slow) >= MOST:
            raise Conflict(f"This run has had {MOST} slow readers. Start another run.")
        if settings.TLS == "on" or not (scope.get("server") or (None, None))[1]:
            raise Conflict("The slow reader needs a server that listens on a port without TLS.")
        self._run = run
        self.transport = choice(body, "transport", tuple(ENDPOINTS))
        self.source = choice(body, "source", SOURCES)
        self._seconds = number(body, "seconds", SECONDS, USUAL)
        self._server = tuple(scope["server"])[:2]
        self._head = self._request(scope)
        self._parser: Parser = PARSERS[self.source, self.transport]()
        self.row = run.row(self.panel, self.source, self.transport, "direct")
        self.at = now()
        self.state = "reading"
        # While it read nothing. Afterwards a batch of a thousand pieces may wait for it.
        self.most_held = 0
        self.let_go: float | None = None
        # Pieces that were given before the reader came, to the plain way.
        self._first = 0

    @property
    def panel(self) -> str:
        return f"slow-{self.transport}"

    def _request(self, scope: Any) -> bytes:
        """Return the request, with the host and the cookies of the visitor's own."""
        base = reverse("lab:run", args=[self._run.id])
        path = f"{base}/{self.panel}/{self.source}/direct/{ENDPOINTS[self.transport]}"
        kept = (b"host", b"cookie", b"x-forwarded-proto")
        lines = [b"GET %b HTTP/1.1" % path.encode(), b"Accept: application/x-ndjson"]
        lines += [b"%b: %b" % (name, value) for name, value in scope["headers"] if name in kept]
        if self.transport == "websocket":
            key = base64.b64encode(secrets.token_bytes(16))
            lines += [
                b"Connection: Upgrade",
                b"Upgrade: websocket",
                b"Sec-WebSocket-Version: 13",
                b"Sec-WebSocket-Key: " + key,
            ]
        return b"\r\n".join([*lines, b"", b""])

    async def read(self) -> None:
        """Read as a slow reader does, to the end of the stream or until the server lets go."""
        looking = asyncio.create_task(self._look())
        try:
            with socket.socket(self._family(), socket.SOCK_STREAM) as connection:
                connection.setblocking(False)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                await self._read(connection)
        except OSError as error:
            if self.state in ("not reading", "catching up", LET_GO):
                self._note_let_go()
            else:
                self.state = f"failed: {error.strerror}"
        finally:
            looking.cancel()

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET

    async def _read(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._first = len(self._run.given.times) if self.source == "plain" else 0
        await loop.sock_connect(connection, self._server)
        await loop.sock_sendall(connection, self._head)
        while not self._parser.pieces and not self._parser.over:
            if not (data := await loop.sock_recv(connection, 512)):
                self.state = "failed: the server answered otherwise"
                return
            self._parser.feed(data)
        self.state = "not reading"
        await asyncio.sleep(self._seconds)
        if self.let_go is None:
            self.state = "catching up"
        while not self._parser.over:
            if not (data := await loop.sock_recv(connection, READ)):
                self._note_let_go()
                return
            self._parser.feed(data)
        self.state = "complete"

    def _note_let_go(self) -> None:
        self.state = LET_GO
        if self.let_go is None:
            self.let_go = now()
            self._run.events.add("letgo", transport=self.transport, source=self.source)

    async def _look(self) -> None:
        """Note the most that the server held, and when it reset the connection."""
        while not self.row.links:
            await asyncio.sleep(LOOK)
        while self.row.links:
            if self.state == "not reading":
                self.most_held = max(self.most_held, self.row.held or 0)
            await asyncio.sleep(LOOK)
        if self.state == "not reading" and not self.row.ended_well:
            self._note_let_go()

    def as_json(self) -> dict[str, Any]:
        parser, given = self._parser, len(self._run.given.times)
        over = self.state in ("complete", LET_GO)
        held = self.row.held if self.row.links else 0
        return {
            "transport": self.transport,
            "source": self.source,
            "at": self.at,
            "until": self.at + self._seconds * 1000,
            "state": self.state,
            "held": held,
            "most_held": self.most_held,
            "pieces": parser.pieces,
            "lost": max(0, given - self._first - parser.distinct) if over else None,
            "repeated": parser.pieces - parser.distinct,
            "let_go": self.let_go,
        }
