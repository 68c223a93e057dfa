"""A scripted provider of the chat: the words of an answer, at the pace of a fast model."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

EVERY = 1 / 50
# Longer than a scenario. An answer goes on when its viewers leave.
PARTS = 60 * 50


async def answer(_question: Any) -> AsyncIterator[str]:
    """Yield the words of an answer, each with the time at which it was made."""
    began = time.monotonic()
    for n in range(PARTS):
        await asyncio.sleep(began + n * EVERY - time.monotonic())
        yield f"@{time.monotonic_ns()}@ word "
