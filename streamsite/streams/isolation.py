"""The engine inside a test: in the thread of the test, on the connection of the test.

Read `desks.py` before you change this module.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

from django.db import connections

from . import loops
from .desks import Desk, close_connections, new_desk
from .http.limits import rates
from .log import bell, database
from .models import Stream
from .querysets import home
from .reading import finding, tapes
from .writing import background, blocks, leases, sources

T = TypeVar("T")

# Seconds within which a stream that a test reads has to end.
WITHIN = 10.0
# Seconds within which the engine's tasks have to end after a test.
END_WITHIN = 5.0
# Seconds of a producer's lease. A test may leave its producers alone for long, and does so while a
# debugger has stopped the test.
LEASE = 86_400.0

ENGINE = Path(__file__).parent


@contextmanager
def isolated() -> Iterator[None]:
    """Run the engine in the thread of the test and on the test's database connection.

        with isolated():
            with publish("build") as stream:
                stream.write("one")
            assert read("build").text == "one"

    At the end, no thread, task or database connection of the engine is left.

    - Asynchronous code: a source that `start` runs ends with the event loop of the test.
    - Synchronous code: `write` returns when the piece is committed. In a view under Django's
      synchronous test client, `start` returns when the source has ended.
    - No other process hears of the streams: the engine uses no channel layer.

    Enter the block outside of an event loop. Raises RuntimeError inside of one.
    """
    if in_event_loop():
        raise RuntimeError("Enter isolated() in a synchronous function, outside of an event loop.")
    if _Isolation.test is not None:
        yield
        return
    with ExitStack() as stack:
        replace = partial(_replace, stack)
        replace(_Isolation, "test", _Test())
        replace(database, "executor", _desk)
        # `async_to_sync` notes in the context which calls wait, and the desk asks these calls.
        replace(loops, "context", copy_context)
        replace(background, "background", _background)
        replace(bell, "channel_layer", lambda: bell.in_memory)
        replace(sources, "end_in_view", _end_in_view)
        # A signal that empties the cache comes after a commit, and the transaction of a test has
        # none.
        replace(finding, "CACHE_SECONDS", 0.0)
        for module in (blocks, leases):
            replace(module, "LEASE", LEASE)
        stack.callback(end)
        yield


def _replace(stack: ExitStack, target: object, name: str, value: object) -> None:
    stack.enter_context(mock.patch.object(target, name, value))


async def _end_in_view(stream: Stream, source: asyncio.Task[None]) -> None:
    if (await asyncio.wait([source], timeout=WITHIN))[1]:
        raise AssertionError(
            f"The source of stream {stream.name!r} has not ended within {WITHIN:g} s. Under the "
            "synchronous test client a source ends with its view. Use AsyncClient for this source."
        )


class _Test:
    """The connection of the test, and the event loops of its synchronous code."""

    def __init__(self) -> None:
        self.connection = connections[home()]
        self.backgrounds: dict[threading.Thread, _Background] = {}

    def check(self) -> None:
        """Raise RuntimeError if this thread does not see the rows of the test's transaction."""
        shared = connections[home()] is self.connection
        # Undocumented. Last read in Django 6.1. TestCase marks its transactions in this way, also
        # in pytest-django.
        if not shared and any(
            getattr(block, "_from_testcase", False) for block in self.connection.atomic_blocks
        ):
            raise RuntimeError(
                "Another thread can't see the rows of this test, because the test runs in a "
                "transaction. Use TransactionTestCase, or with pytest-django "
                "@pytest.mark.django_db(transaction=True)."
            )


class _Isolation:
    """The test that runs, or None."""

    test: _Test | None = None


def _test() -> _Test:
    assert _Isolation.test is not None
    return _Isolation.test


def _check() -> None:
    _test().check()


_desks = loops.PerLoop(lambda: new_desk(_check))


def _desk() -> Desk:
    """Return the desk of the running event loop."""
    loop = asyncio.get_running_loop()
    own = (each.desk for each in _test().backgrounds.values() if each.loop is loop)
    return next(own, None) or _desks()


class _Background(background.Background):
    """The event loop of synchronous code. The thread that waits does the database work."""

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(self.loop, _check)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        async def run_and_commit() -> T:
            result = await work
            # A test that has written a piece expects to read the piece.
            await _wait(lambda task: task.get_name() == "streams-writer")
            return result

        return self._run(run_and_commit())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        self.desk.work_until(future)
        return future.result()

    def close(self) -> None:
        """End the tasks, the event loop and the thread."""
        try:
            self._run(_cancel(lambda _task: True))
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join()
            self.loop.close()


def _background() -> _Background:
    """Return the event loop of this thread's synchronous code."""
    found = _test().backgrounds
    thread = threading.current_thread()
    if thread not in found:
        found[thread] = _Background()
    return found[thread]


# The end of a test.


def end() -> None:
    """End what the engine still does, and forget what it knows, after each test.

    `isolated` and `StreamsMixin` call this function.
    """
    test = _test()
    try:
        for thread in list(test.backgrounds):
            test.backgrounds[thread].close()
            del test.backgrounds[thread]
        # pytest keeps an event loop open between tests.
        for desk in _desks:
            if not desk.loop.is_running():
                desk.loop.run_until_complete(_cancel(_is_of_engine))
                loops.forget_all(desk.loop)
    finally:
        # The next test may have the same ids, names and addresses of clients.
        tapes.forget_all()
        finding.forget_all()
        rates.forget_all()
        close_connections()


async def _wait(wanted: Callable[[asyncio.Task[Any]], bool]) -> None:
    """Wait for the tasks of this event loop for which `wanted` is true."""
    if tasks := [task for task in asyncio.all_tasks() if wanted(task)]:
        await asyncio.wait(tasks)


async def _cancel(wanted: Callable[[asyncio.Task[Any]], bool]) -> None:
    """Cancel the tasks of this event loop for which `wanted` is true, and wait for their ends."""
    await sources.end_sources()
    here = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not here and wanted(task)]
    for task in tasks:
        task.cancel()
    if tasks and (await asyncio.wait(tasks, timeout=END_WITHIN))[1]:
        raise AssertionError("A block of publish() is still open at the end of the test.")


def _is_of_engine(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(code.co_filename).is_relative_to(ENGINE)


def in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
