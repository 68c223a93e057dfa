"""Strict readers of a stream on raw sockets.

Each transport is a generator of the JSON records that a server sends after a cursor. The generator
reads to the end of the connection and checks the end. Closing the generator closes the connection
in mid-stream.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.raw import events, http, websocket

Address = tuple[str, int]
Record = dict[str, Any]

WAIT = 5  # seconds that a poll may wait


def polling(
    address: Address, name: str, after: str, headers: Mapping[str, str]
) -> Iterator[Record]:
    with http.Connection(address) as connection:
        while True:
            target = f"/stream/{name}/polling?after={after}&wait={WAIT}"
            response = connection.ask(target, headers=headers)
            accepted(response, 200)
            answer = response.json
            revision, _, n = f"{answer['after']}".rpartition(".")
            rev = {"rev": int(revision)} if revision else {}
            if "reset" in answer:
                yield {"reset": answer["reset"], "why": answer["why"], **rev}
            first = int(n) - len(answer["pieces"])
            member = "data" if answer.get("format") == "json" else "text"
            for number, piece in enumerate(answer["pieces"], first):
                yield {"n": number, member: piece, **rev}
            after = str(answer["after"])
            if "sha256" in answer:
                reason = {"reason": answer["reason"]} if "reason" in answer else {}
                yield (
                    {"end": answer["state"], "n": int(n), "sha256": answer["sha256"]} | reason | rev
                )
                return


def chunked(
    address: Address, name: str, after: str, headers: Mapping[str, str]
) -> Iterator[Record]:
    headers = {**headers, "Accept": "application/x-ndjson"}
    rest = b""
    for data in streamed(address, f"/stream/{name}/chunked?after={after}", headers):
        *lines, rest = (rest + data).split(b"\n")
        # A blank line is a keep-alive.
        yield from map(json.loads, filter(None, lines))
    assert not rest, f"the body ends with half a line: {rest!r}"


def sse(address: Address, name: str, after: str, headers: Mapping[str, str]) -> Iterator[Record]:
    rest, begun = b"", False
    # Odd cursors go in the header, which wins over the query, and even ones in the query.
    asks = {"Last-Event-ID": after} if is_odd(after) else {}
    target = f"/stream/{name}/events?after={0 if asks else after}"
    for data in streamed(address, target, {**headers, **asks}, empty_status=204):
        *blocks, rest = (rest + data).split(b"\n\n")
        for block in blocks:
            fields = dict(events.parse_block(block.decode()).fields)
            assert begun or "retry" in fields, f"the first block has no retry: {fields}"
            begun = True
            if "data" in fields:
                yield checked_event(fields)
    assert not rest, f"the body ends with half an event: {rest!r}"
    if not begun:
        # With 204 the server has nothing left to send. A poll tells how the stream ended.
        yield from polling(address, name, after, headers)


def is_odd(after: str) -> bool:
    """Tell whether a cursor's number is odd. The cursor "latest" counts as even."""
    return after[-1] in "13579"


def checked_event(fields: Mapping[str, str]) -> Record:
    """Return the record of an event, whose name and id must match the record."""
    record = json.loads(fields["data"])
    name = next((kind for kind in ("end", "reset") if kind in record), None)
    assert fields.get("event") == name, fields
    n = record["reset"] if name == "reset" else record["n"] + (name is None)
    cursor = f"{record['rev']}.{n}" if "rev" in record else f"{n}"
    assert fields["id"] == cursor, fields
    return record


def ws(address: Address, name: str, after: str, headers: Mapping[str, str]) -> Iterator[Record]:
    # Odd cursors ask for frames of several records.
    protocol = "streamsite.v1.batch" if is_odd(after) else "streamsite.v1"
    headers = {**headers, "Sec-WebSocket-Protocol": protocol}
    with websocket.connect(address, f"/stream/{name}/ws?after={after}", headers) as socket:
        for frame in socket.frames():
            if frame.opcode == websocket.CLOSE:
                if frame.code != 1000:
                    raise Refused(frame.code - 4000, frame.payload[2:].decode())
            elif frame.opcode == websocket.TEXT:
                message = json.loads(frame.payload)
                assert isinstance(message, dict) or protocol.endswith("batch"), message
                yield from message if isinstance(message, list) else [message]


