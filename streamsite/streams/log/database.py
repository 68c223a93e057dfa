"""The one thread in which a process does the engine's database work.

All readers and producers of a process share the thread and its connection, so their number costs
neither threads nor connections.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connections

from ..errors import NotMigrated
from ..instruments import DATABASE_ERRORS, DATABASE_WAIT
from .outages import AWAY, mistake_in, of_sqlite, outage
from .silence import LATE, silence

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# Seconds between two attempts while the database is away.
RETRY = 1.0
# Seconds after which `in_database_once_there` gives up.
PATIENCE = 30.0

# Seconds after which a thread that waits for the database is stuck. Its callers then get an error,
# and nothing more is queued, so that a client knows within 2 s.
STUCK = 1.5
# Seconds between two looks whether the thread is stuck.
LOOK = 0.2
# The least share of its time for which a thread uses the CPU while it computes. A thread that waits
# for PostgreSQL, or for the lock of SQLite, uses the CPU for less than a thousandth of its time.
COMPUTING = 0.02
NO_ANSWER = f"no answer within {STUCK} s"

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

        stream = await in_database(Stream.objects.get, name="build")

    The connection stays open between calls. When the connection turns out to be stale, `work` runs
    a second time on a fresh one. So `work` must be correct when it runs twice, as every function of
    the log is.

    Raises OperationalError when the thread has waited for the database for longer than `STUCK`
    seconds. The work may be done later, or not. Raises NotMigrated where a table or a column is
    missing.
    """
    if await _still_stuck():
        raise OperationalError(NO_ANSWER)
    loop = asyncio.get_running_loop()
    working = loop.run_in_executor(
        executor(), _with_connection, time.monotonic(), work, args, kwargs
    )
    # A callback that schedules itself is a reference cycle, and would keep the result until the
    # garbage collector runs: 70 MiB of a stream with large pieces.
    patience = STUCK
    try:
        while not (await asyncio.wait((working,), timeout=patience))[0]:
            if await _still_stuck():
                raise OperationalError(NO_ANSWER)
            patience = LOOK
        return working.result()
    finally:
        working.cancel()


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


async def in_database_at_last(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` as `in_database` does, and retry for as long as the database is away."""
    while True:
        try:
            return await in_database(work, *args, **kwargs)
        except AWAY as error:
            outage.tell(error)
            await asyncio.sleep(RETRY)


# By thread: when its present work began, and the CPU time that the thread had used then.
_working: dict[int, tuple[float, float]] = {}


def stuck() -> bool:
    """Return whether a thread has waited for the database for longer than `STUCK` seconds.

    A thread that computes is not stuck: to fold a stream of a million pieces takes longer.
    """
    now = time.monotonic()
    return any(
        now - began > STUCK and cpu_time(thread) - used < COMPUTING * (now - began)
        for thread, (began, used) in list(_working.items())
    )


async def _still_stuck() -> bool:
    """Return whether a thread is stuck at two looks in a row.

    After a pause of the process, such as the move of a virtual machine to another host, the thread
    seems stuck for as long as the rest of its work takes.
    """
    if not stuck():
        return False
    await asyncio.sleep(LOOK)
    return stuck()


def cpu_time(thread: int) -> float:
    """Return the seconds of CPU time that a thread has used, or 0 where nothing tells."""
    if not hasattr(time, "pthread_getcpuclockid"):  # On macOS and Windows.
        return 0.0
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def _with_connection(
    asked: float, work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    started = time.monotonic()
    DATABASE_WAIT.observe(started - asked)
    thread = threading.get_ident()
    outer = _working.get(thread)
    _working[thread] = started, time.thread_time()
    try:
        try:
            done = _run(work, args, kwargs)
        except AWAY as error:
            if any(each.in_atomic_block for each in connections.all(initialized_only=True)):
                raise  # A test's transaction, which would end with the connection.
            if of_sqlite(error):
                raise  # No server has closed the connection, and a full disk allows no other one.
            connections.close_all()  # Those of this thread.
            done = _run(work, args, kwargs)
        if outage.known:
            outage.answered()
        return done
    except AWAY:
        silence.outage()
        DATABASE_ERRORS.inc()
        raise
    finally:
        if outer is None:
            del _working[thread]
        else:
            _working[thread] = outer
        if time.monotonic() - started > LATE:
            silence.outage()


def _run(work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    """Run `work`. Raises the error of `mistake_in` for a mistake that looks like an outage."""
    try:
        return work(*args, **kwargs)
    except DatabaseError as error:
        mistake = mistake_in(error)
        if mistake is None:
            raise
        if isinstance(mistake, NotMigrated):
            logger.error("%s (%s)", mistake.detail, " ".join(str(error).split()))
        raise mistake from error
