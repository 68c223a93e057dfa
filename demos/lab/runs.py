"""The runs of this server process, from the start to the removal."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from datetime import timedelta
from typing import Any

from django.conf import settings

from streamsite.streams import (
    End,
    NoSuchStream,
    Pieces,
    Removed,
    Stream,
    StreamError,
    TooMany,
    areserve,
    follow,
    in_database,
    ring,
    stop,
)
from streamsite.streams import find as find_stream
from streamsite.streams.log.tombstones import forget

from . import broadcast
from .account import Events, Given, Row
from .options import Options
from .process import Process

logger = logging.getLogger(__name__)

# Seconds for which a run is kept after its producer and its stream have ended.
KEPT = 180
# How long the engine keeps the stream if this process dies before it removes the run.
KEEP = timedelta(minutes=5)
# Seconds within which the producer has to take up its stream.
WITHIN = 20
# Seconds beyond the run's own after which the producer is killed, whatever it does.
GRACE = 45
# Seconds for which the producer waits for its listeners at most.
LISTENING = 10
# More pieces than a stream has. The number makes readers look for the stream's end.
NEVER = 1_000_000_000
# The most panels of a run: four transports, seven tabs and a slow reader on two sources.
MOST_ROWS = 60

# The most runs that are kept after their end, 400,000 characters each at most.
MOST_ENDED = 40
TITLE = "Lab"


class NoSuchRun(StreamError):
    """There is no such run, or it is another visitor's."""

    status = 404
    close_code = 4404

    def __init__(self) -> None:
        super().__init__("There is no such run, or it is not yours. Start one of your own.")


class Run:
    """One stream and its producer, which the faults break.

    `adopted` says that this process did not start the run: another one did, or this one before it
    was restarted. Then the producer can't be signalled from here, and what it gave is not known.
    """

    def __init__(self, stream: Stream, options: Options | None) -> None:
        self.stream = stream
        self.options = options
        self.started = stream.started_at.timestamp() * 1000
        self.given = Given()
        self.events = Events()
        self.rows: dict[tuple[str, str, str, str], Row] = {}
        self.slow: list[Any] = []
        self.faults = 0
        # Whether the producer's process is stopped by the fault of that name.
        self.hangs = False
        self.process: Process | None = None
        self.plain_over = False
        # Whether the producer's process has ended, and the account has all that it said.
        self.over = False
        self._listeners = 0
        # What the engine has told about the stream so far.
        self.pieces = self.length = 0
        self.end: End | None = None
        self.ended = asyncio.Event()
        # Whether this process has read the log of a stream that had ended when the run was found.
        self.caught_up = asyncio.Event()
        if stream.live:
            self.caught_up.set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def id(self) -> str:
        return self.stream.name

    @property
    def adopted(self) -> bool:
        return self.options is None

    @property
    def state(self) -> str:
        if self.process is not None and not self.over:
            return "running" if self.given.times else "starting"
        return "ended"

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do work beside the run, which ends with the run at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def has_listener(self) -> None:
        """Count a plain listener, and begin when as many have come as the visitor announced."""
        self._listeners += 1
        if self.options is not None and self._listeners >= self.options.listeners:
            self.begin()

    def begin(self) -> None:
        """Let the producer write, even if listeners are still missing."""
        if self.process is not None:
            self.process.begin()

    def row(self, panel: str, source: str, transport: str, path: str) -> Row:
        """Return the account of a panel's connections. Raises TooMany."""
        key = panel, source, transport, path
        if key not in self.rows:
            if len(self.rows) >= MOST_ROWS:
                raise TooMany(f"A run has at most {MOST_ROWS} panels. Use one that there is.")
            self.rows[key] = Row(*key)
        return self.rows[key]

    async def live(self) -> None:
        """Accompany the run, from the start of its producer to the removal."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                if self.options is not None:
                    group.create_task(self._produce(self.options))
            await asyncio.sleep(KEPT)
        except Exception:
            logger.exception("A run of the lab failed, and is removed.")
        await remove(self)

    async def _produce(self, options: Options) -> None:
        assert self.process is not None
        asyncio.get_running_loop().call_later(LISTENING, self.begin)
        try:
            async with asyncio.timeout(options.seconds + GRACE):
                async for line in self.process.lines():
                    await self._take(line)
        except TimeoutError:
            self.process.kill()
        self.events.add("over", status=await self.process.ended())
        self.over = True

    async def _take(self, line: dict[str, Any]) -> None:
        """Take in what the producer says."""
        if "text" in line:
            if not self.given.times:
                self.events.add("first")
            self.given.add(line["at"], line["text"])
            await broadcast.say(self.id, line["text"])
        elif "stored" in line:
            ring(self.stream, line["stored"])
        elif "refused" in line:
            self.events.add("fenced", why=line["refused"])
        else:
            self.plain_over = True
            ring(self.stream, NEVER)
            await broadcast.say(self.id, "")

    async def _watch(self) -> None:
        """Keep up with the engine's stream, to its end."""
        try:
            await self._follow()
        finally:
            self.caught_up.set()

    async def _follow(self) -> None:
        with suppress(NoSuchStream):
            async with aclosing(follow(self.stream)) as batches:
                async for batch in batches:
                    for record in batch:
                        if isinstance(record, Pieces):
                            self.pieces = record.first + len(record.texts)
                            self.length += sum(map(len, record.texts))
                        elif isinstance(record, End):
                            self.end = record
                            self.ended.set()
                            self.events.add("end", state=record.state, reason=record.reason)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the producer's process."""
        if self.process is not None:
            self.process.signal(number)

    async def close(self) -> None:
        """End everything of the run in this process, its connections too."""
        self.caught_up.set()
        for task in self._tasks:
            task.cancel()
        if self.process is not None:
            self.process.kill()
            await self.process.ended()
        for row in self.rows.values():
            for link in list(row.links):
                link.reset()
        await broadcast.say(self.id, "")


