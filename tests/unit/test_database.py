"""The database thread: callers wait for work that computes, and for no database that is stuck."""

import asyncio
import gc
import threading
import time
import weakref

import pytest
from django.db import OperationalError

from streamsite.streams.log import database
from streamsite.streams.log.database import in_database
from streamsite.streams.log.silence import Silence


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STUCK", 60)
    monkeypatch.setattr(database, "LOOK", 0.02)
    # What waits or computes for long here is an outage that no other test may notice.
    monkeypatch.setattr(database, "silence", Silence())


def compute(seconds: float) -> str:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return "done"


async def test_work_that_computes_for_long_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    begun = threading.Event()
    look = database.stuck

    def work() -> str:
        compute(0.1)
        begun.set()
        return compute(0.5)

    def stuck() -> bool:
        """Look once the thread computes: a busy machine may let it wait for the CPU first."""
        if database._working:
            assert begun.wait(60)
        return look()

    monkeypatch.setattr(database, "STUCK", 0.2)
    monkeypatch.setattr(database, "stuck", stuck)
    assert await in_database(work) == "done"


async def test_nobody_waits_for_a_thread_that_waits_for_the_database(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(database, "STUCK", 0.2)
    answers = threading.Event()
    with pytest.raises(OperationalError):
        await in_database(answers.wait)
    # The thread still waits, so nothing more is queued.
    with pytest.raises(OperationalError):
        await in_database(compute, 0)
    answers.set()
    while database.stuck():
        await asyncio.sleep(0.02)
    monkeypatch.setattr(database, "STUCK", 60)
    assert await in_database(compute, 0) == "done"


async def test_a_thread_that_seems_stuck_after_a_pause_of_the_process_gets_time_to_answer(
    monkeypatch: pytest.MonkeyPatch,
):
    answers = threading.Event()
    looks = 0

    def stuck() -> bool:
        """Find the thread stuck at the first look of a new caller, and of one that waits."""
        nonlocal looks
        looks += 1
        if looks == 4:
            answers.set()
        return looks in (1, 3)

    monkeypatch.setattr(database, "STUCK", 0.02)
    monkeypatch.setattr(database, "stuck", stuck)
    assert await in_database(answers.wait)
    assert looks >= 4


async def test_a_caller_that_is_cancelled_gets_no_other_error():
    waiting = asyncio.create_task(in_database(time.sleep, 0.1))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


class Result:
    """What the database gives, in place of a million characters."""


async def test_a_result_is_freed_without_the_garbage_collector():
    gc.disable()
    try:
        result = weakref.ref(await in_database(Result))
        async with asyncio.timeout(10):
            while result() is not None:  # The thread lets go of the result a moment later.
                await asyncio.sleep(0.01)
    finally:
        gc.enable()
