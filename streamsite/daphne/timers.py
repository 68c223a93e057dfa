"""Timers that go by a clock which doesn't jump, with a resolution of microseconds on Linux."""

import asyncio
import select
import selectors
import sys
import time
from types import ModuleType
from typing import Any

if sys.platform == "linux":

    class Selector(selectors.EpollSelector):
        """Epoll with the resolution of `select()`, which is microseconds.

        Epoll waits for whole milliseconds. Python rounds a timeout up, and sometimes adds another
        millisecond (bpo-20311, bpo-20452, python/asyncio#106). Ticks would therefore be uneven by
        up to two milliseconds.
        """

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                # `select()` can wait for the epoll object, because that is a file descriptor too.
                # Its number is below 1024, the limit of `select()`, because the event loop opens it
                # before any connection.
                if not select.select((self,), (), (), timeout)[0]:
                    return []
                timeout = 0
            return super().select(timeout)


def sharpen(loop: asyncio.AbstractEventLoop) -> None:
    """Make an event loop wait with `Selector` if it uses epoll. The loop need not be running."""
    # `_selector` is private to asyncio's selector event loop. Only the class of the selector
    # changes, because the loop has already registered file descriptors with the selector.
    selector = getattr(loop, "_selector", None)
    if sys.platform == "linux" and type(selector) is selectors.EpollSelector:
        selector.__class__ = Selector


class SteadyTime:
    """The part of the module `time` that Daphne uses, with a clock that doesn't jump."""

    time = staticmethod(time.monotonic)


def steady(reactor: Any, *modules: ModuleType) -> None:
    """Make Twisted's timers and Daphne's `modules` measure time with the monotonic clock.

    Both take the wall clock. When the wall clock is set forward by two days, Daphne closes every
    WebSocket, and each timer of Twisted's fires at once. No other code may have set a timer yet.
    """
    # `seconds` is documented in `twisted.internet.interfaces.IReactorTime`, and may be another
    # clock. Daphne's modules use `time.time()` for nothing but durations.
    reactor.seconds = time.monotonic
    for module in modules:
        module.time = SteadyTime  # type: ignore[attr-defined]
