"""Run the benchmark: `python -m tests.bench`, or a smaller one with `--quick`."""

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import load, report
from .runner import LOAD_CORE, Bench, phases
from .scenarios import FULL, QUICK, SCENARIOS, VIEWERS, Scenario, Size
from .servers import CONTENDERS, Contender
from .usage import pin

PACKAGES = (
    "django", "channels", "daphne", "twisted", "uvicorn", "uvloop", "granian", "fastapi",
)  # fmt: skip
# Servers that a short run leaves out: the slowest one, and the one that the site needs least.
LEFT_OUT_WHEN_SHORT = ("granian", "stock")


def main() -> int:
    options = parse()
    console = Console(width=None if sys.stdout.isatty() else 160)
    if options.show:
        rounds, about = report.read(options.show)
        show(console, rounds, about, markdown=options.markdown)
        return 0
    size = QUICK if options.quick else FULL
    scenarios = [s for s in SCENARIOS if not options.only or s.key.startswith(tuple(options.only))]
    if not options.only and (options.quick or options.short):
        scenarios = [scenario for scenario in scenarios if not scenario.growth]
    contenders = [c for c in CONTENDERS if not options.servers or c.key in options.servers]
    if not options.servers and options.short:
        contenders = [c for c in contenders if c.key not in LEFT_OUT_WHEN_SHORT]
    for contender in contenders:
        if contender.missing:
            console.print(f"{contender.title} is left out: this machine lacks {contender.missing}.")
    contenders = [contender for contender in contenders if not contender.missing]

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < max(VIEWERS) + 100:
        console.print(f"A process may open {hard} files, so the largest scenarios will fail.")
    pin(os.getpid(), LOAD_CORE)
    number = options.rounds or (1 if options.short else size.rounds)
    began = time.monotonic()
    rounds = list(run(console, size, scenarios, contenders, number, options.minutes * 60))
    if not rounds:
        return 130
    about = {
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "size": {"viewers": size.viewers, "streams": size.streams, "rounds": number},
        "seconds": round(time.monotonic() - began),
    }
    complete = common(rounds)
    options.json.write_text(report.as_json(complete, about), encoding="utf-8")
    show(console, complete, about, markdown=options.markdown)
    console.print(f"All figures are in {options.json}.")
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one round with a tenth of the viewers: a minute"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help="one round without growth, stock Django and granian: five minutes",
    )
    parser.add_argument("--rounds", type=int, help="the number of rounds (default: 3)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=20,
        help="start no round that would end later than this (default: 20)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        help="run only the scenarios whose names begin with one of these: "
        + ", ".join(scenario.key for scenario in SCENARIOS),
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
    parser.add_argument(
        "--show", type=Path, metavar="FILE", help="run nothing, and show the figures of this file"
    )
    parser.add_argument(
        "--markdown", action="store_true", help="show the figures as tables in Markdown"
    )
    return parser.parse_args()


def run(
    console: Console,
    size: Size,
    scenarios: Sequence[Scenario],
    contenders: Sequence[Contender],
    number: int,
    seconds: float,
) -> Iterator[report.Round]:
    """Run `number` rounds, and after the first one a round of the scenarios that grow.

    Start no round that would end after `seconds`, judged by the round before. An interrupt ends the
    run after the last complete round.
    """
    normal = [scenario for scenario in scenarios if not scenario.growth]
    growing = [scenario for scenario in scenarios if scenario.growth]
    # Without others, the scenarios that grow are the rounds.
    rounds = [normal, growing, *[normal] * (number - 1)] if normal else [growing] * number
    rounds = [each for each in rounds if each]
    began = time.monotonic()
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
        bar = progress.add_task(
            "prepare",
            total=sum(
                contender.takes_part(scenario.key)
                for each in rounds
                for scenario in each
                for contender in contenders
            ),
        )
        bench.prepare()
        took: dict[str, float] = {}
        for count, each in enumerate(rounds, 1):
            started = time.monotonic()
            if started - began + took.get(each[0].key, 0) > seconds:
                console.print(f"Stopped after {count - 1} rounds: another would take too long.")
                break
            figures: dict[str, dict[str, load.Figures]] = {s.key: {} for s in each}
            for phase in phases(each):
                progress.update(bar, description=f"round {count}: starting the servers")
                with bench.servers(phase) as servers:
                    for scenario in phase:
                        for server in servers:
                            who = server.contender
                            if not who.takes_part(scenario.key):
                                continue
                            progress.update(
                                bar, description=f"round {count}: {scenario.key}, {who.title}"
                            )
                            try:
                                found = bench.measure(scenario, server)
                            except RuntimeError as error:
                                console.print(f"{scenario.key}, {who.title}: {error}")
                            else:
                                figures[scenario.key][who.key] = found
                            progress.advance(bar)
            took[each[0].key] = time.monotonic() - started
            yield figures


def show(
    console: Console, rounds: Sequence[report.Round], about: Mapping[str, Any], *, markdown: bool
) -> None:
    if markdown:
        print(report.markdown(rounds, about))
    else:
        report.show(console, SCENARIOS, rounds)
        console.print(f"{json.dumps(about)}")


def common(rounds: Sequence[report.Round]) -> list[report.Round]:
    """Keep only the figures that every round of a scenario has, because a median needs all."""
    return [
        {
            scenario: {
                key: figures
                for key, figures in contenders.items()
                if all(key in other[scenario] for other in rounds if scenario in other)
            }
            for scenario, contenders in each.items()
        }
        for each in rounds
    ]


if __name__ == "__main__":
    sys.exit(main())
