"""What is measured. Each scenario is run against each server in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import load
from .servers import Contender

PACE = 0.1
LATE_PIECES = 100_000


@dataclass(frozen=True)
class Size:
    """How much of it."""

    rounds: int
    viewers: int
    streams: int
    seconds: float
    long: int


FULL = Size(rounds=3, viewers=1000, streams=200, seconds=3.0, long=LATE_PIECES)
QUICK = Size(rounds=1, viewers=100, streams=20, seconds=1.0, long=LATE_PIECES // 10)


@dataclass(frozen=True)
class Scenario:
    key: str
    title: str
    # The figures shown, the one that matters first, and whether more of that one is better.
    figures: tuple[str, ...]
    function: Callable[..., Any]
    arguments: Callable[[Contender, Size], dict[str, Any]]
    more_is_better: bool = False
    # A server of its own, whose memory nobody has used, with so many live streams.
    fresh: bool = False
    live_streams: Callable[[Size], int] = lambda _: 0


def paced(transport: str) -> Scenario:
    return Scenario(
        f"paced-{transport}",
        f"a piece every {PACE * 1000:g} ms to each viewer, {transport}",
        (
            "us_per_piece", "pieces_per_s", "late_p50_ms", "late_p99_ms", "behind_p99_ms",
            "first_p50_ms", "first_p99_ms", "join_us", "threads",
        ),
        load.paced,
        lambda contender, size: {
            "paths": [f"{contender.paced}/{transport}"],
            "transport": transport,
            "viewers": size.viewers,
            "seconds": size.seconds,
            "pace": PACE,
        },
    )  # fmt: skip


def live(transport: str, *, many: bool = False) -> Scenario:
    def streams(size: Size) -> int:
        return size.streams if many else 1

    def arguments(contender: Contender, size: Size) -> dict[str, Any]:
        pieces = round(size.seconds / PACE) + 10  # none ends while it is watched
        return {
            "paths": [f"{contender.live.format(n)}/{transport}" for n in range(streams(size))],
            "transport": transport,
            "viewers": size.viewers,
            "seconds": size.seconds,
            "go": f"/bench/go?streams={streams(size)}&pieces={pieces}&every={PACE}",
        }

    return Scenario(
        f"{'many' if many else 'live'}-{transport}",
        f"live at a piece every {PACE * 1000:g} ms, "
        + ("many streams with five viewers each" if many else "one stream for all viewers")
        + f", {transport}",
        (
            "us_per_piece", "pieces_per_s", "receive_p50_ms", "receive_p99_ms",
            "kb_per_viewer", "join_us", "threads",
        ),
        load.live,
        arguments,
        fresh=True,
        live_streams=streams,
    )  # fmt: skip


SCENARIOS = (
    Scenario(
        "polling",
        "polling, one piece a request",
        ("requests_per_s", "requests_per_cpu_s", "wait_p50_ms", "wait_p99_ms"),
        load.polling,
        lambda contender, size: {
            "path": f"{contender.paced}/polling",
            "pieces": 100,
            "seconds": size.seconds / 2,
        },
        more_is_better=True,
    ),
    Scenario(
        "late-events",
        "a late joiner to a finished stream, events",
        ("pieces_per_cpu_s", "cold_per_cpu_s", "first_ms"),
        load.late,
        lambda contender, size: {
            "paths": [f"{contender.late}/events"],
            "transport": "events",
            "pieces": size.long,
            "seconds": size.seconds,
        },
        more_is_better=True,
    ),
    paced("chunked"),
    paced("events"),
    paced("ws"),
    live("events"),
    live("ws"),
    live("events", many=True),
)
