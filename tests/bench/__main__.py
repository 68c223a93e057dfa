"""Run the benchmark: `python -m tests.bench`, or a smaller one with `--quick`."""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import load, report
from .runner import LOAD_CORE, Bench, live_streams, phases
from .scenarios import FULL, QUICK, SCENARIOS
from .servers import CONTENDERS
from .usage import pin

PACKAGES = (
    "django", "channels", "daphne", "twisted", "uvicorn", "uvloop", "granian", "fastapi",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="run one round with fewer viewers, in about a minute"
    )
    parser.add_argument("--rounds", type=int, help="the number of rounds (default: 3)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=10,
        help="start no round that would end later than this (default: 10)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="run only the scenarios whose names begin with one of these",
    )
    parser.add_argument(
        "--servers",
        nargs="+",
        choices=[each.key for each in CONTENDERS],
        help="run only these servers",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("bench.json"),
        help="the file for all figures (default: bench.json)",
    )
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    rounds_wanted = options.rounds or size.rounds
    scenarios = [s for s in SCENARIOS if not options.only or s.key.startswith(tuple(options.only))]
    contenders = [c for c in CONTENDERS if not options.servers or c.key in options.servers]

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pin(os.getpid(), LOAD_CORE)
    console = Console(width=None if sys.stdout.isatty() else 160)
    began = time.monotonic()
    rounds: list[dict[str, dict[str, load.Figures]]] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            refresh_per_second=2,
        ) as progress,
        suppress(KeyboardInterrupt),
    ):
        bench = Bench(Path(folder), size, contenders)
        bar = progress.add_task("prepare", total=rounds_wanted * len(scenarios) * len(contenders))
        bench.prepare()
        for number in range(rounds_wanted):
            # A round takes about as long as each round before. Start no round that would
            # end too late.
            passed = time.monotonic() - began
            if number and passed * (number + 1) / number > options.minutes * 60:
                console.print(f"Stopped after {number} rounds: another one would take too long.")
                break
            figures: dict[str, dict[str, load.Figures]] = {s.key: {} for s in scenarios}
            for phase in phases(scenarios):
                progress.update(bar, description=f"round {number + 1}: starting the servers")
                with bench.servers(live_streams(phase, size)) as servers:
                    for scenario in phase:
                        for server in servers:
                            who = server.contender
                            progress.update(
                                bar,
                                description=f"round {number + 1}: {scenario.key}, {who.title}",
                            )
                            try:
                                found = bench.measure(scenario, server)
                            except RuntimeError as error:
                                console.print(f"{scenario.key}, {who.title}: {error}")
                            else:
                                figures[scenario.key][who.key] = found
                            progress.advance(bar)
            rounds.append(figures)
    if not rounds:
        return 130
    about = {
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "size": {"viewers": size.viewers, "streams": size.streams, "rounds": len(rounds)},
        "seconds": round(time.monotonic() - began),
    }
    complete = common(rounds)
    report.show(console, scenarios, complete)
    console.print(f"{json.dumps(about)}")
    options.json.write_text(report.as_json(complete, about), encoding="utf-8")
    console.print(f"All figures are in {options.json}.")
    return 0


def common(rounds: Sequence[report.Round]) -> list[report.Round]:
    """Keep only the figures that every round has, because a median needs all rounds."""
    return [
        {
            scenario: {
                key: figures
                for key, figures in contenders.items()
                if all(key in other[scenario] for other in rounds)
            }
            for scenario, contenders in each.items()
        }
        for each in rounds
    ]


if __name__ == "__main__":
    sys.exit(main())
