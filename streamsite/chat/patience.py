"""A limit to the silence of a source, with one timer for all of the source's items."""

import asyncio
from types import TracebackType


class Patience:
    """Limits the time that each `with` block of one task may take, as `asyncio.timeout` does.

        patience = Patience(60)
        try:
            while True:
                with patience:
                    item = await anext(items)
        finally:
            patience.end()

    Raises TimeoutError when a block takes longer than `seconds`.

    `asyncio.timeout` sets and cancels a timer for each item, which took 5 of the 10 µs that a part
    cost in the chat. The timer of this class stays, and looks for how long the block has waited.
    """

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._since: float | None = None  # When the block began, while there is one.
        self._cancelling = 0
        self._expired = False
        self._timer = self._loop.call_later(seconds, self._look)

    def end(self) -> None:
        """Cancel the timer."""
        self._timer.cancel()

    def __enter__(self) -> None:
        self._since = self._loop.time()
        self._cancelling = self._task.cancelling()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._since = None
        if not self._expired:
            return
        self._expired = False
        self._timer = self._loop.call_later(self._seconds, self._look)
        # Somebody else may have cancelled the task, too.
        ours_alone = self._task.uncancel() <= self._cancelling
        if ours_alone and kind is not None and issubclass(kind, asyncio.CancelledError):
            raise TimeoutError from error

    def _look(self) -> None:
        waited = 0.0 if self._since is None else self._loop.time() - self._since
        if waited >= self._seconds:
            self._expired = True
            self._task.cancel()
        else:
            self._timer = self._loop.call_later(self._seconds - waited, self._look)
