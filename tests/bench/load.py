"""The load: what is measured, by viewers in one process, on a core that the servers do not use."""

import asyncio
import gc
import os
import re
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from .usage import pin
from .viewers import Audience, Poller, Target

# Seconds after which the memory of an idle server no longer changes.
REST = 0.5
POLLERS = 32
# The number of viewers that join late, one after another.
JOINS = 5
# The first conversation of the visitor who asks in the chat.
SESSION = "bench-session"

Figures = dict[str, float]


async def paced(
    target: Target,
    paths: Sequence[str],
    transport: str,
    *,
    viewers: int,
    seconds: float,
    pace: float,
) -> Figures:
    """Measure streams that send each viewer a piece every `pace` seconds."""
    before = target.usage()
    audience = Audience(target, transport)
    await audience.open(paths, viewers, begun=True)
    opened = target.usage()
    pieces, cpu = await audience.watch(seconds)
    after = target.usage()
    behind = [
        viewer.last - viewer.first - (viewer.pieces - 1) * pace for viewer in audience.viewers
    ]
    audience.close()
    return {
        "us_per_piece": cpu / pieces * 1e6,
        "pieces_per_s": pieces / seconds,
        "late_p50_ms": percentile(audience.notes.gaps, 50, -pace) * 1000,
        "late_p99_ms": percentile(audience.notes.gaps, 99, -pace) * 1000,
        "behind_p99_ms": percentile(behind, 99) * 1000,
        "first_p50_ms": percentile(audience.waits, 50) * 1000,
        "first_p99_ms": percentile(audience.waits, 99) * 1000,
        "join_us": (opened.cpu - before.cpu) / viewers * 1e6,
        "threads": after.threads,
    }


async def live(
    target: Target,
    paths: Sequence[str],
    transport: str,
    *,
    viewers: int,
    seconds: float,
    every: float,
    go: str,
    publish: str = "",
) -> Figures:
    """Measure live streams: first viewers that wait, then the pieces after the producers begin.

    The path `go` starts the producers in the server, one for each stream. Where the server has
    none, the load posts the pieces of its one stream to the path `publish`.
    """
    await asyncio.sleep(REST)
    before = target.usage()
    audience = Audience(target, transport, stamped=True)
    await audience.open(paths, viewers, begun=False)
    await asyncio.sleep(REST)
    idle = target.usage()
    audience.notes.taken = True
    pieces, cpu = audience.pieces, target.usage().cpu
    if publish:
        await post(target, publish, seconds, every)
    else:
        await send(target, target.request(go, "polling"))
        await asyncio.sleep(seconds)
    pieces, cpu = audience.pieces - pieces, target.usage().cpu - cpu
    after = target.usage()
    audience.close()
    delays = audience.notes.delays
    return {
        "us_per_piece": cpu / max(pieces, 1) * 1e6,
        "pieces_per_s": pieces / seconds,
        "receive_p50_ms": percentile(delays, 50) * 1000,
        "receive_p99_ms": percentile(delays, 99) * 1000,
        "kb_per_viewer": (idle.memory - before.memory) / viewers / 1024,
        "join_us": (idle.cpu - before.cpu) / viewers * 1e6,
        "threads": after.threads,
    }


async def chat(target: Target, *, answers: int, seconds: float, resumes: bool) -> Figures:
    """Measure answers of the chat with two viewers each: who asked, and who resumes.

    Where the server has no resume, the second viewer of an answer asks, too.
    """
    cookie = await session(target) if resumes else ""
    names = [f"bench-{n}" for n in range(answers)]
    audience = Audience(target, "events", stamped=True)
    await audience.send([target.question(name, cookie) for name in names], begun=True)
    if resumes:
        again = [target.request(f"/chat/api/{name}/stream", "events", cookie) for name in names]
    else:
        again = [target.question(name) for name in names]
    await audience.send(again, begun=True)
    await asyncio.sleep(REST)
    pieces, cpu = await audience.watch(seconds)
    after = target.usage()
    audience.close()
    if resumes:
        # An answer goes on when its viewers leave, and would take CPU time from the next server.
        for name in [*names, SESSION]:
            await send(target, target.stop(name, cookie))
    delays = audience.notes.delays
    return {
        "us_per_piece": cpu / pieces * 1e6,
        "pieces_per_s": pieces / seconds,
        "receive_p50_ms": percentile(delays, 50) * 1000,
        "receive_p99_ms": percentile(delays, 99) * 1000,
        "first_p50_ms": percentile(audience.waits, 50) * 1000,
        "threads": after.threads,
    }


