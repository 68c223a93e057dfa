"""The writer, whose task is cancelled when the event loop ends."""

import asyncio
from typing import Any

import pytest

from streamsite.streams import log
from streamsite.streams.writing import writer as writers
from streamsite.streams.writing.writer import Writer

PATIENCE = 30


@pytest.fixture
def committed(monkeypatch) -> list[str]:
    """Return the texts that the writer commits."""
    texts: list[str] = []

    async def commit(_append: Any, writes: list[log.Write]) -> list[None]:
        texts.extend(text for write in writes for text in write.texts)
        return [None for _ in writes]

    monkeypatch.setattr(writers, "in_database", commit)
    return texts


@pytest.mark.parametrize("steps", [0, 1], ids=["before its first step", "after its first step"])
async def test_pieces_are_committed_whenever_the_writers_task_is_cancelled(
    committed: list[str], steps: int
):
    ours = Writer()
    loop_tasks = asyncio.all_tasks()
    appending = asyncio.create_task(ours.append(log.Write(7, "fence", 0, ["a "], [0])))
    await asyncio.sleep(0)
    for _ in range(steps):
        await asyncio.sleep(0)
    for task in asyncio.all_tasks() - loop_tasks - {appending}:
        task.cancel()
    async with asyncio.timeout(PATIENCE):
        await appending
    assert committed == ["a "]
