"""The ASGI application that all connections of a run pass through.

It finds the run and the panel in the address, counts what is sent, puts the imitation of a proxy in
between, and keeps the connection where the faults find it. Everything else is the endpoints' own:
the requests for the engine go on to its addresses, and the plain ones to those in urls.py.
"""

import asyncio
import re
from contextlib import suppress
from typing import Any, NamedTuple

from channels.routing import ProtocolTypeRouter
from django.urls import get_script_prefix, reverse

from streamsite.streams import StreamError, handshake_request

from .account import Row
from .proxies import through, value_of
from .runs import Run
from .sockets import Link
from .visitors import run_for

TRANSPORTS = {"polling": "polling", "chunked": "chunked", "events": "sse", "ws": "websocket"}
ADDRESS = re.compile(
    r"/lab/runs/(?P<run_id>[A-Za-z0-9_-]+)/(?P<panel>[a-z0-9-]{1,20})"
    r"/(?P<source>engine|plain)/(?P<path>direct|nginx|buffered|gzip)"
    r"/(?P<endpoint>polling|chunked|events|ws)"
)
# The close code of a WebSocket that is gone without a close frame (RFC 6455, section 7.4.1).
CLOSED = 1006


class Found(NamedTuple):
    """A connection of a run, and what its address says."""

    run: Run
    row: Row
    endpoint: str


def with_lab(router: ProtocolTypeRouter) -> ProtocolTypeRouter:
    """Have the connections of the lab's runs pass through the lab, and return the router.

    application = with_lab(streams_application(get_asgi_application()))
    """
    protocols = router.application_mapping
    for protocol in ("http", "websocket"):
        protocols[protocol] = _passing_through(protocols[protocol])
    return router


def _passing_through(application: Any) -> Any:
    def lab(scope: Any, receive: Any, send: Any) -> Any:
        # Not a coroutine function: each viewer of the site would keep one more coroutine.
        if "/lab/runs/" in scope["path"]:
            return _serve(application, scope, receive, send)
        return application(scope, receive, send)

    return lab


async def _serve(application: Any, scope: Any, receive: Any, send: Any) -> None:
    found = await _find(scope)
    if found is None:
        # What is at this address says why not.
        await application(scope, receive, send)
        return
    row, link = found.row, Link(scope, send)
    row.requests += 1
    row.links.add(link)
    try:
        if row.cut_next and link.reachable:
            row.cut_next = False
            row.cut += 1
            link.reset()
            await _disconnected(receive)
        else:
            passed = through(row.path, scope, _passing(row, link))
            await application(
                _below(scope, found),
                _receiving(scope, link, receive),
                _counting(row, scope, passed),
            )
    finally:
        row.links.discard(link)


async def _find(scope: Any) -> Found | None:
    """Return the connection's run and row, or None if the visitor has no such run."""
    root = str(scope.get("root_path", ""))
    match = ADDRESS.fullmatch(scope["path"].removeprefix(root))
    if match is None:
        return None
    run_id, panel, source, path, endpoint = match.groups()
    with suppress(StreamError):
        run = await run_for(handshake_request(scope), run_id)
        return Found(run, run.row(panel, source, TRANSPORTS[endpoint], path), endpoint)
    return None


def _below(scope: Any, found: Found) -> Any:
    """Return the scope with which the endpoint is called."""
    # The fan-out would write around `send` through Daphne's door. The bytes are the same.
    extensions = {
        name: value
        for name, value in (scope.get("extensions") or {}).items()
        if name != "streamsite.door"
    }
    scope = {**scope, "extensions": extensions}
    if found.row.source == "engine":
        address = reverse("streams:polling", args=[found.run.id]).removeprefix(get_script_prefix())
        path = f"/{address.removesuffix('polling')}{found.endpoint}"
        scope["path"] = str(scope.get("root_path", "")) + path
        scope["raw_path"] = scope["path"].encode()
    return scope


def _counting(row: Row, scope: Any, send: Any) -> Any:
    """Return a `send` for the endpoint, which counts its messages."""

    async def counting(message: Any) -> None:
        row.ended_well = message["type"] == "websocket.close" or (
            message["type"] == "http.response.body" and not message.get("more_body")
        )
        if message["type"] == "http.response.body":
            row.sent(message.get("body", b""))
        elif message["type"] == "websocket.send":
            row.sent((message.get("text") or "").encode())
        elif message["type"] == "http.response.start":
            message = _begun(row, message)
        await send(message)

    return counting


def _begun(row: Row, message: Any) -> Any:
    """Return the head of a response, without the header that no plain view has."""
    headers = message["headers"]
    if row.source == "plain":
        # The plain endpoints share a decorator with the engine's, which adds this header for nginx.
        headers = [each for each in headers if each[0].lower() != b"x-accel-buffering"]
    elif row.transport == "chunked":
        row.countable = not value_of(b"content-type", headers).startswith(b"text/plain")
    return {**message, "headers": headers}


def _passing(row: Row, link: Link) -> Any:
    """Return a `send` to the client, which counts the bytes."""

    async def passing(message: Any) -> None:
        row.passed += len(message.get("body") or b"") or len((message.get("text") or "").encode())
        await link.send(message)

    return passing


def _receiving(scope: Any, link: Link, receive: Any) -> Any:
    """Return a `receive` that tells of a cut as of a client that has left."""

    left = {"type": f"{scope['type']}.disconnect", "code": CLOSED}

    async def receiving() -> Any:
        incoming = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((incoming, link.ended), return_when=asyncio.FIRST_COMPLETED)
            if incoming.done():
                return incoming.result()
        finally:
            if not incoming.done():
                incoming.cancel()
        return left

    return receiving


async def _disconnected(receive: Any) -> None:
    """Wait until the server notices that the connection is gone."""
    while "disconnect" not in (await receive())["type"]:
        pass
