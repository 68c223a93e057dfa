"""Start and stop the servers, and run each scenario in a process of its own."""

import multiprocessing
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.ports import HOST
from tests.site import ROOT, environment

from . import load
from .scenarios import Scenario, Size
from .servers import Contender, Server
from .viewers import Target

SERVER_CORE, LOAD_CORE = sorted(os.sched_getaffinity(0))[:2]
# Seconds that a scenario may take in addition to its planned duration.
GRACE = 60

# Writes the pieces of the article to a file for the peers, and makes a long stream of them.
PREPARE = """
import itertools, json
from pathlib import Path
from streamsite.prepare import prepare
prepare()
from demos.article import NAME
from streamsite.streams import log
from streamsite.streams.models import Stream
pieces = log.recording(log.find(NAME)).pieces.texts
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
        """Make the finished streams."""
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
    def servers(self, scenarios: Sequence[Scenario]) -> Iterator[list[Server]]:
        """Run the contenders of these scenarios, with the live streams that the scenarios need.

        Each contender that needs the database has a copy of it.
        """
        running: list[Server] = []
        streams = live_streams(scenarios, self.size)
        contenders = [
            contender
            for contender in self.contenders
            if any(contender.takes_part(scenario.key) for scenario in scenarios)
        ]
        try:
            for contender in contenders:
                var = self.folder / contender.key
                if contender.ours:
                    shutil.rmtree(var, ignore_errors=True)
                    shutil.copytree(self.template, var)
                variables = {
                    "VAR_DIR": str(var),
                    "BENCH_PIECES": str(self.pieces),
                    "BENCH_LONG": str(self.long),
                    "CHAT_SOURCE": "tests.bench.provider.answer",
                    "CHAT_MAX_ANSWERS": "1000",
                    "CHAT_MAX_ANSWERS_PER_PROCESS": "1000",
                }
                running.append(Server(contender, self.folder, variables))
            for server in running:
                server.ready(SERVER_CORE)
                if server.contender.ours:
                    for name, number in streams.items():
                        server.get(f"/bench/open?name={name}&streams={number}")
            yield running
        finally:
            for server in running:
                server.end()
            for server in running:
                server.ended()

    def measure(self, scenario: Scenario, server: Server) -> load.Figures:
        """Run a scenario in a process of its own."""
        receiver, sender = multiprocessing.Pipe(duplex=False)
        target = Target(HOST, server.port, server.pids)
        arguments = {"target": target, **scenario.arguments(server.contender, self.size)}
        process = multiprocessing.get_context("spawn").Process(
            target=load.run, args=(sender, LOAD_CORE, scenario.function, arguments), daemon=True
        )
        process.start()
        sender.close()
        try:
            if not receiver.poll(GRACE + self.size.seconds):
                raise RuntimeError("The scenario takes too long.")
            outcome = receiver.recv()
        except EOFError:
            raise RuntimeError("The process of the load died.") from None
        finally:
            process.kill()
            process.join()
            server.settle()
        if isinstance(outcome, str):
            raise RuntimeError(outcome)
        return outcome


def phases(scenarios: Sequence[Scenario]) -> list[list[Scenario]]:
    """Group the scenarios that run on the same servers."""
    found: list[list[Scenario]] = []
    for scenario in scenarios:
        if scenario.fresh or not found:
            found.append([])
        found[-1].append(scenario)
    return found


def live_streams(scenarios: Sequence[Scenario], size: Size) -> dict[str, int]:
    """Return the names of the live streams that the scenarios need, with their numbers."""
    return {scenario.stream: scenario.streams(size) for scenario in scenarios if scenario.stream}
