"""The contenders: each an application on a server."""

import http.client
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.ports import HOST, free_port
from tests.process import family
from tests.site import ROOT, environment

from .usage import Usage, pin

START_TIMEOUT = 30
STOP_TIMEOUT = 5
SETTLE_TIMEOUT = 10
# A server is idle if it uses less than RESTING seconds of CPU time within SETTLE_INTERVAL seconds.
SETTLE_INTERVAL, RESTING = 0.1, 0.005
# The viewers connect in bursts.
BACKLOG = 2048


@dataclass(frozen=True)
class Contender:
    """An application on a server."""

    key: str
    title: str
    server: str
    application: str
    paced: str = ""  # the prefix of the paths of the article's endpoints
    late: str = "/late"
    live: str = ""  # the prefix of the paths of live streams

    @property
    def ours(self) -> bool:
        return self.paced != ""

    def command(self, port: int) -> list[str]:
        program = str(Path(sys.executable).with_name(self.server))
        match self.server:
            case "daphne":
                endpoint = f"tcp:{port}:interface={HOST}:backlog={BACKLOG}"
                return [program, "-v", "0", "-e", endpoint, self.application]
            case "uvicorn":
                options = ["--no-access-log", "--log-level", "warning", "--backlog", str(BACKLOG)]
                return [program, "--host", HOST, "--port", str(port), *options, self.application]
            case "granian":
                options = ["--interface", "asgi", "--backlog", str(BACKLOG), "--no-log"]
                return [program, "--host", HOST, "--port", str(port), *options, self.application]
        raise ValueError(self.server)


def ours(server: str) -> Contender:
    return Contender(
        key=server,
        title=f"streamsite, {server}",
        server=server,
        application="tests.bench.site:application",
        paced="/stream",
        late="/stream/long",
        live="/stream",
    )


FASTAPI = Contender(
    "fastapi", "FastAPI, uvicorn", "uvicorn", "tests.bench.peers.fastapi_service:app"
)
STOCK = Contender(
    "stock", "stock Django, daphne", "daphne", "tests.bench.peers.stock_django:application"
)
CONTENDERS = (ours("daphne"), ours("uvicorn"), ours("granian"), FASTAPI, STOCK)
PEERS = (FASTAPI, STOCK)


class Server:
    """A running contender."""

    def __init__(self, contender: Contender, folder: Path, variables: dict[str, str]) -> None:
        self.contender = contender
        self.port = free_port()
        self.log = folder / f"{contender.key}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                contender.command(self.port),
                cwd=ROOT,
                env=environment({"PYTHONPATH": str(ROOT), **variables}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def ready(self, core: int) -> None:
        """Wait until the server answers, and keep its processes on one core from then on."""
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self.get(f"{self.contender.paced}/polling?cnt=0")
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(
                        f"{self.contender.title} doesn't start: {error}\n{self.log.read_text()}"
                    ) from None
                time.sleep(0.05)
            else:
                break
        self.pids = family(self._process.pid)
        for pid in self.pids:
            pin(pid, core)

    def get(self, path: str) -> None:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=START_TIMEOUT)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise ConnectionError(f"{path}: {response.status}")
        finally:
            connection.close()

    def settle(self) -> None:
        """Wait until the server is idle: work for the last viewers would slow the next scenario."""
        deadline = time.monotonic() + SETTLE_TIMEOUT
        before = -1.0
        while (now := Usage.of(self.pids).cpu) - before > RESTING and time.monotonic() < deadline:
            before = now
            time.sleep(SETTLE_INTERVAL)

    def end(self) -> None:
        """Ask the server to end."""
        self._process.terminate()

    def ended(self) -> None:
        """Wait until the server and its processes have ended."""
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            # Some servers wait for their viewers, or for many threads, and do not end in time.
            for pid in reversed(family(self._process.pid)):
                os.kill(pid, signal.SIGKILL)
            self._process.wait()
