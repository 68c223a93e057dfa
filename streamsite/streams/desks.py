"""The desk: the thread that does the engine's database work in a test.

Which thread does the work decides whether a test passes, fails or waits for ever: only the thread
of the test sees the rows of the test's transaction.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from weakref import WeakSet

from asgiref.sync import AsyncToSync, SyncToAsync
from django.db import connections

T = TypeVar("T")

# Whether any test has used the thread of `sync_to_async`.
_sub_thread_used = False


class Desk(Executor):
    """The database work of one event loop, for the thread in which Django's ORM works.

    The event loop of a test or view in Django runs in a thread of `async_to_sync`, and the calling
    thread meanwhile does the work of `sync_to_async`. `async_to_sync` nests: an inner call may wait
    for a task that an outer call has started. So the desk asks every call that it sees, and the
    first one to come does the work. Without such a call, which is the case in asynchronous tests of
    pytest, `sync_to_async` has a thread of its own.

    The event loop of synchronous code has a desk without workers, and the waiting thread calls
    `work_until`. `check` is called in the thread that does the work, and raises an error where that
    thread does not see the rows of the test.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, check: Callable[[], None], *workers: Executor
    ) -> None:
        self.loop = loop
        self._check = check
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._workers = WeakSet(workers)

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        outcome: Future[T] = Future()
        self._jobs.put(partial(self._do, partial(work, *args, **kwargs), outcome))
        if inner := getattr(AsyncToSync.executors, "current", None):
            self._workers.add(inner)
        for worker in list(self._workers):
            try:
                worker.submit(self._work)
            except RuntimeError:  # The call of `async_to_sync` has returned.
                self._workers.discard(worker)
        return outcome

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:  # Another worker has been here.
                return
            job()

    def work_until(self, done: "Future[Any]") -> None:
        """Do the work that comes, until `done` is done."""
        done.add_done_callback(lambda _: self._jobs.put(lambda: None))
        while not done.done():
            self._jobs.get()()

    def _do(self, work: Callable[[], T], outcome: "Future[T]") -> None:
        """Do the work, and give `outcome` its result."""
        if outcome.set_running_or_notify_cancel():
            try:
                self._check()
                outcome.set_result(work())
            except BaseException as error:  # noqa: BLE001 - the caller gets the error
                outcome.set_exception(error)


def new_desk(check: Callable[[], None]) -> Desk:
    """Return the desk of the running event loop, with the worker that the loop has."""
    global _sub_thread_used
    loop = asyncio.get_running_loop()
    # The names of asgiref, here and above, are undocumented. Last read in asgiref 3.13.
    worker: Executor | None = AsyncToSync.loop_thread_executors.get(loop)
    if worker is None:
        worker = SyncToAsync.single_thread_executor
        _sub_thread_used = True
    return Desk(loop, check, worker)


def close_connections() -> None:
    """Close the connections of the thread of `sync_to_async`, if a desk has used the thread."""
    if _sub_thread_used:
        SyncToAsync.single_thread_executor.submit(connections.close_all).result()
