"""Shared ticks. No clock is looked at but the loop's own, in which a tick is never early."""

import asyncio

from streamsite.streams.reading.pace import TICK, ticks


async def wait_until(moment: float) -> None:
    await ticks().until(moment)


async def test_nobody_is_woken_early():
    loop = asyncio.get_running_loop()
    for ahead in (0, 0.001, 0.0137, 0.03):
        moment = loop.time() + ahead
        await ticks().until(moment)
        assert loop.time() >= moment


async def test_readers_of_one_moment_share_a_timer():
    loop = asyncio.get_running_loop()
    moment = loop.time() + 0.05
    readers = [asyncio.create_task(wait_until(moment)) for _ in range(1000)]
    await asyncio.sleep(0)
    assert len(ticks()._waiting) == 1
    await asyncio.gather(*readers)
    assert not ticks()._waiting


async def test_a_reader_that_leaves_takes_nobody_along():
    moment = asyncio.get_running_loop().time() + 0.02
    leaving, staying = (asyncio.create_task(wait_until(moment)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    assert leaving.cancelled()
    assert not ticks()._waiting


async def test_a_moment_that_is_past_comes_at_once():
    await ticks().until(0)


async def test_who_begins_at_the_last_tick_waits_for_whole_ticks():
    loop = asyncio.get_running_loop()
    begun = ticks().last()
    assert begun <= loop.time()
    for n in range(1, 4):
        # Each of these is a tick, so nobody waits for the one after.
        ticks().until(begun + n * TICK)
    assert sorted(ticks()._waiting) == [round(begun / TICK) + n for n in range(1, 4)]
