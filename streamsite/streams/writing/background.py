"""The thread beside: an event loop for the producers of code that has none."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in the thread's event loop, and return what it returns."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(
                target=_loop.run_forever, name="streams-producers", daemon=True
            ).start()
    future: Future[T] = asyncio.run_coroutine_threadsafe(work, _loop)
    return future.result()


def _forget_thread() -> None:
    global _loop
    _loop = None


# A forked worker has no threads but its own.
os.register_at_fork(after_in_child=_forget_thread)