TRANSPORTS: dict[str, Callable[..., Iterator[Record]]] = {
    "polling": polling,
    "chunked": chunked,
    "sse": sse,
    "websocket": ws,
}


def streamed(
    address: Address, target: str, headers: Mapping[str, str], *, empty_status: int = 200
) -> Iterator[bytes]:
    """Yield the chunks of a response, and check that the response is complete."""
    with http.Connection(address) as connection:
        connection.send(target, headers=headers)
        head = http.read_head(connection.file)
        if head.status == empty_status != 200:
            return
        if head.status != 200:
            head.body = http.read_exactly(connection.file, int(head.headers["content-length"]))
        accepted(head, 200)
        for data, _wire in http.read_chunks(connection.file):
            yield data


def read_all(
    transport: str, address: Address, name: str, after: str = "0", **headers: str
) -> list[Record]:
    """Return all records after a cursor."""
    return list(TRANSPORTS[transport](address, name, after, headers))


class Refused(AssertionError):
    """The server refused the request. A WebSocket's close code is the status plus 4000."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def accepted(response: http.Response, status: int) -> None:
    """Raise Refused for another status."""
    if response.status != status:
        raise Refused(response.status, response.text)


def bare_text(address: Address, name: str, after: str = "0") -> str:
    """Return the complete text of the chunked transport without records."""
    return b"".join(streamed(address, f"/stream/{name}/chunked?after={after}", {})).decode()


@dataclass
class Reader:
    """A reader that may leave and resume on any transport, and checks each record's number."""

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    # The pieces: texts, or JSON values.
    texts: list[Any] = field(default_factory=list)
    # The member of the records that has the piece: "text" or "data".
    member: str = ""
    revision: int = 0
    end: Record | None = None
    resets: list[Record] = field(default_factory=list)

    @property
    def cursor(self) -> str:
        return f"{self.revision}.{len(self.texts)}" if self.revision else f"{len(self.texts)}"

    @property
    def text(self) -> str:
        """The whole text, over which the server's SHA-256 is: JSON values are lines."""
        return "".join(self.texts) if self.member != "data" else as_lines(self.texts)

    @property
    def state(self) -> str | None:
        return self.end and self.end["end"]

    def read(self, transport: str, address: Address, most: int | None = None) -> "Reader":
        """Read from the cursor to the end of the stream, or until `most` more pieces have come."""
        taken = 0
        records = TRANSPORTS[transport](address, self.name, self.cursor, self.headers)
        try:
            for record in records:
                self.take(record)
                taken += "text" in record or "data" in record
                if taken == most:
                    return self
        finally:
            records.close()
        assert self.end is not None, "the connection ended before the stream"
        return self

    def take(self, record: Record) -> None:
        """Check a record against the pieces received so far, and keep it."""
        assert self.end is None, f"a record follows the end: {record}"
        if "reset" in record:
            assert record["why"]
            assert not self.texts or not self.resets, "more than one reset"
            self.resets.append(record)
            del self.texts[record["reset"] :]
            self.revision = record.get("rev", 0)
            return
        assert record.get("rev", 0) == self.revision or not self.texts, record
        self.revision = record.get("rev", 0)
        if "end" in record:
            assert record["n"] == len(self.texts), f"{record} after {len(self.texts)} pieces"
            assert record["sha256"] == hashlib.sha256(self.text.encode()).hexdigest(), record
            self.end = record
        else:
            assert record["n"] == len(self.texts), f"piece {record['n']} after {len(self.texts)}"
            (member,) = record.keys() - {"n", "rev"}
            assert member == (self.member or member) in ("text", "data"), record
            self.member = member
            assert record[member] or member == "data"
            self.texts.append(record[member])


def as_lines(values: Iterable[Any]) -> str:
    """Return JSON values as lines, in the compact form in which the server keeps them."""
    return "".join(
        json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n" for value in values
    )
