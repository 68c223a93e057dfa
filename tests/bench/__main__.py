"""Run the benchmark: `python -m tests.bench [--quick] [--only NAME …] [--json FILE]`."""

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.ports import HOST
from tests.site import ROOT, environment

from . import load, report
from .scenarios import FULL, LATE_PIECES, QUICK, SCENARIOS, Scenario, Size
from .servers import CONTENDERS, Contender, Server

SERVER_CORE, LOAD_CORE = sorted(os.sched_getaffinity(0))[:2]
# Seconds, above those that a scenario takes by itself, after which something has gone wrong.
GRACE = 60
PACKAGES = (
    "django", "channels", "daphne", "twisted", "uvicorn", "uvloop", "granian", "fastapi", "starlette",
)  # fmt: skip

# The article's pieces, for the peers, and a long stream made of them.
PREPARE = """
import itertools, json
from pathlib import Path
from streamsite.prepare import prepare
prepare()
from demos.article import NAME
from streamsite.streams import log
from streamsite.streams.models import Stream
pieces = log.recording(log.find(NAME).pk).pieces.texts
Path({pieces!r}).write_text(json.dumps(pieces))
text = "".join(itertools.islice(itertools.cycle(pieces), {long}))
log.record(Stream(name="long", title="long", split="word", pace=0), text)
print(log.find("long").pieces)
"""


class Bench:
    """One run of the benchmark."""

    def __init__(self, folder: Path, size: Size, contenders: Sequence[Contender]) -> None:
        self.folder = folder
        self.size = size
        self.contenders = contenders
        self.template = folder / "var"
        self.pieces = folder / "pieces.json"
        self.long = size.long

    def prepare(self) -> None:
        """Make the streams that are over."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c",
             PREPARE.format(pieces=str(self.pieces), long=self.size.long)],
            cwd=ROOT,
            env=environment({"VAR_DIR": str(self.template)}),
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.long = int(done.stdout)

    @contextmanager
    def servers(self, streams: int) -> Iterator[list[Server]]:
        """Run all contenders, each with a fresh copy of what there is, and so many live streams."""
        running: list[Server] = []
        try:
            for contender in self.contenders:
                var = self.folder / contender.key
                shutil.rmtree(var, ignore_errors=True)
                shutil.copytree(self.template, var)
                variables = {
                    "VAR_DIR": str(var),
                    "BENCH_PIECES": str(self.pieces),
                    "BENCH_LONG": str(self.long),
                }
                running.append(Server(contender, self.folder, variables, SERVER_CORE))
            for server in running:
                server.ready()
                if streams and server.contender.ours:
                    server.get(f"/bench/open?streams={streams}")
            yield running
        finally:
            for server in running:
                server.stop()

    def measure(self, scenario: Scenario, server: Server) -> load.Figures:
        """Run a scenario in a process of its own."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        target = load.Target(HOST, server.port, server.pids)
        arguments = {"target": target, **scenario.arguments(server.contender, self.size)}
        process = multiprocessing.get_context("spawn").Process(
            target=_measure, args=(sender, LOAD_CORE, scenario.function, arguments), daemon=True
        )
        process.start()
        sender.close()
        try:
            if not receiver.poll(GRACE + self.size.seconds):
                raise RuntimeError("it takes too long")
            outcome = receiver.recv()
        except EOFError:
            raise RuntimeError("the load died") from None
        finally:
            process.kill()
            process.join()
        if isinstance(outcome, str):
            raise RuntimeError(outcome)  # noqa: TRY004 - the load's own error, in words
        return outcome


def _measure(sender: Any, core: int, function: Any, arguments: dict[str, Any]) -> None:
    try:
        sender.send(load.run(core, function, arguments))
    except Exception as error:  # noqa: BLE001 - told by whoever waits
        sender.send(f"{type(error).__name__}: {error}")


def phases(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Put together the scenarios that can have the same servers."""
    together = [scenario for scenario in scenarios if not scenario.fresh]
    alone = [[scenario] for scenario in scenarios if scenario.fresh]
    return [together, *alone] if together else alone


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, fewer viewers, a minute")
    parser.add_argument("--rounds", type=int, help="instead of three")
    parser.add_argument("--only", nargs="+", default=[], help="scenarios whose names begin so")
    parser.add_argument("--servers", nargs="+", choices=[each.key for each in CONTENDERS])
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where to write")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    rounds_wanted = options.rounds or size.rounds
    scenarios = [s for s in SCENARIOS if not options.only or s.key.startswith(tuple(options.only))]
    contenders = [c for c in CONTENDERS if not options.servers or c.key in options.servers]

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    os.sched_setaffinity(0, {LOAD_CORE})
    console = Console()
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
            figures: dict[str, dict[str, load.Figures]] = {s.key: {} for s in scenarios}
            for phase in phases(scenarios):
                progress.update(bar, description=f"round {number + 1}: the servers start")
                with bench.servers(phase[0].live_streams(size)) as servers:
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
    console.print(f"All figures: {options.json}")
    return 0


def common(rounds: Sequence[report.Round]) -> list[report.Round]:
    """Keep what every round has: medians are of all."""
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
