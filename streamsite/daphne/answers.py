"""Whole answers: responses that are not streamed, as bytes for one write."""

import json
from collections.abc import Iterable
from typing import Any

from twisted.web.http import NO_BODY_CODES, RESPONSES

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOTHING = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def has_body(method: bytes, status: int) -> bool:
    """Return whether a response to the method, with the status, has a body (RFC 9110, 6.4.1)."""
    return method != b"HEAD" and status >= 200 and status not in NO_BODY_CODES


def whole_answer(start: dict[str, Any], body: bytes, server_name: str) -> bytes | None:
    r"""Return a response of HTTP/1.1 whose only part is `body`.

        start = {"status": 200, "headers": [(b"Content-Length", b"2")]}
        whole_answer(start, b"{}", "")  # b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    `start` is the ASGI message `http.response.start`. As Daphne does, add a `Server` header with
    `server_name` where the message has none.

    Return None for an answer that Twisted has to write: without the right Content-Length the end of
    the body must be marked, and a line break in a header must be replaced.
    """
    headers: list[tuple[bytes, bytes]] = list(start.get("headers", ()))
    names = [name.lower() for name, _ in headers]
    if b"transfer-encoding" in names or b"connection" in names:
        return None
    if names.count(b"content-length") != 1:
        return None
    if headers[names.index(b"content-length")][1] != b"%d" % len(body):
        return None
    if server_name and b"server" not in names:
        headers.append((b"Server", server_name.encode()))
    lines = b"".join([b"%b: %b\r\n" % header for header in headers])
    if lines.count(b"\n") != len(headers) or lines.count(b"\r") != len(headers):
        return None
    status = start["status"]
    reason = RESPONSES.get(status, b"Unknown Status")
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, reason, lines, body)


def values_of(name: bytes, headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the values of the headers with a name, which is given in lower case."""
    return [value for key, value in headers if key.lower() == name]


def refusal(status: int, detail: str) -> bytes:
    """Return an answer that tells a client what was wrong with its request, as JSON."""
    body = json.dumps({"detail": detail}).encode()
    return (
        b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Connection: close\r\n\r\n%b"
    ) % (status, RESPONSES.get(status, b"Error"), len(body), body)
