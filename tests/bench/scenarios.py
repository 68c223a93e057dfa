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
    """The size of a run.

    A scenario takes `seconds`; a long stream has `long` pieces. `growth` is the part of the viewers
    and streams in the titles of the scenarios that show how the cost grows.
    """

    rounds: int
    viewers: int
    streams: int
    seconds: float
    long: int
    growth: float = 1


FULL = Size(rounds=3, viewers=1000, streams=200, seconds=3.0, long=LATE_PIECES)
QUICK = Size(rounds=1, viewers=100, streams=20, seconds=1.0, long=LATE_PIECES // 10, growth=0.1)
# How many viewers one process has, and how many live streams its viewers share.
VIEWERS = (100, 1000, 5000, 10_000)
STREAMS = (10, 100, 1000)
# Pieces that the viewers together get in a second, however many they are.
RATE = 10_000


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
    # Whether the scenario shows how the cost grows. Such a scenario runs in one round only.
    growth: bool = False


def paced(key: str, title: str, transport: str, path: Callable[[Contender], str]) -> Scenario:
    return Scenario(
        f"{key}-{transport}",
        f"a piece every {PACE * 1000:g} ms to each viewer, {title}, {transport}",
        (
            "us_per_piece", "pieces_per_s", "late_p50_ms", "late_p99_ms", "behind_p99_ms",
            "first_p50_ms", "first_p99_ms", "join_us", "threads",
        ),
        load.paced,
        lambda contender, size: {
            "paths": [path(contender)],
            "transport": transport,
            "viewers": size.viewers,
            "seconds": size.seconds,
            "pace": PACE,
        },
    )  # fmt: skip


def article(transport: str) -> Scenario:
    """Return the scenario of an endpoint that the article prints: a generator for each viewer."""
    return paced("paced", "the article's endpoint", transport, lambda it: f"{it.paced}/{transport}")


def replay(transport: str) -> Scenario:
    """Return the scenario of the engine's endpoint for a finished stream, beside the article's."""

    def path(contender: Contender) -> str:
        if contender.ours:
            return f"/stream/article/{transport}?pace={PACE}"
        return f"{contender.paced}/{transport}"

    return paced("replay", "the engine's endpoint", transport, path)


def live(
    key: str,
    title: str,
    transport: str,
    streams: Callable[[Size], int],
    viewers: Callable[[Size], int] = lambda size: size.viewers,
    *,
    every: float = PACE,
    growth: bool = False,
) -> Scenario:
    name = f"{key}-{{}}"

    def arguments(contender: Contender, size: Size) -> dict[str, Any]:
        number = streams(size)
        # The last piece has half of its time, so that all viewers have it at the end.
        seconds = max(size.seconds, 3 * every) - every / 2
        pieces = round(seconds / every) + 10  # No stream ends while viewers watch.
        return {
            "paths": [f"{contender.live}/{name.format(n)}/{transport}" for n in range(number)],
            "transport": transport,
            "viewers": viewers(size),
            "seconds": seconds,
            "every": every,
            "go": f"/bench/go?name={name}&streams={number}&pieces={pieces}&every={every}",
            "publish": contender.publish.format(name.format(0)),
        }

    return Scenario(
        key,
        f"live, a piece every {every * 1000:g} ms, {title}, {transport}",
        (
            "us_per_piece", "pieces_per_s", "receive_p50_ms", "receive_p99_ms",
            "kb_per_viewer", "join_us", "threads",
        ),
        load.live,
        arguments,
        fresh=True,
        stream=name,
        streams=streams,
        growth=growth,
    )  # fmt: skip


def with_viewers(number: int) -> Scenario:
    return live(
        f"viewers-{number}",
        f"{number} viewers of one stream",
        "events",
        lambda _: 1,
        lambda size: round(number * size.growth),
        every=number / RATE,
        growth=True,
    )


def with_streams(number: int) -> Scenario:
    return live(
        f"streams-{number}",
        f"{number} streams for all viewers",
        "events",
        lambda size: round(number * size.growth),
        growth=True,
    )


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
    article("chunked"),
    article("events"),
    article("ws"),
    replay("chunked"),
    replay("events"),
    replay("ws"),
    live("live-chunked", "one stream for all viewers", "chunked", lambda _: 1),
    live("live-events", "one stream for all viewers", "events", lambda _: 1),
    live("live-ws", "one stream for all viewers", "ws", lambda _: 1),
    live("many-events", "many streams, five viewers each", "events", lambda size: size.streams),
    Scenario(
        "chat",
        "answers of a model, 50 parts a second, two viewers each",
        (
            "us_per_piece",
            "pieces_per_s",
            "receive_p50_ms",
            "receive_p99_ms",
            "first_p50_ms",
            "threads",
        ),
        load.chat,
        lambda contender, size: {
            "answers": size.streams,
            "seconds": size.seconds,
            "resumes": contender.ours,
        },
        fresh=True,
    ),
    *map(with_viewers, VIEWERS),
    *map(with_streams, STREAMS),
)
