"""One object for each event loop, and tasks that belong to no request.

A process has several event loops if threads run producers, and an asyncio object belongs to one
event loop.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from typing import Any, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

# Makes the context of a task that belongs to no request. `isolation` replaces it.
context: Callable[[], Context] = Context


class PerLoop(Generic[T]):
    """Hold one object for each event loop. A call returns the object of the running event loop.

        hub = PerLoop(Hub)
        hub()      # the Hub of the running event loop
        list(hub)  # the Hubs of all open event loops

    The first call in an event loop makes the object. A call outside of an event loop raises
    RuntimeError.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[asyncio.AbstractEventLoop, T] = {}
        # The event loops of the parent process do not run in a forked child.
        os.register_at_fork(after_in_child=self._made.clear)
        _all.add(self)

    def __call__(self) -> T:
        loop = asyncio.get_running_loop()
        found = self._made.get(loop)
        if found is None:
            # Each `asyncio.run` makes an event loop. An object may refer to its closed loop, so
            # the two would stay in memory if they stayed in this table.
            for closed in [each for each in list(self._made) if each.is_closed()]:
                self._made.pop(closed, None)
            found = self._made[loop] = self._make()
        return found

    def __iter__(self) -> Iterator[T]:
        """Iterate over the objects of all event loops that are not closed."""
        return iter([made for loop, made in list(self._made.items()) if not loop.is_closed()])

    def forget(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drop the object of an event loop. The next call there makes a new one."""
        self._made.pop(loop, None)


_all: WeakSet[PerLoop[Any]] = WeakSet()


def forget_all(loop: asyncio.AbstractEventLoop) -> None:
    """Drop all objects of an event loop in which nothing of the engine runs."""
    for per_loop in list(_all):
        per_loop.forget(loop)


def start_apart(work: Coroutine[Any, Any, T], name: str | None = None) -> "asyncio.Task[T]":
    """Run work that serves all requests in a task. The task has no context of a request.

    Otherwise the log lines of the task would have the id of the request that started it.
    """
    loop = asyncio.get_running_loop()
    return context().run(lambda: loop.create_task(work, name=name))
