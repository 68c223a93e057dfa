"""The goals of the benchmark: what the figures of this site should be beside those of others."""

from dataclasses import dataclass

from .scenarios import VIEWERS


@dataclass(frozen=True)
class Goal:
    """A goal for the ratio of a server's figure to the same figure of another server."""

    scenario: str
    figure: str
    server: str
    other: str
    least: float = 0
    most: float = float("inf")
    # The scenario of the other figure, if it is a different one.
    other_scenario: str = ""

    @property
    def wanted(self) -> str:
        return f"≥ {self.least:g}" if self.least else f"≤ {self.most:g}"


@dataclass(frozen=True)
class Limit:
    """A limit for a figure of a server."""

    scenario: str
    figure: str
    server: str
    most: float


PACED = ("paced-chunked", "paced-events", "paced-ws")
LIVE = ("live-chunked", "live-events", "live-ws")
OURS = ("daphne", "uvicorn", "granian")
GOALS = (
    *(
        Goal(f"{kind}-{transport}", "us_per_piece", server, "fastapi", most=most)
        for kind in ("paced", "replay", "live")
        for transport, limits in (
            ("chunked", (0.45, 0.5, 0.75)),
            ("events", (0.45, 0.5, 0.75)),
            ("ws", (0.5, 0.65, 0.75)),
        )
        for server, most in zip(OURS, limits, strict=True)
    ),
    Goal("live-events", "us_per_piece", "daphne", "floor", most=1.5),
    *(
        Goal("many-events", "us_per_piece", server, "fastapi", most=1)
        for server in ("daphne", "uvicorn")
    ),
    *(
        Goal("chat", "us_per_piece", server, "fastapi", most=1.3)
        for server in ("daphne", "uvicorn")
    ),
    *(
        Goal(most_viewers, "us_per_piece", server, server, most=1.2, other_scenario="viewers-1000")
        for most_viewers in (f"viewers-{VIEWERS[-1]}",)
        for server in OURS
    ),
    *(
        Goal(scenario, figure, server, "fastapi", most=most)
        for scenario in ("live-events", "live-ws")
        for figure, most in (("receive_p50_ms", 0.6), ("receive_p99_ms", 0.7))
        for server in ("daphne", "uvicorn")
    ),
    *(
        Goal(scenario, "late_p99_ms", server, "fastapi", most=1)
        for scenario in PACED
        for server in OURS
    ),
    Goal("polling", "requests_per_s", "daphne", "fastapi", least=1),
    Goal("polling", "requests_per_s", "uvicorn", "fastapi", least=1),
    *(Goal("late-events", "pieces_per_cpu_s", server, "fastapi", least=20) for server in OURS),
)  # fmt: skip
LIMITS = (
    *(Limit(scenario, "receive_p99_ms", server, 60) for scenario in LIVE for server in OURS),
    *(
        Limit(scenario, "kb_per_viewer", server, 10)
        for scenario in ("live-chunked", "live-events")
        for server in ("daphne", "uvicorn")
    ),
    Limit("live-ws", "kb_per_viewer", "daphne", 12),
    # An empty application on uvicorn takes 19 KB.
    Limit("live-ws", "kb_per_viewer", "uvicorn", 21),
)
