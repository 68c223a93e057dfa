"""Sources that run in a server, and the server's end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from streamsite.streams import start
from streamsite.streams.writing import producers
from streamsite.streams.writing.sources import end_sources


async def source() -> AsyncIterator[str]:
    yield "text"


async def test_a_start_that_is_still_opening_its_stream_ends_with_the_server(monkeypatch):
    opening = asyncio.Event()

    async def in_database(*_work: Any, **_options: Any) -> None:
        opening.set()
        await asyncio.Future()

    monkeypatch.setattr(producers, "in_database", in_database)
    starting = asyncio.create_task(start("never-opened", source()))
    await opening.wait()
    await end_sources()
    async with asyncio.timeout(30):
        with pytest.raises(asyncio.CancelledError):
            await starting
