"""Finding streams by name: one query for all who ask at the same time."""

import asyncio
import time

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .. import log
from ..errors import NoSuchStream
from ..log.database import in_database
from ..loops import PerLoop
from ..models import Stream

# Seconds for which a finished stream is as it was: what another process edits is seen later.
MOMENT = 0.2
# Finished streams that are remembered for that moment.
REMEMBERED = 10_000


async def find(name: str, *, revision: int = 0) -> Stream:
    """Return the stream of this name, as it stands. Raises NoSuchStream.

    One that is over changes no more, unless somebody edits it: it is taken to be as it was a moment
    ago, so that pollers don't ask the database each time. But never older than a `revision` that a
    reader has seen.
    """
    now = time.monotonic()
    stream, until = _remembered.get(name, (None, 0.0))
    if stream is None or until < now or stream.revision < revision:
        stream = await _finder().find(name)
        if not stream.live:
            if len(_remembered) >= REMEMBERED:
                _remembered.clear()
            _remembered[name] = stream, now + MOMENT
    return stream


_remembered: dict[str, tuple[Stream, float]] = {}


@receiver((post_save, post_delete), sender=Stream)
def _forget(instance: Stream, **_signal: object) -> None:
    transaction.on_commit(lambda: _remembered.pop(instance.name, None))


class Finder:
    """Asks in groups. A lone question is asked at once; those that come meanwhile go together."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Future[Stream | None]]] = []
        self._task: asyncio.Task[None] | None = None

    async def find(self, name: str) -> Stream:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Stream | None] = loop.create_future()
        self._waiting.append((name, answer))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._ask_all(), name="streams-finder")
        stream = await answer
        if stream is None:
            raise NoSuchStream(name)
        return stream

    async def _ask_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                found = await in_database(log.find_all, {name for name, _ in group})
            except Exception as error:  # noqa: BLE001 - each who asked gets it
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                for name, answer in group:
                    if not answer.done():  # Cancelled: its reader has left.
                        answer.set_result(found.get(name))


_finder = PerLoop(Finder)
