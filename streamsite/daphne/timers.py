"""Timers that keep to their time."""

import asyncio
import select
import selectors
import sys

if sys.platform == "linux":

    class Selector(selectors.EpollSelector):
        """Epoll with the resolution of `select`, which is microseconds.

        Epoll waits for whole milliseconds, rounded up, and in Python now and then for one more
        (bpo-20311, bpo-20452, python/asyncio#106). Ticks that come at a different part of it each
        time are uneven to whoever measures: by up to two milliseconds.
        """

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0:
                # An epoll set is itself a file that can be waited for, and made first, so below the
                # 1024 that `select` knows.
                if not select.select((self,), (), (), timeout)[0]:
                    return []
                timeout = 0
            return super().select(timeout)


def sharpen(loop: asyncio.AbstractEventLoop) -> None:
    """Have a loop, which need not be running, wait with this selector where it has epoll."""
    selector = getattr(loop, "_selector", None)
    if sys.platform == "linux" and type(selector) is selectors.EpollSelector:
        selector.__class__ = Selector
