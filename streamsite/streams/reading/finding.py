"""Finding streams by name. One query serves all callers that ask at the same time."""

import asyncio
import time

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from .. import log
from ..log.database import in_database
from ..log.ending import ring_ends
from ..loops import PerLoop, start_apart
from ..models import Stream

# Seconds for which a finished stream is cached. Edits made in other processes show up after them.
CACHE_SECONDS = 0.2
# Finished streams in the cache.
CACHE_SIZE = 10_000


async def find(name: str, *, revision: int = 0) -> Stream:
    """Return the stream with this name as the database has it.

    Raises NoSuchStream, or its subclass Removed for a stream that was removed after its time.

    A finished stream changes only when somebody edits the text. It is therefore cached for
    `CACHE_SECONDS`, so that clients that poll do not query the database each time. A cached stream
    older than `revision` is not used, because the caller has seen that revision already.
    """
    now = time.monotonic()
    stream, until = _cache.get(name, (None, 0.0))
    if stream is None or until < now or stream.revision < revision:
        stream = await _finder().find(name)
        if not stream.live:
            if len(_cache) >= CACHE_SIZE:
                _cache.clear()
            _cache[name] = stream, now + CACHE_SECONDS
    return stream


def name_of(stream: Stream | str) -> str:
    """Return the name of a stream, given the stream or its name.

    Raises TypeError for anything else.
    """
    if isinstance(stream, Stream):
        return stream.name
    if isinstance(stream, str):
        return stream
    raise TypeError(f"Pass a Stream, or the name of a stream: not {type(stream).__name__}.")


_cache: dict[str, tuple[Stream, float]] = {}


def forget_all() -> None:
    """Empty the cache of finished streams."""
    _cache.clear()


@receiver((post_save, post_delete), sender=Stream)
def _forget(instance: Stream, using: str, **_signal: object) -> None:
    transaction.on_commit(lambda: _cache.pop(instance.name, None), using=using)


class Finder:
    """Looks streams up in groups: names that come during a query share the next query."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, asyncio.Future[log.Found]]] = []
        self._task: asyncio.Task[None] | None = None

    async def find(self, name: str) -> Stream:
        """Return the stream with this name. Raises NoSuchStream, or Removed."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[log.Found] = loop.create_future()
        self._waiting.append((name, answer))
        if self._task is None or self._task.done():
            self._task = start_apart(self._query_all(), "streams-finder")
        return (await answer).get(name)

    async def _query_all(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                found = await in_database(log.look_up, {name for name, _ in group})
            except Exception as error:  # noqa: BLE001 - every caller gets the error
                for _, answer in group:
                    if not answer.done():
                        answer.set_exception(error)
            else:
                if found.ended:
                    ring_ends(found.ended)
                for _, answer in group:
                    if not answer.done():  # The caller of a cancelled future has left.
                        answer.set_result(found)


_finder = PerLoop(Finder)
