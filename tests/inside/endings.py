"""How a stream ended, as its producer knows after the block and as the database has it.

Each function returns both, each as a list of facts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from typing import Any

from asgiref.sync import async_to_sync
from django.db import transaction

from streamsite.streams import (
    Producer,
    Stream,
    SyncProducer,
    TakenOver,
    log,
    publish,
    reserve,
    start,
    stop,
)
from streamsite.streams.log.database import in_database

Both = list[list[Any]]


class Broken(Exception):
    """The error of a source."""


def facts(stream: Stream) -> list[Any]:
    return [
        stream.state,
        stream.reason,
        stream.failure,
        stream.pieces,
        stream.length,
        stream.sha256,
        stream.ended_at and stream.ended_at.isoformat(),
    ]


def both(stream: Stream) -> Both:
    # Before any query: the facts are those that the producer has.
    known = facts(stream)
    return [known, facts(Stream.objects.get(name=stream.name))]


async def end_within(producer: Producer, how: str) -> None:
    """End the stream in one of several ways, while its block runs."""
    stream = producer.stream
    if how == "failed":
        raise Broken("a secret")
    if how == "cancelled":
        raise asyncio.CancelledError
    if how == "stopped":
        await stop(stream, "Enough.")
    elif how == "edited":
        await in_database(stop_and_edit, stream.pk)
    elif how == "deleted":
        await in_database(Stream.objects.filter(pk=stream.pk).delete)
    if how != "done":
        await asyncio.Event().wait()  # The producer cancels the block.


def stop_and_edit(pk: int) -> None:
    with transaction.atomic():
        stopped = log.finish(pk, "stopped")
        assert stopped is not None
        log.record(stopped, "edited")


async def publish_and_end(name: str, how: str) -> Stream:
    with suppress(Broken, asyncio.CancelledError):
        async with publish(name) as producer:
            await producer.write("one ")
            await producer.write("zwei 🦊")
            await producer.flush()
            await end_within(producer, how)
    return producer.stream


def in_async_block(name: str, how: str) -> Both:
    return both(asyncio.run(publish_and_end(name, how)))


def after_deletion(name: str) -> tuple[str, str]:
    """Return the state and the reason of a stream that was deleted during its block."""
    stream = asyncio.run(publish_and_end(name, "deleted"))
    return stream.state, stream.reason


def after_takeover(name: str) -> tuple[str, str]:
    """Return the state of a stream after the block of each of its two producers."""
    with ExitStack() as successor:
        with suppress(TakenOver), publish(name) as first:
            second = successor.enter_context(publish(name, takeover=True))
            while True:
                first.write("lost")
        state = first.stream.state
    return state, second.stream.state


def in_plain_block(name: str, how: str) -> Both:
    def go_on(producer: SyncProducer) -> None:
        if how == "failed":
            raise Broken("a secret")
        if how == "stopped":
            async_to_sync(stop)(producer.stream, "Enough.")
            while True:
                producer.write("more")

    with suppress(Broken), publish(name) as producer:
        producer.write("one ")
        producer.write("zwei 🦊")
        producer.flush()
        go_on(producer)
    return both(producer.stream)


def after_start(name: str, how: str) -> Both:
    """Let `start` run a source, and return the facts of the stream that it returned."""

    async def source() -> AsyncIterator[str]:
        yield "one "
        yield "zwei 🦊"
        if how == "failed":
            raise Broken("a secret")
        if how == "stopped":
            while (stream := await in_database(log.find, name)).pieces < 2:
                await asyncio.sleep(0.01)
            await stop(stream, "Enough.")
            await asyncio.Event().wait()

    async def main() -> Stream:
        stream = await start(name, source())
        async with asyncio.timeout(60):
            while stream.live:
                await asyncio.sleep(0.01)
        return stream

    return both(asyncio.run(main()))


def after_reservation(name: str) -> Both:
    """Reserve a stream, publish it, and return the facts of the stream that `reserve` returned."""
    stream = reserve(name)
    with publish(stream) as producer:
        producer.write("text")
    return both(stream)
