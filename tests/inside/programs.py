"""Programs that publish: one event loop after another, ends all at once, an absent database.

Each is called in a process of its own, because each changes the engine's own modules or ends its
event loops.
"""

import asyncio
import json
import os
import random
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn
from unittest.mock import patch

from asgiref.sync import async_to_sync
from django.db import OperationalError, transaction
from django.test import AsyncRequestFactory

from streamsite.streams import Stream, areserve, log, publish, stop
from streamsite.streams.errors import Conflict
from streamsite.streams.http import publishing
from streamsite.streams.log import ending, liveness, silence
from streamsite.streams.log.bell import this_process
from streamsite.streams.log.database import in_database

from .streams import standings

Standings = list[tuple[str, int]]


def publish_in_loop_after_loop(names: list[str]) -> Standings:
    """Publish each stream in an event loop of its own, and one more without an event loop."""

    async def main(name: str) -> None:
        async with asyncio.timeout(60), publish(name) as stream:
            for number in range(20):
                await stream.write(f"{number} ")

    for name in names:
        asyncio.run(main(name))
    without_loop = f"{names[0]}-sync"
    with publish(without_loop) as stream:
        stream.write("text")
    return standings([*names, without_loop])


def cancel_all_tasks(names: list[str]) -> tuple[Standings, Standings]:
    """Cancel all tasks of an event loop while sources write.

    Return the standings, and the standings that the accepted pieces let expect.
    """

    async def source(name: str, accepted: dict[str, int]) -> None:
        async with publish(name) as stream:
            try:
                while True:
                    await stream.write("piece ")
                    accepted[name] = stream.n
                    await asyncio.sleep(0.001)
            finally:
                # The cancellation may come in `write`, after the producer has taken the piece.
                accepted[name] = stream.n

    async def main() -> tuple[Standings, Standings]:
        accepted: dict[str, int] = {}
        sources = [asyncio.create_task(source(name, accepted)) for name in names]
        while len(accepted) < len(names):
            await asyncio.sleep(0)
        # A server that ends cancels every task too, and so the tasks that commit the pieces.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        async with asyncio.timeout(60):
            await asyncio.wait(sources)
        assert all(task.cancelled() for task in sources)
        expected = [("interrupted", accepted[name]) for name in names]
        return await in_database(standings, names), expected

    return asyncio.run(main())


def end_loops_while_sources_end(name: str) -> list[tuple[str, int, int]]:
    """End ten event loops, each at another moment of eight sources' ends.

    Return the state, the number of pieces and the number of accepted pieces of each stream that
    lost a piece or stayed live.
    """

    async def source(name: str, accepted: dict[str, int]) -> None:
        async with publish(name) as stream:
            for _ in range(5):
                await stream.write("piece ")
                accepted[name] = stream.n

    async def main(names: list[str], moment: float) -> dict[str, int]:
        accepted = dict.fromkeys(names, 0)
        sources = [asyncio.create_task(source(name, accepted)) for name in names]
        # The moment may come before some of the sources have begun.
        await asyncio.wait(sources, timeout=moment)
        return accepted

    chance = random.Random(1)
    lost = []
    for number in range(10):
        names = [f"{name}-{number}-{each}" for each in range(8)]
        accepted = asyncio.run(main(names, chance.uniform(0, 0.06)))
        lost += [
            (stream.state, stream.pieces, accepted[stream.name])
            for stream in log.find_all(names).values()
            # A stream that was not opened yet ends when its lease expires.
            if accepted[stream.name] and (stream.pieces < accepted[stream.name] or stream.live)
        ]
    return lost


def absent() -> NoReturn:
    raise OperationalError("the database is away")


