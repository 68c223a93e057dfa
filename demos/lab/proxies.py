"""Imitations of proxies between an endpoint and its client, for HTTP responses.

tests/lab/test_proxies.py compares the imitation of nginx with nginx 1.22 as Debian has it. With
`proxy_http_version 1.1`, and by default from 1.29.7 on, nginx passes on each chunk of a server at
once: measured, 766 blocks for 800 pieces, in place of 10.

A proxy passes a WebSocket on as it is, so the connections of a WebSocket have none of these.
"""

import zlib
from typing import Any

PATHS = {
    "direct": "No proxy: what the endpoint sends goes out at once.",
    "nginx": "nginx before 1.29.7 with its defaults: proxy_buffering on, HTTP/1.0 to the server. "
    "It passes on full buffers of 4 KiB, unless the response says X-Accel-Buffering: no.",
    "buffered": "The same proxy told to ignore that header (proxy_ignore_headers), like many "
    "others that buffer.",
    "gzip": "A proxy that compresses the body and does not flush before the end.",
}
# Bytes of a buffer of nginx, by default one page of memory: proxy_buffers.
BUFFER = 4096

Headers = list[tuple[bytes, bytes]]


def through(path: str, scope: Any, send: Any) -> Any:
    """Return a `send` that passes on a response as the proxy of this path would."""
    if path == "direct" or scope["type"] == "websocket":
        return send
    if path == "gzip":
        accepted = value_of(b"accept-encoding", scope["headers"])
        return Compressing(send).send if b"gzip" in accepted else send
    return Buffering(send, obeys=path == "nginx").send


def value_of(name: bytes, headers: Any) -> bytes:
    """Return the value of a header, or b"". The name is given in lower case."""
    return next((bytes(value) for key, value in headers if key.lower() == name), b"")


class Buffering:
    """Collect a response, and pass on full buffers. The head waits for the first of them."""

    def __init__(self, send: Any, *, obeys: bool) -> None:
        self._send = send
        self._obeys = obeys
        self._off = False
        self._head: Any = None
        self._kept = bytearray()

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._head = message
            self._off = (
                self._obeys and value_of(b"x-accel-buffering", message["headers"]).lower() == b"no"
            )
            return
        over = not message.get("more_body")
        self._kept += message.get("body", b"")
        full = len(self._kept) if over or self._off else len(self._kept) // BUFFER * BUFFER
        if not (full or over or self._off):
            return
        if self._head is not None:
            await self._send(self._head)
            self._head = None
        body = bytes(self._kept[:full])
        del self._kept[:full]
        await self._send({**message, "body": body})


class Compressing:
    """Compress a body as one gzip member (RFC 1952), without a flush before the end."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._compressor = zlib.compressobj(wbits=31)
        self._bodiless = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._bodiless = message["status"] in (204, 304)
        if self._bodiless:
            await self._send(message)
            return
        if message["type"] == "http.response.start":
            dropped = (b"content-length", b"content-encoding")
            headers: Headers = [
                (name, value) for name, value in message["headers"] if name.lower() not in dropped
            ]
            headers += [(b"Content-Encoding", b"gzip"), (b"Vary", b"Accept-Encoding")]
            await self._send({**message, "headers": headers})
            return
        body = self._compressor.compress(message.get("body", b""))
        over = not message.get("more_body")
        if over:
            body += self._compressor.flush()
        if body or over:
            await self._send({**message, "body": body})
