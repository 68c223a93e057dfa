"""The one thread in which a process does the engine's database work.

Readers wait for it together, however many they are, so a process needs one thread and one
connection for all of them.
"""

import asyncio
import logging
import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

AWAY = (OperationalError, InterfaceError)
# Seconds between tries while the database is away, and after which no more is made.
RETRY = 1.0
PATIENCE = 30.0
# Seconds after which an answer is so late that the database counts as having been away.
LATE = 2.0

_away_at = -math.inf

_thread = ThreadPoolExecutor(1, "streams-database")


def _new_thread() -> None:
    global _thread
    _thread = ThreadPoolExecutor(1, "streams-database")


# A forked worker has no threads but its own.
os.register_at_fork(after_in_child=_new_thread)


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` in the database's thread.

    The connection stays open between calls. When it has gone stale, the work is done once more
    on a fresh one: so `work` must be right when done twice, as all of log/ is.
    """
    return await asyncio.get_running_loop().run_in_executor(
        _thread, _with_connection, work, args, kwargs
    )


async def in_database_once_there(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` as `in_database` does; while the database is away, again and again."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await in_database(work, *args, **kwargs)
        except AWAY:
            if time.monotonic() > deadline:
                raise
            logger.exception("The database doesn't answer: another try in %s s.", RETRY)
            await asyncio.sleep(RETRY)


def steady(seconds: float) -> bool:
    """Tell whether the database has answered all that it was asked in the last so many seconds."""
    return time.monotonic() - _away_at > seconds


def _with_connection(
    work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    global _away_at
    begun = time.monotonic()
    try:
        try:
            return work(*args, **kwargs)
        except AWAY:
            connection.close()
            return work(*args, **kwargs)
    except AWAY:
        begun = -math.inf
        raise
    finally:
        if time.monotonic() - begun > LATE:
            _away_at = time.monotonic()
