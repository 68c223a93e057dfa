"""The parts of the stream handler, called as a server calls them."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.http import HttpResponse

from streamsite.streams.http.bodies import read_body
from streamsite.streams.http.handler import asgi_headers, send_stream


class Posted:
    """A request whose body is still to come, in chunks."""

    scope: dict[str, Any] = {"headers": []}


async def test_a_body_in_many_parts_is_read_completely():
    parts = [bytes([number % 256]) * 1024 for number in range(8 * 1024)]
    coming = iter(parts)
    left = len(parts)

    async def receive() -> dict[str, Any]:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": next(coming), "more_body": left > 0}

    with await read_body(Posted(), receive, len(parts) * 1024) as body:
        assert body.read() == b"".join(parts)


def test_a_cookie_that_a_view_sets_is_sent():
    response = HttpResponse()
    response.set_cookie("theme", "dark", path="/stream/")
    assert (b"Set-Cookie", b"theme=dark; Path=/stream/") in asgi_headers(response)


class Stream:
    """A streaming body that never ends, and a client that leaves when `left` is set."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self.closed = False

    async def parts(self) -> AsyncGenerator[str, None]:
        try:
            yield "流"
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            self.closed = True

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message["body"])

    async def start(self) -> asyncio.Task[None]:
        """Start to send the body, and return after its first part."""
        sending = asyncio.create_task(
            send_stream(self.parts(), "utf-8", {}, self.receive, self.send)
        )
        await self.begun.wait()
        return sending


async def test_the_body_is_closed_when_the_client_leaves():
    stream = Stream()
    sending = await stream.start()
    stream.left.set()
    await sending
    assert sending.cancelling() == 0
    assert stream.closed
    assert stream.sent == [b"", "流".encode()]


async def test_a_task_that_the_server_cancels_stays_cancelled():
    stream = Stream()
    sending = await stream.start()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert stream.closed
