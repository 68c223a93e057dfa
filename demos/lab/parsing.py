"""What the slow reader makes of the bytes of a connection: which pieces have come, and the end.

The parsers are pure. Each is fed with the bytes as they come, from the status line on.
"""

import json
from collections.abc import Iterator
from typing import Any

# Opcodes of WebSocket frames (RFC 6455, section 5.2).
TEXT_FRAME, CLOSE_FRAME = 0x1, 0x8


class Parser:
    """The pieces that a connection has brought so far, and whether the stream is over."""

    def __init__(self) -> None:
        self.pieces = 0
        self.over = False
        self._numbers: set[int] = set()
        self._rest = b""
        self._in_body = False

    @property
    def distinct(self) -> int:
        """The number of pieces without repeated ones. Plain pieces have no numbers."""
        return len(self._numbers) or self.pieces

    def feed(self, data: bytes) -> None:
        self._rest += data
        if not self._in_body:
            _head, blank, rest = self._rest.partition(b"\r\n\r\n")
            if not blank:
                return
            self._in_body, self._rest = True, rest
        for message in self._messages():
            self._take(message)

    def _messages(self) -> Iterator[bytes]:
        """Yield what is complete: chunks (RFC 9112, 7.1). The last one is empty."""
        while b"\r\n" in self._rest:
            line, _, rest = self._rest.partition(b"\r\n")
            size = int(line, 16)
            if len(rest) < size + 2:
                return
            self._rest = rest[size + 2 :]
            yield rest[:size]

    def _take(self, message: bytes) -> None:
        """Count a piece: a plain chunk has one."""
        if message:
            self.pieces += 1
        else:
            self.over = True

    def _record(self, record: dict[str, Any]) -> None:
        if "text" in record:
            self.pieces += 1
            self._numbers.add(record["n"])
        self.over = self.over or "end" in record


class Lines(Parser):
    """The engine's NDJSON: a record on each line."""

    def __init__(self) -> None:
        super().__init__()
        self._line = b""

    def _take(self, message: bytes) -> None:
        *lines, self._line = (self._line + message).split(b"\n")
        for line in filter(None, lines):
            self._record(json.loads(line))


class EngineEvents(Parser):
    """The engine's events: a record in the data of each."""

    def __init__(self) -> None:
        super().__init__()
        self._block = b""

    def _take(self, message: bytes) -> None:
        *blocks, self._block = (self._block + message).split(b"\n\n")
        for block in blocks:
            lines = [line[6:] for line in block.split(b"\n") if line.startswith(b"data: ")]
            if lines:
                self._event(b"\n".join(lines))

    def _event(self, data: bytes) -> None:
        self._record(json.loads(data))


class PlainEvents(EngineEvents):
    """Plain events: a piece in the data of each, and END."""

    def _event(self, data: bytes) -> None:
        if data == b"END":
            self.over = True
        else:
            self.pieces += 1


class PlainFrames(Parser):
    """The text frames of a WebSocket: a piece in each, up to the close frame."""

    def _messages(self) -> Iterator[bytes]:
        while len(self._rest) >= 2:
            first, size, start = self._rest[0], self._rest[1], 2
            for marker, width in ((126, 2), (127, 8)):
                if self._rest[1] == marker:
                    start = 2 + width
                    size = int.from_bytes(self._rest[2:start])
            if len(self._rest) < start + size:
                return
            payload, self._rest = self._rest[start : start + size], self._rest[start + size :]
            if first & 0x0F == TEXT_FRAME:
                yield payload
            elif first & 0x0F == CLOSE_FRAME:
                self.over = True


class EngineFrames(PlainFrames):
    """The engine's frames: a record in each."""

    def _take(self, message: bytes) -> None:
        self._record(json.loads(message))


PARSERS: dict[tuple[str, str], type[Parser]] = {
    ("engine", "chunked"): Lines,
    ("engine", "sse"): EngineEvents,
    ("engine", "websocket"): EngineFrames,
    ("plain", "chunked"): Parser,
    ("plain", "sse"): PlainEvents,
    ("plain", "websocket"): PlainFrames,
}
