"""Producers whose own code is not asynchronous: their event loop runs in a thread."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

    from ..models import Stream
    from .producers import Producer

T = TypeVar("T")


class Background:
    """A thread with an event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(
            target=self.loop.run_forever, name="streams-producers", daemon=True
        )
        self.thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the event loop, and return its result."""
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result()


_lock = threading.Lock()
_background: Background | None = None


def background() -> Background:
    """Return the thread of this process. `isolation` replaces it."""
    global _background
    with _lock:
        if _background is None:
            _background = Background()
        return _background


def in_background(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in the thread's event loop, and return its result."""
    return background().run(work)


def _forget_thread() -> None:
    global _background
    _background = None


# A forked worker inherits no threads.
os.register_at_fork(after_in_child=_forget_thread)


class SyncProducer:
    """The one writer of a live stream, for code that is not asynchronous.

        with publish("import-42") as stream:  # a SyncProducer
            stream.write("one")
            stream.flush()
            stream.n  # 1: the number of the next piece

    `stream.stream` says how the stream ended after the block, as for a `Producer`. A thread keeps
    the lease of the stream and listens for a stop meanwhile.
    """

    def __init__(self, producer: "Producer") -> None:
        self._producer = producer

    @property
    def stream(self) -> "Stream":
        return self._producer.stream

    @property
    def name(self) -> str:
        return self._producer.name

    @property
    def n(self) -> int:
        """The number of the next piece."""
        return self._producer.n

    @property
    def stopped(self) -> bool:
        """Whether somebody ended the stream. The next `write` raises Stopped."""
        return self._producer.stopped

    def write(self, piece: Any) -> None:
        """Add a piece, as `Producer.write` does."""
        in_background(self._producer.write(piece))

    def flush(self) -> None:
        """Wait until all pieces are committed, as `Producer.flush` does."""
        in_background(self._producer.flush())
