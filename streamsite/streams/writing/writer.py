"""The writer of an event loop: pieces that come during a commit share the next commit."""

import asyncio

from .. import log
from ..log.bell import bell
from ..log.database import AWAY, in_database_once_there
from ..loops import PerLoop
from ..pieces import Pieces

Outcome = Exception | None
Waiting = tuple[log.Write, "asyncio.Future[Outcome]"]


class Writer:
    """Commits in groups. No write waits for a timer: a single write is committed at once."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, write: log.Write) -> None:
        """Commit pieces, and return afterwards. Raises StreamError when the log refuses them.

        When this call is cancelled, the pieces may be committed or not. Append the same write again
        to find out: the log does not add its pieces twice.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        # An earlier call with the same write was cancelled. The log would refuse the write if one
        # group contained it twice.
        self._waiting = [each for each in self._waiting if each[0] is not write]
        self._waiting.append((write, outcome))
        if self._task is None or self._task.done():
            self._start()
        # Shielded, because the group commits the write even when this call is cancelled.
        error = await asyncio.shield(outcome)
        if error is not None:
            raise error

    def _start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(
            self._commit_all(), name="streams-writer"
        )

    async def _commit_all(self) -> None:
        group: list[Waiting] = []
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                # All processes lock the rows in the same order, so no two wait for each other.
                group.sort(key=lambda waiting: waiting[0].stream_id)
                outcomes = await self._commit([write for write, _ in group])
                for (write, outcome), refusal in zip(group, outcomes, strict=True):
                    outcome.set_result(refusal)
                    if refusal is None and write.texts:
                        pieces = Pieces(write.first, write.texts, format=write.format)
                        bell().ring(write.stream_id, pieces)
        except asyncio.CancelledError:
            # An event loop that ends cancels all of its tasks, while producers still append what
            # they have. The next task commits what waits.
            for _, outcome in group:
                outcome.cancel()
            if self._waiting:
                self._start()
            raise

    async def _commit(self, writes: list[log.Write]) -> list[Outcome]:
        try:
            return list(await in_database_once_there(log.append, writes))
        except Exception as error:  # noqa: BLE001 - each caller gets its error
            if len(writes) == 1 or isinstance(error, AWAY):
                return [error] * len(writes)
            # One write may have caused the error. Committed one by one, the others succeed.
            return [outcome for write in writes for outcome in await self._commit([write])]


writer = PerLoop(Writer)
