"""A TCP proxy that records every byte between a browser and the server."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

from .ports import HOST
from .raw import http, websocket


@dataclass
class Passage:
    """One connection: the bytes from the client and from the server, and whether it is closed."""

    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    over: bool = False

    def exchanges(self) -> "Iterator[Exchange]":
        """Yield the requests, each with what has come of its response."""
        asked, answered = BytesIO(bytes(self.sent)), BytesIO(bytes(self.received))
        while asked.tell() < len(self.sent):
            request, _line = http.match_line(http.REQUEST_LINE, asked)
            headers, _raw = http.read_headers(asked)
            exchange = Exchange(request[2].decode(), headers)
            with suppress(http.CutShort):
                exchange.read(asked, answered)
            yield exchange


@dataclass
class Exchange:
    """A request and its response, and after a WebSocket handshake the frames of both sides.

    The response is None while its head isn't complete, and `complete` says whether its body is.
    """

    target: str
    headers: http.Headers
    response: http.Response | None = None
    complete: bool = False
    sent: list[websocket.Frame] = field(default_factory=list)
    received: list[websocket.Frame] = field(default_factory=list)

    def read(self, asked: BinaryIO, answered: BinaryIO) -> None:
        self.response = http.read_head(answered)
        if "upgrade" in self.headers:
            self.sent = list(frames(asked, masked=True))
            self.received = list(frames(answered, masked=False))
        else:
            http.read_body(answered, self.response)
            self.complete = True


def frames(file: BinaryIO, *, masked: bool) -> Iterator[websocket.Frame]:
    """Yield the complete frames."""
    with suppress(http.CutShort):
        while True:
            yield websocket.read_frame(file, masked=masked)


class Proxy:
    """Listen on a port of its own, and forward every connection to `target`."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.passages: list[Passage] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """Close all connections at once, in the middle of whatever they carry."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._server.sockets[0].getsockname())

    def exchanges(self, path: str) -> list[Exchange]:
        """Return the exchanges of this path, whatever the query."""
        return [
            exchange
            for passage in self.passages
            for exchange in passage.exchanges()
            if exchange.target.partition("?")[0] == path
        ]

    def passage(self, path: str) -> Passage:
        """Return the connection of the last request for this path."""
        return next(
            passage
            for passage in reversed(self.passages)
            if any(exchange.target.partition("?")[0] == path for exchange in passage.exchanges())
        )

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        passage = Passage()
        self.passages.append(passage)
        onward_reader, onward_writer = await asyncio.open_connection(*self.target)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(reader, onward_writer, passage.sent))
                both.create_task(pump(onward_reader, writer, passage.received))
        except asyncio.CancelledError:
            pass  # `cut` cancels this task. Its owner, asyncio's server, would log an error.
        finally:
            passage.over = True
            writer.close()
            onward_writer.close()


async def pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: bytearray
) -> None:
    """Record and forward bytes until the sender closes, then close the other side."""
    try:
        while data := await reader.read(65_536):
            record += data
            writer.write(data)
            await writer.drain()
        writer.close()
    except ConnectionError:
        writer.close()