def publish_while_the_database_is_away(name: str, work: str) -> Standings:
    """Publish while one function of the log, "append" or "finish", fails four times."""
    module = {"append": log, "finish": ending}[work]
    done = getattr(module, work)
    tries = []

    def fail_first(*arguments: Any) -> Any:
        tries.append(work)
        # The engine tries each call twice at once, the second time on a new connection.
        if len(tries) <= 4:
            absent()
        return done(*arguments)

    async def main() -> None:
        async with publish(name) as stream:
            await stream.write("one ")
            await stream.flush()
            setattr(module, work, fail_first)
            await stream.write("two ")

    asyncio.run(main())
    return standings([name])


def reserve_and_lose_the_answer(name: str | None, title: str) -> tuple[list[str], str]:
    """Reserve a stream, and lose the connection after the commit. Then reserve the name again.

    Return the names of the streams with this title, and the error of the second reservation.
    """
    create = log.create
    created = []

    def lose_first(*arguments: Any, **options: Any) -> Stream:
        created.append(create(*arguments, **options))
        if len(created) == 1:
            absent()
        return created[-1]

    with patch.object(log, "create", lose_first):
        stream = asyncio.run(areserve(name, title=title))
        try:
            asyncio.run(areserve(stream.name, title=title))
        except Conflict as error:
            refused = error.detail
        else:
            refused = ""
    return list(Stream.objects.filter(title=title).values_list("name", flat=True)), refused


def look_at_expired_lease_after_outage(name: str) -> Standings:
    """Return the standings of a stream without a producer: soon after an outage, and later."""
    silence.GRACE = 60
    # The site's servers, which know of no outage, must not see the stream before this process.
    with transaction.atomic():
        log.create(name, fence="", lease=-1)
        with suppress(OperationalError):
            asyncio.run(in_database(absent))
        soon = standings([name])
        silence.GRACE = 0
        # A pause of this process during the one look must not count as a lock of the database.
        liveness.LOCKED = 60
        return [*soon, *standings([name])]


def look_at_expired_lease_between_outages(name: str) -> Standings:
    """Return the standings of a stream without a producer once it has ended.

    The database fails now and then meanwhile.
    """
    silence.GRACE = 0.2
    log.create(name, fence="", lease=-1)
    while standings([name])[0][0] == "live":
        with suppress(OperationalError):
            asyncio.run(in_database(absent))
    return standings([name])


def write_for_months(names: list[str]) -> Standings:
    """Commit a piece that came 50 days after its stream began, together with a new stream's."""
    # 50 days are more milliseconds than a 32-bit number holds.
    times = [timedelta(days=50) // timedelta(milliseconds=1), 0]
    streams = [log.create(name, fence=name, lease=60) for name in names]
    refused = log.append(
        [
            log.Write(stream.pk, stream.fence, 0, ["piece "], [time])
            for stream, time in zip(streams, times, strict=True)
        ]
    )
    assert refused == [None, None]
    for stream in streams:
        log.finish(stream.pk, Stream.State.DONE)
    return standings(names)


def end_over_http_while_somebody_stops(name: str, key: str) -> tuple[int, Any]:
    """Publish a stream and its end over HTTP, and stop the stream between the two.

    Return the status and the body of the answer.
    """
    end_stream = ending.end_stream

    async def stop_first(stream_id: int, *arguments: Any, **options: Any) -> Stream | None:
        await end_stream(stream_id, Stream.State.STOPPED)
        return await end_stream(stream_id, *arguments, **options)

    request = AsyncRequestFactory().post(
        "/",
        {"pieces": ["one "], "end": "done"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}"},
    )
    with patch.object(publishing, "end_stream", stop_first):
        answer = asyncio.run(publishing.pieces(request, name))
    return answer.status_code, json.loads(answer.content)


def processes_of_parent_and_child() -> tuple[str, str]:
    """Fork. Return the names by which the bell knows the parent process and the child."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        os.write(theirs, this_process().encode())
        os._exit(0)
    os.waitpid(child, 0)
    return this_process(), os.read(ours, 100).decode()


def stop_stream(name: str, reason: str) -> None:
    async_to_sync(stop)(log.find(name), reason)
