"""The scenarios. Each scenario runs against each server in turn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import load
from .servers import Contender

PACE = 0.1
LATE_PIECES = 100_000


@dataclass(frozen=True)
class Size:
    """The size of a run. A scenario takes `seconds`; a long stream has `long` pieces."""

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
    # The figures in the table. The first one is the most important.
    figures: tuple[str, ...]
    function: Callable[..., Any]
    arguments: Callable[[Contender, Size], dict[str, Any]]
    # Whether a larger first figure is better.
    more_is_better: bool = False
    # Whether the scenario needs new servers, whose memory is still small.
    fresh: bool = False
    # A pattern for the names of the live streams, and their number.
    stream: str = ""
    streams: Callable[[Size], int] = lambda _: 0


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


def live(key: str, title: str, transport: str, streams: Callable[[Size], int]) -> Scenario:
    name = f"{key}-{{}}"

    def arguments(contender: Contender, size: Size) -> dict[str, Any]:
        number = streams(size)
        pieces = round(size.seconds / PACE) + 10  # No stream ends while viewers watch.
        return {
            "paths": [f"{contender.live}/{name.format(n)}/{transport}" for n in range(number)],
            "transport": transport,
            "viewers": size.viewers,
            "seconds": size.seconds,
            "go": f"/bench/go?name={name}&streams={number}&pieces={pieces}&every={PACE}",
        }

    return Scenario(
        key,
        f"live, a piece every {PACE * 1000:g} ms, {title}, {transport}",
        (
            "us_per_piece", "pieces_per_s", "receive_p50_ms", "receive_p99_ms",
            "kb_per_viewer", "join_us", "threads",
        ),
        load.live,
        arguments,
        fresh=key.startswith("live"),
        stream=name,
        streams=streams,
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
    live("live-events", "one stream for all viewers", "events", lambda _: 1),
    live("live-ws", "one stream for all viewers", "ws", lambda _: 1),
    live("many-events", "many streams, five viewers each", "events", lambda size: size.streams),
)
