"""The limit to the silence of a source."""

import asyncio
from contextlib import suppress

import pytest

from streamsite.chat.patience import Patience

SECONDS = 0.05


async def pass_time(seconds: float) -> None:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, passed.set)
    await passed.wait()


async def hang_in(patience: Patience) -> None:
    with patience:
        await asyncio.Event().wait()


async def test_a_block_that_takes_too_long_is_ended_by_a_timeout_error_each_time():
    patience = Patience(SECONDS)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await hang_in(patience)
    patience.end()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_the_time_between_two_blocks_does_not_count():
    patience = Patience(SECONDS)
    with patience:
        pass
    await pass_time(3 * SECONDS)
    with patience:
        await asyncio.sleep(0)
    patience.end()


async def test_a_cancellation_by_somebody_else_is_no_timeout():
    async def work() -> None:
        patience = Patience(60)
        try:
            begun.set()
            await hang_in(patience)
        finally:
            patience.end()

    begun = asyncio.Event()
    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_block_that_goes_on_after_its_time_leaves_the_task_as_it_was():
    patience = Patience(SECONDS)
    with patience, suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    patience.end()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
