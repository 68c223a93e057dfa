"""An event loop in a thread, for producers whose own code is not asynchronous."""

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
    """Run a coroutine in the thread's event loop, and return its result."""
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


# A forked worker inherits no threads.
os.register_at_fork(after_in_child=_forget_thread)
