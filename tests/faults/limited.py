"""A client of a site with limits: what it publishes and holds open, and how it is refused."""

import json
from collections.abc import Mapping
from typing import Any

from tests.engine.publisher import new_name
from tests.raw import http, websocket

Address = tuple[str, int]

# The endpoints of the transports. A reader that has the first piece of a live stream waits.
TARGETS = {
    "polling": "polling?after=1",
    "chunked": "chunked?after=1",
    "sse": "events?after=1",
    "websocket": "ws?after=1",
}


class Refusal(Exception):
    """A request was refused. A WebSocket's close code is the status plus 4000."""

    def __init__(self, status: int, retry_after: str | None, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.retry_after = retry_after
        self.detail = detail


def publish(
    address: Address, name: str, token: str, *pieces: str, query: str = "", **members: Any
) -> http.Response:
    """Send pieces to a stream."""
    return http.ask(
        address,
        f"/stream/{name}/pieces{query}",
        method="POST",
        headers={"Authorization": f"Bearer {token}"},
        body=json.dumps({"pieces": pieces, **members}).encode(),
    )


def live_stream(address: Address, token: str) -> str:
    """Publish the first piece of a stream that everybody may watch, and return its name."""
    name = new_name("limited")
    answer = publish(address, name, token, "one ", query="?visibility=link")
    assert answer.status == 202, answer.text
    return name


def connect(
    transport: str, address: Address, name: str, headers: Mapping[str, str] | None = None
) -> http.Connection:
    """Return an open connection that waits for the second piece. Raise Refusal.

    The connection of the transport "polling" has the answer already.
    """
    target = f"/stream/{name}/{TARGETS[transport]}"
    if transport == "websocket":
        socket = websocket.connect(address, target, headers)
        socket.write(websocket.PING)
        frame = socket.read()
        if frame.opcode == websocket.CLOSE:
            socket.__exit__()  # A pong may be on its way.
            raise Refusal(frame.code - 4000, None, frame.payload[2:].decode())
        return socket
    connection = http.Connection(address)
    connection.send(target, headers=headers or {})
    head = http.read_head(connection.file)
    if head.status != 200:
        body = http.read_exactly(connection.file, int(head.headers["content-length"]))
        connection.__exit__()
        raise Refusal(head.status, head.headers.get("retry-after"), json.loads(body)["detail"])
    return connection


def is_open(*arguments: Any) -> bool:
    """Return whether `connect` succeeds, and leave at once."""
    try:
        with connect(*arguments):
            return True
    except Refusal:
        return False
