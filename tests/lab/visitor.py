"""A visitor of the lab, who reads a run on raw sockets and breaks it."""

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from tests.raw import events, http, websocket
from tests.waiting import wait_until

TOKEN = "t" * 32
ENDPOINTS = {"polling": "polling", "chunked": "chunked", "sse": "events", "websocket": "ws"}
TRANSPORTS = tuple(ENDPOINTS)
STREAMED = TRANSPORTS[1:]
SOURCES = ("engine", "plain")
# What a reader meets when its connection is cut off.
CUT = (OSError, http.Malformed)


class Visitor:
    """A browser with a cookie of its own."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.cookies = {"csrftoken": TOKEN}
        self.id = ""

    @property
    def headers(self) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies, "X-CSRFToken": TOKEN}

    def ask(self, target: str, method: str = "GET", body: Any = None, **headers: str) -> Any:
        """Send a request and return the response."""
        return http.ask(
            self.address,
            f"/lab/runs/{target}",
            method=method,
            headers={**self.headers, **headers},
            body=b"" if body is None else json.dumps(body).encode(),
        )

    def start(self, **options: Any) -> "Visitor":
        """Start a run."""
        response = self.ask("", "POST", options)
        assert response.status == 201, response.text
        name, _, value = response.headers["set-cookie"].partition(";")[0].partition("=")
        self.cookies[name] = value
        self.id = response.json["id"]
        return self

    def look(self, after: int = 0, *, texts: bool = False) -> Any:
        """Return the server's account of the run."""
        response = self.ask(f"{self.id}?after={after}&texts={texts:d}")
        assert response.status == 200, response.text
        return response.json

    def wait(self, condition: Any, what: str) -> Any:
        """Look until the account fulfils a condition, and return it."""
        last: list[Any] = [None]

        def fulfilled() -> bool:
            last[0] = self.look()
            return bool(condition(last[0]))

        try:
            wait_until(fulfilled, what, patience=40)
        except AssertionError:
            print({**last[0], "pieces": len(last[0]["pieces"])})
            raise
        return last[0]

    def wait_for(self, *kinds: str) -> Any:
        """Wait until these events have happened, and return the account."""
        return self.wait(lambda run: set(kinds) <= set(kinds_of(run)), f"the events {kinds}")

    def wait_for_count(self, n: int) -> Any:
        """Wait until the producer has given `n` pieces."""
        return self.wait(lambda run: run["count"] >= n, f"{n} pieces")

    def cause(self, fault: str, status: int = 202, **body: Any) -> Any:
        response = self.ask(f"{self.id}/faults", "POST", {"fault": fault, **body})
        assert response.status == status, response.text
        return response.json

    def leave(self) -> None:
        """End the run."""
        assert self.ask(self.id, "DELETE").status == 204

    def row(self, source: str, transport: str, path: str = "direct") -> Any:
        """Return the account of the connections of one panel."""
        return next(
            row
            for row in self.look()["connections"]
            if (row["source"], row["transport"], row["path"]) == (source, transport, path)
            and not row["panel"].startswith("slow")
        )

    def reader(self, source: str, transport: str, path: str = "direct") -> "Reader":
        target = f"/lab/runs/{self.id}/{transport}/{source}/{path}/{ENDPOINTS[transport]}"
        return Reader(self, target, source, transport)


def kinds_of(run: Any) -> list[str]:
    return [event["kind"] for event in run["events"]]


def event_of(run: Any, kind: str) -> Any:
    return next(event for event in run["events"] if event["kind"] == kind)


class Reader:
    """A reader of one source on one transport, which counts the bytes that it gets.

    `texts` has the pieces so far. A reader of the engine has their `numbers`, too.
    """

    def __init__(self, visitor: Visitor, target: str, source: str, transport: str) -> None:
        self.visitor = visitor
        self.target = target
        self.engine = source == "engine"
        self.transport = transport
        self.texts: list[str] = []
        self.numbers: list[int] = []
        self.end: Any = None
        self.bytes = 0
        self.requests = 0

    @property
    def after(self) -> int:
        return self.numbers[-1] + 1 if self.numbers else 0

    def connect(self) -> Iterator[str]:
        """Yield the pieces of one connection, to the end of the stream.

        A connection that was cut raises one of `CUT`. The first item is empty, and says that the
        connection is there.
        """
        self.requests += 1
        if self.transport == "polling":
            return self._poll()
        if self.transport == "websocket":
            return self._frames()
        return self._events() if self.transport == "sse" else self._chunks()

    def read(self) -> "Reader":
        """Read one connection to its end, or until it is cut."""
        with suppress(*CUT):
            for _text in self.connect():
                pass
        return self

    def _record(self, record: Any) -> Iterator[str]:
        if "text" in record:
            self.numbers.append(record["n"])
            yield from self._piece(record["text"])
        elif "end" in record:
            self.end = record

    def _piece(self, text: str) -> Iterator[str]:
        self.texts.append(text)
        yield text

    def _poll(self) -> Iterator[str]:
        yield ""
        with http.Connection(self.visitor.address) as connection:
            while self.end is None:
                query = f"after={self.after}&wait=5" if self.engine else f"cnt={len(self.texts)}"
                answer = connection.ask(f"{self.target}?{query}", headers=self.visitor.headers)
                self.bytes += len(answer.body)
                if self.engine:
                    first = int(answer.json["after"]) - len(answer.json["pieces"])
                    for n, text in enumerate(answer.json["pieces"], first):
                        yield from self._record({"n": n, "text": text})
                    if "sha256" in answer.json:
                        self.end = {**answer.json, "end": answer.json["state"]}
                elif answer.status == 400:
                    self.end = answer.json
                elif answer.json["message"]:
                    yield from self._piece(answer.json["message"])

    def _get(self, accept: str) -> Iterator[bytes]:
        query = f"?after={self.after}" if self.engine else ""
        headers = {**self.visitor.headers, "Accept": accept}
        with http.Connection(self.visitor.address) as connection:
            connection.send(self.target + query, headers=headers)
            yield b""
            head = http.read_head(connection.file)
            assert head.status == 200, head
            for data, _wire in http.read_chunks(connection.file):
                self.bytes += len(data)
                yield data

    def _chunks(self) -> Iterator[str]:
        with closing(self._get("application/x-ndjson")) as parts:
            yield next(parts).decode()
            for data in parts:
                if not self.engine:
                    yield from self._piece(data.decode()) if data else ()
                    continue
                for line in data.splitlines():
                    if line:
                        yield from self._record(json.loads(line))
            self.end = self.end or {}

    def _events(self) -> Iterator[str]:
        with closing(self._get("text/event-stream")) as parts:
            yield next(parts).decode()
            for data in filter(None, parts):
                for block in events.parse(data):
                    if block.data is None:
                        continue
                    if self.engine:
                        yield from self._record(json.loads(block.data))
                    elif block.data == "END":
                        self.end = {}
                    else:
                        yield from self._piece(block.data)

    def _frames(self) -> Iterator[str]:
        query = f"?after={self.after}" if self.engine else ""
        headers = self.visitor.headers
        socket = websocket.connect(self.visitor.address, self.target + query, headers)
        with socket:
            yield ""
            for frame in socket.frames():
                if frame.opcode == websocket.CLOSE:
                    if frame.code != 1000:
                        raise http.CutShort(f"closed with the code {frame.code}")
                    self.end = self.end or {}
                    return
                if frame.opcode == websocket.PONG:
                    continue  # The engine's keep-alive.
                self.bytes += len(frame.payload)
                if self.engine:
                    yield from self._record(json.loads(frame.text))
                else:
                    yield from self._piece(frame.text)
