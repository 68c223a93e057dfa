"""The lean handler's parts, called as a server calls them."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from streamsite.handler import read_body, send_stream

MIB = 1024 * 1024


async def test_a_body_in_many_parts_is_read_quickly():
    parts = iter([b"x" * 1024] * 8191)

    async def receive() -> dict[str, Any]:
        part = next(parts, None)
        return {"type": "http.request", "body": part or b"x" * 1024, "more_body": part is not None}

    begin = time.process_time()
    assert len(await read_body(receive)) == 8 * MIB
    # Everybody else waits meanwhile. Copied anew with each part it would take some ten.
    assert time.process_time() - begin < 1


class Stream:
    """A body that is never over, and a client that leaves when it is told to."""

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
        """Begin to send it, and return in mid-stream."""
        sending = asyncio.create_task(send_stream(self.parts(), "utf-8", self.receive, self.send))
        await self.begun.wait()
        return sending


async def test_a_client_that_leaves_ends_its_stream():
    stream = Stream()
    sending = await stream.start()
    stream.left.set()
    await sending
    assert sending.cancelling() == 0
    assert stream.closed
    assert stream.sent == [b"", "流".encode()]


async def test_a_server_that_ends_is_not_taken_for_a_client_that_leaves():
    stream = Stream()
    sending = await stream.start()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert stream.closed
