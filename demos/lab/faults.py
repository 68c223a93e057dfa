"""The faults: each concerns one run, whose visitor asks for it."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from django.conf import settings

from streamsite.streams import BadRequest, Conflict, TooMany, stop

from .account import now
from .offers import NO_RESTART
from .options import number
from .runs import Run
from .slow import SlowReader

# The most faults of a run.
MOST_FAULTS = 100
# Seconds for which a producer may hang, and hangs by default. A lease is 6 s, and the site notices
# within 2 s that one has run out. A producer hangs up to `PATIENCE` seconds longer for that.
HANGS = (6, 20)
HANG = 10
PATIENCE = 10.0
SLOW = 20
# Seconds between the answer and the end of the process that gives it.
RESTART = 0.3

Body = dict[str, Any]


async def cause(run: Run, body: Body, scope: Any) -> Body:
    """Cause a fault, and return the event. Raises BadRequest, Conflict and TooMany.

    `scope` is that of the request, which says where this server listens.
    """
    fault = FAULTS.get(str(body.get("fault")))
    if fault is None:
        raise BadRequest(
            f'"fault" must be one of {", ".join(FAULTS)}, not {str(body.get("fault"))[:40]!r}.'
        )
    if run.faults >= MOST_FAULTS:
        raise TooMany(f"This run has had {MOST_FAULTS} faults. Start another.")
    run.faults += 1
    return await fault(run, body, scope)


async def cut(run: Run, body: Body, _scope: Any) -> Body:
    """Reset the connections of one panel."""
    panel = body.get("panel")
    rows = [row for row in run.rows.values() if row.panel == panel]
    if not rows:
        known = ", ".join(sorted({row.panel for row in run.rows.values()})) or "none so far"
        raise BadRequest(
            f'"panel" must be a panel that has connected ({known}), not {str(panel)[:40]!r}.'
        )
    return _cut(run, rows, panel)


async def cut_all(run: Run, _body: Body, _scope: Any) -> Body:
    """Reset all connections of the run."""
    return _cut(run, list(run.rows.values()), None)


def _cut(run: Run, rows: list[Any], panel: str | None) -> Body:
    hows = [how for row in rows for how in row.cut_now()]
    how = "ended" if "ended" in hows else "reset"
    return run.events.add("cut", panel=panel, connections=len(hows), how=how)


async def kill(run: Run, _body: Body, _scope: Any) -> Body:
    """Kill the producer, which gets no time to say goodbye."""
    _demand_producer(run)
    event = run.events.add("kill")
    run.signal(signal.SIGKILL)
    return event


async def hang(run: Run, body: Body, _scope: Any) -> Body:
    """Stop the producer's process, and let it go on when its lease has long run out."""
    _demand_producer(run)
    if run.hangs:
        raise Conflict("The producer hangs already. Wait until it wakes up.")
    seconds = number(body, "seconds", HANGS, HANG)
    event = run.events.add("hang", seconds=seconds)
    run.hangs = True
    run.signal(signal.SIGSTOP)

    async def wake() -> None:
        await asyncio.sleep(seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await run.ended.wait()
        run.hangs = False
        run.events.add("wake")
        run.signal(signal.SIGCONT)

    run.spawn(wake())
    return event


async def stop_stream(run: Run, _body: Body, _scope: Any) -> Body:
    """Stop the stream, as its owner would."""
    at = now()
    if not await stop(run.stream, "Stopped by its visitor."):
        raise Conflict("The stream has ended already. Start another run.")
    return run.events.add("stop", at)


async def slow(run: Run, body: Body, scope: Any) -> Body:
    """Start a reader that reads nothing for a while."""
    reader = SlowReader(run, body, scope)
    run.slow.append(reader)
    run.spawn(reader.read())
    return run.events.add("slow", transport=reader.transport, source=reader.source)


async def restart(run: Run, _body: Body, _scope: Any) -> Body:
    """End the process that answers, which a supervisor starts again."""
    if not settings.LAB_RESTART:
        raise Conflict(NO_RESTART)
    event = run.events.add("restart")
    asyncio.get_running_loop().call_later(RESTART, os.kill, os.getpid(), signal.SIGTERM)
    return event


def _demand_producer(run: Run) -> None:
    if run.adopted:
        raise Conflict(
            "Another process of the site started this producer, or this one before its restart, "
            "so that no signal reaches it from here. Start another run."
        )
    if run.process is None or not run.process.runs:
        raise Conflict("The producer's process has ended. Start another run.")
    if run.state == "starting":
        raise Conflict("The producer's process is starting. Try again when there are pieces.")


FAULTS: dict[str, Callable[[Run, Body, Any], Awaitable[Body]]] = {
    "cut": cut,
    "cut-all": cut_all,
    "kill": kill,
    "hang": hang,
    "stop": stop_stream,
    "slow": slow,
    "restart": restart,
}