async def session(target: Target) -> str:
    """Ask a question as a new visitor, and return the visitor's cookie."""
    head = await send(target, target.question(SESSION))
    found = re.search(r"set-cookie: ([^;]+)", head, re.IGNORECASE)
    assert found is not None, head
    return found[1]


async def late(
    target: Target, paths: Sequence[str], transport: str, *, pieces: int, seconds: float
) -> Figures:
    """Measure viewers that join a finished stream, one after another, for at most `seconds`."""
    deadline = time.monotonic() + seconds
    began = target.usage().cpu
    cold = first = 0.0
    total = 0
    while total < JOINS * pieces and time.monotonic() < deadline:
        audience = Audience(target, transport)
        await audience.open(paths, 1, begun=True)
        (viewer,) = audience.viewers
        while viewer.pieces < pieces and time.monotonic() < deadline and not viewer.over.done():
            await asyncio.sleep(0.005)
        audience.close()
        total += viewer.pieces
        if not first:
            first = audience.waits[0]
            cold = viewer.pieces / (target.usage().cpu - began)
    return {
        "pieces_per_cpu_s": total / (target.usage().cpu - began),
        "cold_per_cpu_s": cold,
        "first_ms": first * 1000,
    }


async def polling(target: Target, path: str, *, pieces: int, seconds: float) -> Figures:
    """Measure clients that poll for one piece after another as fast as the server answers."""
    requests = [target.request(f"{path}?cnt={n}", "polling") for n in range(pieces)]
    pollers = []
    for _ in range(POLLERS):
        _, poller = await asyncio.get_running_loop().create_connection(
            lambda: Poller(requests), target.host, target.port
        )
        pollers.append(poller)
    await asyncio.sleep(REST)
    answers, cpu = sum(poller.answers for poller in pollers), target.usage().cpu
    began = time.monotonic()
    for poller in pollers:
        del poller.waits[:]
    await asyncio.sleep(seconds)
    answers = sum(poller.answers for poller in pollers) - answers
    passed, cpu = time.monotonic() - began, target.usage().cpu - cpu
    for poller in pollers:
        poller.transport.abort()
    waits = [wait for poller in pollers for wait in poller.waits]
    return {
        "requests_per_s": answers / passed,
        "requests_per_cpu_s": answers / cpu,
        "wait_p50_ms": percentile(waits, 50) * 1000,
        "wait_p99_ms": percentile(waits, 99) * 1000,
    }


async def send(target: Target, request: bytes) -> str:
    """Send one request over a connection of its own, and return the head of the response."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head.decode()


async def post(target: Target, path: str, seconds: float, every: float) -> None:
    """Publish a piece every so many seconds, over one connection, for `seconds`."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    began = time.monotonic()
    for n in range(round(seconds / every)):
        await asyncio.sleep(began + n * every - time.monotonic())
        piece = f"@{time.monotonic_ns()}@ piece "
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {target.host}:{target.port}\r\n"
            f"Content-Type: text/plain\r\nContent-Length: {len(piece)}\r\n\r\n{piece}".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(length[1]) if length else 0)
    await asyncio.sleep(began + seconds - time.monotonic())
    writer.close()


def percentile(values: Sequence[float], percent: int, shift: float = 0) -> float:
    """Return a percentile of the values plus `shift`, or NaN if there are no values."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] + shift


def run(
    sender: Connection, core: int, scenario: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    """Run a scenario in a process of its own. Send the figures, or an error message."""
    pin(os.getpid(), core)
    gc.disable()
    try:
        sender.send(uvloop.run(scenario(**arguments)))
    except Exception as error:  # noqa: BLE001 - the parent process reports the error
        sender.send(f"{type(error).__name__}: {error}")
