"""One writer an event loop: pieces that come while a commit is under way share the next."""

import asyncio
import logging

from django.db import InterfaceError, OperationalError

from . import log
from .database import in_database
from .errors import StreamError
from .hub import ring
from .loops import PerLoop
from .pieces import Pieces

logger = logging.getLogger(__name__)

# Seconds between tries, and how many, while the database is away.
RETRY = 1.0
TRIES = 30

Waiting = tuple[log.Write, "asyncio.Future[StreamError | None]"]


class Writer:
    """Commits in groups. Nothing waits for a timer: a lone write is committed at once."""

    def __init__(self) -> None:
        self._waiting: list[Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def append(self, write: log.Write) -> None:
        """Return when the pieces are committed. Raises StreamError when they are refused."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[StreamError | None] = loop.create_future()
        self._waiting.append((write, outcome))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._commit_all(), name="streams-writer")
        # Shielded: a writer that is cancelled doesn't take its pieces back from the group.
        error = await asyncio.shield(outcome)
        if error is not None:
            raise error

    async def _commit_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            # In one order, lest two processes wait for each other's rows crosswise.
            group.sort(key=lambda waiting: waiting[0].stream_id)
            try:
                outcomes = await self._commit([write for write, _ in group])
            except Exception as error:  # noqa: BLE001 - each writer gets it
                for _, outcome in group:
                    outcome.set_exception(error)
                continue
            for (_, outcome), refusal in zip(group, outcomes, strict=True):
                outcome.set_result(refusal)
            await asyncio.gather(
                *(
                    ring(write.stream_id, Pieces(write.first, write.texts))
                    for (write, _), refusal in zip(group, outcomes, strict=True)
                    if refusal is None and write.texts
                )
            )

    async def _commit(self, writes: list[log.Write]) -> list[StreamError | None]:
        for tries_left in reversed(range(TRIES)):
            try:
                return await in_database(log.append, writes)
            except (OperationalError, InterfaceError):
                if not tries_left:
                    raise
                logger.exception(
                    "The database doesn't take the pieces: another try in %s s.", RETRY
                )
                await asyncio.sleep(RETRY)
        raise AssertionError("the last try returns or raises")


writer = PerLoop(Writer)
