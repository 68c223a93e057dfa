"""Report the figures as tables and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from .load import Figures
from .scenarios import Scenario
from .servers import CONTENDERS, PEERS

# A round: {scenario: {contender: figures}}.
Round = Mapping[str, Mapping[str, Figures]]


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
LIVE = ("live-events", "live-ws")
GOALS = (
    *(
        Goal(scenario, "us_per_piece", server, other, most=most)
        for scenario in PACED
        for server, other, most in (
            ("daphne", "fastapi", 1),
            ("daphne", "stock", 0.5),
            ("uvicorn", "fastapi", 0.75),
            ("granian", "fastapi", 0.65),
        )
    ),
    *(
        Goal(scenario, "late_p99_ms", server, "fastapi", most=1)
        for scenario in PACED
        for server in ("daphne", "uvicorn", "granian")
    ),
    Goal("polling", "requests_per_s", "daphne", "stock", least=8),
    Goal("polling", "requests_per_s", "uvicorn", "fastapi", least=1),
    *(
        Goal("late-events", "pieces_per_cpu_s", server, "fastapi", least=20)
        for server in ("daphne", "uvicorn", "granian")
    ),
    *(
        Goal(live, "us_per_piece", server, server, most=1.2, other_scenario=f"paced-{transport}")
        for live, transport in (("live-events", "events"), ("live-ws", "ws"))
        for server in ("daphne", "uvicorn", "granian")
    ),
)
LIMITS = (
    *(
        Limit(scenario, "receive_p99_ms", server, 60)
        for scenario in LIVE
        for server in ("daphne", "uvicorn", "granian")
    ),
    *(
        Limit(scenario, "kb_per_viewer", server, 16)
        for scenario in LIVE
        for server in ("daphne", "uvicorn")
    ),
)


def medians(rounds: Sequence[Round]) -> dict[str, dict[str, Figures]]:
    return {
        scenario: {
            contender: {
                figure: median(each[scenario][contender][figure] for each in rounds)
                for figure in figures
            }
            for contender, figures in contenders.items()
        }
        for scenario, contenders in rounds[0].items()
    }


def ratio(rounds: Sequence[Round], goal: Goal) -> float:
    """Return the median of the ratios of all rounds.

    A disturbance of the machine changes both figures of a round, and their ratio least.
    """
    return median(
        divided(
            each[goal.scenario][goal.server][goal.figure],
            each[goal.other_scenario or goal.scenario][goal.other][goal.figure],
        )
        for each in rounds
    )


def divided(figure: float, other: float) -> float:
    return figure / other if other else float("nan")


def as_json(rounds: Sequence[Round], about: Mapping[str, Any]) -> str:
    everything = {
        **about,
        "medians": medians(rounds),
        "ratios": {
            scenario: {
                contender: {
                    figure: {
                        peer.key: ratio(rounds, Goal(scenario, figure, contender, peer.key))
                        for peer in PEERS
                        if peer.key in contenders
                    }
                    for figure in figures
                }
                for contender, figures in contenders.items()
            }
            for scenario, contenders in rounds[0].items()
        },
        "goals": [
            {
                "scenario": goal.scenario,
                "figure": goal.figure,
                "server": goal.server,
                "to": f"{goal.other_scenario} {goal.other}".strip(),
                "ratio": ratio(rounds, goal),
                "wanted": goal.wanted,
                "reached": reached,
            }
            for goal, reached in judged(rounds)
        ],
        "limits": [
            {
                "scenario": limit.scenario,
                "figure": limit.figure,
                "server": limit.server,
                "value": medians(rounds)[limit.scenario][limit.server][limit.figure],
                "most": limit.most,
            }
            for limit in known_limits(rounds)
        ],
        "rounds": rounds,
    }
    return json.dumps(without_gaps(everything), indent=2, ensure_ascii=False)


def without_gaps(value: Any) -> Any:
    """Replace NaN and infinity, which JSON does not have, by None. Round other floats."""
    match value:
        case dict():
            return {key: without_gaps(each) for key, each in value.items()}
        case list() | tuple():
            return [without_gaps(each) for each in value]
        case float():
            return float(f"{value:.4g}") if isfinite(value) else None
    return value


def judged(rounds: Sequence[Round]) -> list[tuple[Goal, bool]]:
    measured = {
        (scenario, contender) for scenario in rounds[0] for contender in rounds[0][scenario]
    }
    known = [
        goal
        for goal in GOALS
        if {(goal.scenario, goal.server), (goal.other_scenario or goal.scenario, goal.other)}
        <= measured
    ]
    return [(goal, goal.least <= ratio(rounds, goal) <= goal.most) for goal in known]


def known_limits(rounds: Sequence[Round]) -> list[Limit]:
    return [limit for limit in LIMITS if limit.server in rounds[0].get(limit.scenario, {})]


def show(console: Console, scenarios: Sequence[Scenario], rounds: Sequence[Round]) -> None:
    middle = medians(rounds)
    for scenario in scenarios:
        table = Table(title=scenario.title, title_justify="left", title_style="bold")
        table.add_column("")
        for figure in scenario.figures:
            table.add_column(figure, justify="right")
        first = scenario.figures[0]
        for peer in PEERS:
            table.add_column(f"ratio to {peer.key}", justify="right")
        for contender in CONTENDERS:
            figures = middle[scenario.key].get(contender.key)
            if figures is not None:
                table.add_row(
                    contender.title,
                    *(number(figures[figure]) for figure in scenario.figures),
                    *(
                        number(ratio(rounds, Goal(scenario.key, first, contender.key, peer.key)))
                        if peer.key in middle[scenario.key]
                        else ""
                        for peer in PEERS
                    ),
                )
        console.print(table)
    goals = Table(title="Goals and limits", title_justify="left", title_style="bold")
    for heading in ("scenario", "figure", "server", "to", "is", "wanted", ""):
        goals.add_column(heading)
    for goal, reached in judged(rounds):
        to = f"{goal.other_scenario} {goal.other}".strip()
        is_now = number(ratio(rounds, goal))
        goals.add_row(
            goal.scenario, goal.figure, goal.server, to, is_now, goal.wanted, mark(reached)
        )
    for limit in known_limits(rounds):
        value = middle[limit.scenario][limit.server][limit.figure]
        goals.add_row(
            limit.scenario, limit.figure, limit.server, "", number(value), f"≤ {limit.most:g}",
            mark(value <= limit.most),
        )  # fmt: skip
    console.print(goals)


def mark(reached: bool) -> str:
    return "[green]yes[/]" if reached else "[red]no[/]"


def number(value: float) -> str:
    if not isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
