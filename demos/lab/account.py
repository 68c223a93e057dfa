"""The server's own account of a run: what was given, what was sent to whom, and what was broken."""

import hashlib
import json
import time
from bisect import insort_left, insort_right
from collections.abc import Callable
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .sockets import Link

# The most rows and events of a run.
MOST_EVENTS = 300


def now() -> float:
    """Return the time in milliseconds since 1970, on the server's clock."""
    return time.time() * 1000


class Given:
    """The pieces that the producer gave, to the engine and to the plain way alike."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.texts: list[str] = []
        self.length = 0
        self._hash = hashlib.sha256()

    def add(self, at: float, text: str) -> None:
        self.times.append(at)
        self.texts.append(text)
        self.length += len(text)
        self._hash.update(text.encode())

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def since(self, n: int) -> list[tuple[float, int]]:
        """Return the time and the length in characters of each piece from number `n` on."""
        return [
            (round(at, 1), len(text))
            for at, text in zip(self.times[n:], self.texts[n:], strict=True)
        ]


class Row:
    """What the connections of one panel were sent, from one source over one path."""

    def __init__(self, panel: str, source: str, transport: str, path: str) -> None:
        self.key = panel, source, transport, path
        self.panel, self.source, self.transport, self.path = self.key
        self.requests = self.messages = self.pieces = self.bytes = self.passed = self.cut = 0
        self.links: set[Link] = set()
        # Whether the next connection is to be reset as it comes.
        self.cut_next = False
        # Whether the endpoint has sent the end of its last response, or has closed the WebSocket.
        self.ended_well = False
        # Whether the messages tell where a piece ends. The engine's bare text does not.
        self.countable = True
        self._count = COUNTS.get((source, transport), each_message)

    def sent(self, data: bytes) -> None:
        """Count a message of the endpoint: a part of a body, a whole answer or a frame."""
        if data:
            self.messages += 1
            self.bytes += len(data)
            self.pieces += self._count(data)

    @property
    def held(self) -> int | None:
        """The bytes that wait here for the clients, or None where they can't be known."""
        sizes = [link.unread() for link in self.links]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    def cut_now(self) -> list[str]:
        """Reset the open connections, and return how each ended.

        Where none is open, the next one is reset as it comes: between two polls there is none.
        """
        polls = self.transport == "polling"
        # The answer to a poll can't be ended half-way without a socket.
        hows = [link.reset() for link in list(self.links) if link.reachable or not polls]
        self.cut += len(hows)
        self.cut_next = polls and not hows
        return hows

    def as_json(self) -> dict[str, Any]:
        return {
            "panel": self.panel,
            "source": self.source,
            "transport": self.transport,
            "path": self.path,
            "requests": self.requests,
            "open": len(self.links),
            "messages": self.messages,
            "pieces": self.pieces if self.countable else None,
            "bytes": self.bytes,
            "passed": self.passed,
            "cut": self.cut,
            "held": self.held,
        }


class Events:
    """What happened to a run, in order."""

    def __init__(self) -> None:
        self.all: list[dict[str, Any]] = []

    def add(self, kind: str, at: float | None = None, **details: Any) -> dict[str, Any]:
        """Note an event that happened at `at`, by default now, and return it."""
        event = {"at": round(now() if at is None else at, 1), "kind": kind, **details}
        if len(self.all) < MOST_EVENTS:
            # An event of the past comes before the events that it has caused at the same moment.
            insert = insort_right if at is None else insort_left
            insert(self.all, event, key=itemgetter("at"))
        return event


# How many pieces are in a message of an endpoint. The engine's formats are in reading.md of the
# guide.


def each_message(data: bytes) -> int:
    return 1


def in_events(data: bytes) -> int:
    return data.count(b'\ndata: {"n":')


def in_lines(data: bytes) -> int:
    return data.count(b'{"n":', 0, 5) + data.count(b'\n{"n":')


def in_answer(data: bytes) -> int:
    """Return the number of pieces in the answer to a poll."""
    return len(json.loads(data).get("pieces", ()))


def in_frame(data: bytes) -> int:
    records = json.loads(data)
    return sum("text" in each for each in (records if isinstance(records, list) else [records]))


def in_plain_answer(data: bytes) -> int:
    return bool(json.loads(data).get("message"))


def in_plain_events(data: bytes) -> int:
    return data.count(b"\n\n") - data.count(b"data: END\n\n")


COUNTS: dict[tuple[str, str], Callable[[bytes], int]] = {
    ("engine", "sse"): in_events,
    ("engine", "chunked"): in_lines,
    ("engine", "polling"): in_answer,
    ("engine", "websocket"): in_frame,
    ("plain", "polling"): in_plain_answer,
    ("plain", "sse"): in_plain_events,
}
