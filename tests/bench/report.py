"""Report the figures as tables, as JSON and as Markdown."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from .goals import GOALS, LIMITS, Goal, Limit
from .load import Figures
from .scenarios import STREAMS, VIEWERS, Scenario
from .servers import CONTENDERS, PEERS

# A round: {scenario: {contender: figures}}.
Round = Mapping[str, Mapping[str, Figures]]
NAMES = {"chunked": "chunked", "events": "SSE", "ws": "WebSocket"}


def with_scenario(rounds: Sequence[Round], *scenarios: str) -> list[Round]:
    """Return the rounds in which all of these scenarios ran."""
    return [each for each in rounds if all(scenario in each for scenario in scenarios)]


def medians(rounds: Sequence[Round]) -> dict[str, dict[str, Figures]]:
    """Return the medians over the rounds of each scenario: {scenario: {contender: figures}}."""
    return {
        scenario: {
            contender: {
                figure: median(
                    each[scenario][contender][figure] for each in with_scenario(rounds, scenario)
                )
                for figure in figures
            }
            for contender, figures in contenders.items()
        }
        for one in rounds
        for scenario, contenders in one.items()
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
        for each in with_scenario(rounds, goal.scenario, goal.other_scenario or goal.scenario)
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
            for scenario, contenders in medians(rounds).items()
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
        (scenario, contender)
        for scenario, contenders in medians(rounds).items()
        for contender in contenders
    }
    known = [
        goal
        for goal in GOALS
        if {(goal.scenario, goal.server), (goal.other_scenario or goal.scenario, goal.other)}
        <= measured
    ]
    return [(goal, goal.least <= ratio(rounds, goal) <= goal.most) for goal in known]


def known_limits(rounds: Sequence[Round]) -> list[Limit]:
    middle = medians(rounds)
    return [limit for limit in LIMITS if limit.server in middle.get(limit.scenario, {})]


def show(console: Console, scenarios: Sequence[Scenario], rounds: Sequence[Round]) -> None:
    middle = medians(rounds)
    for scenario in scenarios:
        if not middle.get(scenario.key):
            continue
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


def read(path: Path) -> tuple[list[Round], dict[str, Any]]:
    """Return the rounds of an earlier run, and what it says about the machine."""
    everything = json.loads(path.read_text(encoding="utf-8"))
    rounds = [
        {
            scenario: {
                contender: {
                    figure: float("nan") if value is None else value
                    for figure, value in figures.items()
                }
                for contender, figures in contenders.items()
            }
            for scenario, contenders in each.items()
        }
        for each in everything.pop("rounds")
    ]
    return rounds, everything


def markdown(rounds: Sequence[Round], about: Mapping[str, Any]) -> str:
    """Return the figures as tables in Markdown, for the guide."""
    middle = medians(rounds)

    def cell(scenario: str, contender: str, figure: str, *, relative: bool = False) -> str:
        found = middle.get(scenario, {})
        if contender not in found:
            return "–"
        text = number(found[contender][figure])
        if relative and "fastapi" in found and contender != "fastapi":
            share = ratio(rounds, Goal(scenario, figure, contender, "fastapi"))
            text += f" ({number(share)})"
        return text

    def table(
        heading: str, columns: Mapping[str, tuple[str, str]], *, relative: bool = False
    ) -> list[str]:
        """Return a table of servers. A column is a scenario and a figure."""
        columns = {title: column for title, column in columns.items() if middle.get(column[0])}
        rows = [
            [each.title]
            + [
                cell(scenario, each.key, figure, relative=relative)
                for scenario, figure in columns.values()
            ]
            for each in CONTENDERS
            if any(each.key in middle[scenario] for scenario, _ in columns.values())
        ]
        if not columns:
            return []
        head = [heading, *columns]
        lines = [head, ["---"] * len(head), *rows]
        return ["", *(f"| {' | '.join(line)} |" for line in lines)]

    packages = ", ".join(f"{name} {version}" for name, version in about["packages"].items())
    size = about["size"]
    about_run = (
        f"{size['viewers']} viewers, a piece every 100 ms, server on one core; medians of "
        f"{size['rounds']} rounds; Python {about['python']}, {packages}; {about['machine']}."
    )
    lines = [
        about_run,
        *table(
            "CPU µs a piece (relative to FastAPI)",
            {
                **{f"article: {NAMES[t]}": (f"paced-{t}", "us_per_piece") for t in NAMES},
                **{f"replay: {NAMES[t]}": (f"replay-{t}", "us_per_piece") for t in NAMES},
                **{f"live: {NAMES[t]}": (f"live-{t}", "us_per_piece") for t in NAMES},
                f"{size['streams']} live streams, SSE": ("many-events", "us_per_piece"),
                f"{size['streams']} answers of a model": ("chat", "us_per_piece"),
            },
            relative=True,
        ),
        *table(
            "publish to receipt, ms (relative to FastAPI)",
            {
                "SSE, p50": ("live-events", "receive_p50_ms"),
                "SSE, p99": ("live-events", "receive_p99_ms"),
                "WebSocket, p50": ("live-ws", "receive_p50_ms"),
                "WebSocket, p99": ("live-ws", "receive_p99_ms"),
                f"{size['streams']} streams, p50": ("many-events", "receive_p50_ms"),
                f"{size['streams']} streams, p99": ("many-events", "receive_p99_ms"),
            },
            relative=True,
        ),
        *table(
            "polls a second (relative to FastAPI)",
            {
                "on one core": ("polling", "requests_per_s"),
                "in a second of CPU time": ("polling", "requests_per_cpu_s"),
                "pieces in a second of CPU time, late joiner": ("late-events", "pieces_per_cpu_s"),
            },
            relative=True,
        ),
        *table(
            "a waiting viewer",
            {
                **{f"KB: {NAMES[t]}": (f"live-{t}", "kb_per_viewer") for t in NAMES},
                "CPU µs to join: SSE": ("live-events", "join_us"),
                "threads of the server": ("live-events", "threads"),
            },
        ),
        *table(
            "CPU µs a piece: viewers of one stream, SSE",
            {f"{n:,}": (f"viewers-{n}", "us_per_piece") for n in VIEWERS},
        ),
        *table(
            "publish to receipt, p99 in ms: viewers of one stream, SSE",
            {f"{n:,}": (f"viewers-{n}", "receive_p99_ms") for n in VIEWERS},
        ),
        *table(
            f"CPU µs a piece: live streams of {size['viewers']} viewers, SSE",
            {f"{n:,}": (f"streams-{n}", "us_per_piece") for n in STREAMS},
        ),
    ]
    return "\n".join(lines)


def mark(reached: bool) -> str:
    return "[green]yes[/]" if reached else "[red]no[/]"


def number(value: float) -> str:
    if not isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
