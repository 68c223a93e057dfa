"""One writer an event loop: pieces that come while a commit is under way share the next."""

import asyncio

from .. import log
from ..log.database import AWAY, in_database_once_there
from ..loops import PerLoop
from ..pieces import Pieces
from ..reading.hub import ring

Outcome = Exception | None
Waiting = tuple[log.Write, "asyncio.Future[Outcome]"]


class Writer:
    """Commits in groups. Nothing waits for a timer: a lone write is committed at once."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, write: log.Write) -> None:
        """Return when the pieces are committed. Raises StreamError when they are refused.

        Cancelled, it leaves open whether they are; to append the same write again finds out.
        """
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        # Whoever waited for the same write was cancelled. Twice in a group, it would be refused.
        self._waiting = [each for each in self._waiting if each[0] is not write]
        self._waiting.append((write, outcome))
        if self._task is None or self._task.done():
            self._start()
        # Shielded: a writer that is cancelled doesn't take its pieces back from the group.
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
                # In one order, lest two processes wait for each other's rows crosswise.
                group.sort(key=lambda waiting: waiting[0].stream_id)
                outcomes = await self._commit([write for write, _ in group])
                for (_, outcome), refusal in zip(group, outcomes, strict=True):
                    outcome.set_result(refusal)
                await asyncio.gather(
                    *(
                        ring(write.stream_id, Pieces(write.first, write.texts))
                        for (write, _), refusal in zip(group, outcomes, strict=True)
                        if refusal is None and write.texts
                    )
                )
        except asyncio.CancelledError:
            # As all tasks are at the end of a loop, where producers still write what they have.
            for _, outcome in group:
                outcome.cancel()
            if self._waiting:
                self._start()
            raise

    async def _commit(self, writes: list[log.Write]) -> list[Outcome]:
        try:
            return list(await in_database_once_there(log.append, writes))
        except Exception as error:  # noqa: BLE001 - each writer gets it
            if len(writes) == 1 or isinstance(error, AWAY):
                return [error] * len(writes)
            # One of them may be at fault, of which the others need not hear.
            return [outcome for write in writes for outcome in await self._commit([write])]


writer = PerLoop(Writer)
