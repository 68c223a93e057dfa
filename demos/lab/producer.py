"""The producer of a run: a process of its own, so that it can be killed and can hang.

The server starts it with `python -m demos.lab.producer '{"name": "…", …}'`. The producer writes
each piece into the engine's stream, and says it on standard output, where the plain way takes it
from. A line is one JSON object:

    {"at": 1764380000123.4, "text": "17 ·····"}     a piece, and when it was given
    {"stored": 18}                                  the engine's log has so many pieces
    {"refused": "Stream '…' has ended (stopped)."}  the engine took no more
    {"over": true}                                  there are no more pieces

After a refusal the producer goes on with the plain way, because a plain producer learns nothing of
a lease or of a stop.
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import time
from contextlib import aclosing, suppress
from typing import Any

import django
from django.conf import settings

logger = logging.getLogger(__name__)

APPS = (
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "streamsite.streams",
    "streamsite.chat",
)
PR_SET_PDEATHSIG = 1  # prctl(2)
# Seconds beyond the run's own after which the producer gives up, whatever it waits for.
GRACE = 30.0
# Seconds between two looks whether there is more to commit and to tell of.
TELLS = 0.002
# Seconds behind its pace from which a producer does not catch up, as after a sleep.
BEHIND = 1.0


class Pace:
    """Wait until the next piece is due: `rate` pieces a second.

    pace = Pace(20)
    await pace.due()  # returns twenty times a second
    """

    def __init__(self, rate: int) -> None:
        self._every = 1 / rate
        self._next = time.monotonic()

    async def due(self) -> None:
        now = time.monotonic()
        if now - self._next > BEHIND:
            self._next = now
        await asyncio.sleep(max(0.0, self._next - now))
        self._next += self._every


def say(line: dict[str, Any]) -> None:
    """Write a line for the server. Nothing happens when the server is gone."""
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        sys.stdout.flush()


async def produce(name: str, options: Any) -> None:
    """Write a reserved stream, and say each piece."""
    from streamsite.streams import Failed, StreamError, publish

    # The engine cancels the block below when the stream is not the producer's any more. The source
    # is in a task of its own, which goes on.
    pieces: asyncio.Queue[str | None] = asyncio.Queue(1)
    giving = asyncio.create_task(give(options, pieces))
    piece: str | None = ""
    refused = ""
    try:
        async with publish(name) as stream:
            storing = asyncio.create_task(tell_stored(stream))
            while (piece := await pieces.get()) is not None:
                at = now()
                try:
                    await stream.write(piece)
                finally:
                    say({"at": at, "text": piece})
            await giving
            storing.cancel()
        refused = refusal(stream.stream) if stream.stopped else ""
    except Failed as error:
        logger.warning("The source of a run failed: %s", error)
    except StreamError as error:
        refused = error.detail
    if refused:
        say({"refused": refused})
    # A plain producer goes on: nobody refuses its pieces.
    while piece is not None and (piece := await pieces.get()) is not None:
        say({"at": now(), "text": piece})
    say({"over": True})


async def give(options: Any, pieces: "asyncio.Queue[str | None]") -> None:
    """Put the pieces of a run into a queue, at most `rate` a second, and None after the last."""
    from .texts import pieces_of

    if options.listeners:
        await asyncio.to_thread(sys.stdin.read)  # The input ends when they are there.
    pace = Pace(options.rate)
    try:
        async with aclosing(pieces_of(options)) as texts:
            async for text in texts:
                await pace.due()
                await pieces.put(text)
    except Exception:  # After a cancellation nobody takes pieces, so None would wait for ever.
        await pieces.put(None)
        raise
    await pieces.put(None)


async def tell_stored(stream: Any) -> None:
    """Say how many pieces the log has, after each commit.

    Without a channel layer between the processes, the server would look into the log every 2 s.
    """
    from streamsite.streams import Stopped, StreamError

    told = 0
    with suppress(StreamError, Stopped):  # The writer meets the same error.
        while True:
            await asyncio.sleep(TELLS)
            if stream.n > told:
                told = stream.n
                await stream.flush()
                say({"stored": told})


def refusal(stream: Any) -> str:
    """Return why the engine takes no more pieces of this stream, in the engine's words."""
    from streamsite.streams import Ended

    return Ended(stream.name, stream.state).detail


def now() -> float:
    """Return the time in milliseconds since 1970."""
    return time.time() * 1000


def follow_parent(number: int) -> None:
    """Have the kernel send this process a signal when its parent dies (Linux).

    A stopped process can neither end by itself nor see that its parent is gone.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def main(argument: str) -> None:
    """Run the producer. `outlive` says whether it goes on when the server has gone."""
    wanted = json.loads(argument)
    name, parent, outlive = (wanted.pop(key) for key in ("name", "parent", "outlive"))
    follow_parent(signal.SIGCONT if outlive else signal.SIGKILL)
    if os.getppid() != parent and not outlive:
        return
    # The other apps take 0.4 s and 35 MB, and a producer needs none of them.
    settings.INSTALLED_APPS = APPS
    django.setup()
    from .options import Options

    options = Options(**wanted)
    with suppress(TimeoutError):
        asyncio.run(asyncio.wait_for(produce(name, options), options.seconds + GRACE))


if __name__ == "__main__":
    main(sys.argv[1])