# The places of runs that are about to start.
_starting: set[object] = set()
# The runs of this process by id, and the tasks that accompany them.
_runs: dict[str, Run] = {}
_lives: dict[str, asyncio.Task[None]] = {}


async def start(options: Options, former: str | None) -> Run:
    """Start a run, and end the visitor's former one. Raises TooMany."""
    if former is not None:
        with suppress(NoSuchRun):
            await remove(await find(former))
    writing = [run for run in _runs.values() if run.state != "ended"]
    if len(writing) + len(_starting) >= (most := settings.LAB_MAX_RUNS):
        raise TooMany(f"{most} runs are under way in this process. Try again in a minute.")
    place = object()
    _starting.add(place)
    try:
        stream = await areserve(title=TITLE, visibility="link", keep=KEEP, within=WITHIN)
        run = Run(stream, options)
        run.process = Process(run.id, options)
    finally:
        _starting.discard(place)
    run.events.add("start")
    _accompany(run)
    await _remove_surplus()
    return run


async def _remove_surplus() -> None:
    """Remove the runs that ended first, so that at most `MOST_ENDED` of them are kept."""
    ended = [run for run in _runs.values() if run.state == "ended"]
    for run in ended[:-MOST_ENDED]:
        await remove(run)


async def find(run_id: str) -> Run:
    """Return a run, and adopt one that another process started. Raises NoSuchRun."""
    run = _runs.get(run_id) or await _adopt(run_id)
    await run.caught_up.wait()
    return run


async def _adopt(run_id: str) -> Run:
    try:
        stream = await find_stream(run_id)
    except (NoSuchStream, Removed, StreamError):
        raise NoSuchRun from None
    # Another request may have adopted the run meanwhile.
    if (run := _runs.get(run_id)) is None:
        run = Run(stream, None)
        run.events.add("adopted")
        _accompany(run)
    return run


def _accompany(run: Run) -> None:
    _runs[run.id] = run
    task = asyncio.create_task(run.live(), name=f"lab-{run.id}")
    _lives[run.id] = task
    task.add_done_callback(lambda _task: _lives.pop(run.id, None))


async def remove(run: Run) -> None:
    """Remove a run and its stream, so that nothing of them stays."""
    _runs.pop(run.id, None)
    task = _lives.pop(run.id, None)
    if task is not None and task is not asyncio.current_task():
        task.cancel()
    await run.close()
    await stop(run.stream, "The run was removed.")
    await in_database(_erase, run.stream)


def _erase(stream: Stream) -> None:
    Stream.objects.filter(pk=stream.pk).delete()
    # The name is random. Visitors could fill a table with the names of runs.
    forget([stream.name])
