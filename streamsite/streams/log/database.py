"""The one thread in which a process does the engine's database work.

All readers and producers of a process share the thread and its connection, so their number costs
neither threads nor connections.
"""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import connections

from ..instruments import DATABASE_ERRORS, DATABASE_WAIT
from .outages import AWAY, outage
from .silence import LATE, silence

P = ParamSpec("P")
T = TypeVar("T")

# Seconds between two attempts while the database is away.
RETRY = 1.0
# Seconds after which `in_database_once_there` gives up.
PATIENCE = 30.0

_thread = ThreadPoolExecutor(1, "streams-database")


def _new_thread() -> None:
    global _thread
    _thread = ThreadPoolExecutor(1, "streams-database")


# A forked worker inherits no threads.
os.register_at_fork(after_in_child=_new_thread)


def executor() -> Executor:
    """Return what runs the database work of the running event loop. `isolation` replaces it."""
    return _thread


def open_early(work: Callable[[], object]) -> None:
    """Open the connection of the database thread by a query, and don't wait for the answer.

    On a full disk SQLite can read a database that is open, and can't open one that is not: it needs
    space for the index of its write-ahead log.
    """
    executor().submit(_with_connection, time.monotonic(), work, (), {})


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in the database thread, and return its result.

    The connection stays open between calls. When the connection turns out to be stale, `work` runs
    a second time on a fresh one. So `work` must be correct when it runs twice, as every function of
    the log is.
    """
    return await asyncio.get_running_loop().run_in_executor(
        executor(), _with_connection, time.monotonic(), work, args, kwargs
    )


async def in_database_once_there(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` as `in_database` does, and retry while the database is away.

    Raises the database's error when the database is still away after `PATIENCE` seconds.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await in_database(work, *args, **kwargs)
        except AWAY as error:
            if time.monotonic() > deadline:
                raise
            outage.tell(error)
            await asyncio.sleep(RETRY)


def _with_connection(
    asked: float, work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    started = time.monotonic()
    DATABASE_WAIT.observe(started - asked)
    try:
        try:
            done = work(*args, **kwargs)
        except AWAY:
            if any(each.in_atomic_block for each in connections.all(initialized_only=True)):
                raise  # A test's transaction, which would end with the connection.
            connections.close_all()  # Those of this thread.
            done = work(*args, **kwargs)
        if outage.known:
            outage.answered()
        return done
    except AWAY:
        silence.outage()
        DATABASE_ERRORS.inc()
        raise
    finally:
        if time.monotonic() - started > LATE:
            silence.outage()
