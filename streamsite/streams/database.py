"""The one thread in which a process does the engine's database work.

Readers wait for it together, however many they are, so a process needs one thread and one
connection for all of them.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")

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


def _with_connection(
    work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    try:
        return work(*args, **kwargs)
    except (OperationalError, InterfaceError):
        connection.close()
        return work(*args, **kwargs)
